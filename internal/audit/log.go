package audit

import (
	"context"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// readLog computes the tree from its leaves and compares each hash with the one that is stored.
func (a *auditor) readLog(ctx context.Context, s ledger.Snapshot) error {
	err := s.Hashes(ctx, func(i int64, hash []byte) error {
		if i != int64(len(a.hashes)) || len(hash) != tlog.HashSize {
			a.report("", "hash %d of the log is not where it should be", len(a.hashes))
		}
		var h tlog.Hash
		copy(h[:], hash)
		a.hashes = append(a.hashes, h)
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.Leaves(ctx, a.readLeaf); err != nil {
		return err
	}
	if want := merkle.Stored(a.log.Len()); int64(len(a.hashes)) != want {
		a.report("", "the log has %d leaves and %d hashes, not %d: "+
			"leaves were removed or added at its end", a.log.Len(), len(a.hashes), want)
	}
	return nil
}

func (a *auditor) readLeaf(n int64, record string, text []byte) error {
	if n != a.log.Len() {
		a.report(record, "is leaf %d of the log where leaf %d should be: "+
			"a leaf was removed or inserted before it", n, a.log.Len())
	}
	leaf, err := merkle.ParseLeaf(text)
	if err != nil || leaf.Record != record {
		a.report(record, "has a leaf in the log that is not its own")
		leaf.Record = record
	}
	a.enter(leaf)
	return a.add(leaf)
}

// enter notes what the leaf holds about its record.
func (a *auditor) enter(leaf merkle.Leaf) {
	e := a.known[leaf.Record]
	if e == nil {
		e = &entry{}
		a.known[leaf.Record] = e
		a.order = append(a.order, leaf.Record)
	}
	switch leaf.Kind {
	case merkle.Record:
		if e.committed != "" {
			a.report(leaf.Record, "was entered into the log twice")
		}
		e.committed = leaf.SHA256
	case merkle.Erasure:
		e.erased = leaf.SHA256
	default:
		a.report(leaf.Record, "has a leaf of unknown kind %q", leaf.Kind)
	}
}

// add adds the leaf to the computed tree.
func (a *auditor) add(leaf merkle.Leaf) error {
	at := merkle.Stored(a.log.Len())
	added, err := a.log.Add(leaf)
	if err != nil {
		return err
	}
	for k, h := range added {
		if i := at + int64(k); i >= int64(len(a.hashes)) || a.hashes[i] != h {
			a.report(leaf.Record, "stands in the log where another leaf stood: "+
				"it was changed, inserted or moved there")
			return nil
		}
	}
	return nil
}

func (a *auditor) checkHeads(heads [][]byte, key note.Verifier) error {
	newest := int64(0)
	for _, text := range heads {
		h, err := merkle.Open(text, key)
		if err != nil {
			a.report("", "%v", err)
			continue
		}
		ok, err := a.log.Agrees(h)
		if err != nil {
			return err
		}
		if !ok {
			a.report("", "the log is not the one whose head was signed at %d leaves (root %s)",
				h.N, h.Hash)
			continue
		}
		a.Heads++
		newest = max(newest, h.N)
	}
	a.Unsigned = a.log.Len() - newest
	return nil
}
