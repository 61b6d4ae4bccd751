// Package audit checks a ledger as a stranger would: every record against its evidence and against the log, the log against the heads that were signed.
//
// In: a ledger to read, the public key of its heads, heads that somebody kept. Out: what is wrong, each with the record that it is about. It changes
// nothing, and believes nothing that it can work out again.
package audit

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Store is the side of a ledger that an audit reads.
type Store interface {
	// EveryRecord calls f with each record in the order of committing: the id under which the file keeps it, and its JSON.
	EveryRecord(ctx context.Context, f func(record string, json []byte) error) error
	Evidence(ctx context.Context, call metering.CallID) ([][]byte, error)
	Leaves(ctx context.Context, f func(n int64, record string, text []byte) error) error
	Hashes(ctx context.Context, f func(i int64, hash []byte) error) error
	Heads(ctx context.Context) ([][]byte, error)
}

// Problem is one thing that is wrong. Record is "" where it is not about one.
type Problem struct {
	Record string `json:"record,omitzero"`
	What   string `json:"what"`
}

// Report is what an audit found.
type Report struct {
	Records  int       `json:"records"`  // looked at
	Replayed int       `json:"replayed"` // of which the evidence gave the same record again
	Erased   int       `json:"erased"`   // of which the detail has been taken out
	Leaves   int64     `json:"leaves"`   // of the log
	Heads    int       `json:"heads"`    // signed heads that the log agrees with
	Unsigned int64     `json:"unsigned"` // leaves since the newest of them
	Problems []Problem `json:"problems"`
}

type auditor struct {
	Report
	log    merkle.Memory
	hashes []tlog.Hash
	known  map[string]*entry // by record
	order  []string          // of the records, as they entered the log
	blamed map[string]bool
}

// entry is what the log says of one record.
type entry struct {
	committed, erased string // SHA-256 of its JSON
	seen              bool
}

// Verify audits. heads are those that somebody kept elsewhere; the ledger's own are checked too.
func Verify(ctx context.Context, s Store, key note.Verifier, heads [][]byte) (Report, error) {
	a := &auditor{known: map[string]*entry{}, blamed: map[string]bool{}}
	a.Problems = []Problem{}
	if err := a.readLog(ctx, s); err != nil {
		return Report{}, err
	}
	own, err := s.Heads(ctx)
	if err != nil {
		return Report{}, err
	}
	if err := a.checkHeads(append(own, heads...), key); err != nil {
		return Report{}, err
	}
	err = s.EveryRecord(ctx, func(record string, text []byte) error { return a.checkRecord(ctx, s, record, text) })
	if err != nil {
		return Report{}, err
	}
	for _, leaf := range a.order {
		if e := a.known[leaf]; !e.seen {
			e.seen = true
			a.blame(leaf, "is in the log, and not among the records: it was removed")
		}
	}
	a.Leaves = a.log.Len()
	return a.Report, nil
}

func (a *auditor) blame(record, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if record != "" && a.blamed[record+what] {
		return
	}
	a.blamed[record+what] = true
	a.Problems = append(a.Problems, Problem{Record: record, What: what})
}

// readLog builds the tree anew from its leaves and compares each hash with the one kept.
func (a *auditor) readLog(ctx context.Context, s Store) error {
	err := s.Hashes(ctx, func(i int64, hash []byte) error {
		if i != int64(len(a.hashes)) || len(hash) != tlog.HashSize {
			a.blame("", "hash %d of the log is not where it should be", len(a.hashes))
		}
		var h tlog.Hash
		copy(h[:], hash)
		a.hashes = append(a.hashes, h)
		return nil
	})
	if err != nil {
		return err
	}
	err = s.Leaves(ctx, func(n int64, record string, text []byte) error {
		if n != a.log.Len() {
			a.blame(record, "is leaf %d of the log where leaf %d should be: a leaf was removed or inserted before it", n, a.log.Len())
		}
		leaf, err := merkle.ParseLeaf(text)
		if err != nil || leaf.Record != record {
			a.blame(record, "has a leaf in the log that is none of its own")
			leaf.Record = record
		}
		a.enter(leaf)
		return a.add(leaf)
	})
	if err != nil {
		return err
	}
	if want := merkle.Stored(a.log.Len()); int64(len(a.hashes)) != want {
		a.blame("", "the log has %d leaves and %d hashes, not %d: leaves were removed or added at its end", a.log.Len(), len(a.hashes), want)
	}
	return nil
}

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
			a.blame(leaf.Record, "was entered into the log twice")
		}
		e.committed = leaf.SHA256
	case merkle.Erasure:
		e.erased = leaf.SHA256
	default:
		a.blame(leaf.Record, "has a leaf of unknown kind %q", leaf.Kind)
	}
}

func (a *auditor) add(leaf merkle.Leaf) error {
	at := merkle.Stored(a.log.Len())
	added, err := a.log.Add(leaf)
	if err != nil {
		return err
	}
	for k, h := range added {
		if i := at + int64(k); i >= int64(len(a.hashes)) || a.hashes[i] != h {
			a.blame(leaf.Record, "stands in the log where another leaf stood: it was changed, inserted or moved there")
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
			a.blame("", "%v", err)
			continue
		}
		ok, err := a.log.Agrees(h)
		if err != nil {
			return err
		}
		if !ok {
			a.blame("", "the log is not the one whose head was signed at %d leaves (root %s)", h.N, h.Hash)
			continue
		}
		a.Heads++
		newest = max(newest, h.N)
	}
	a.Unsigned = a.log.Len() - newest
	return nil
}

// checkRecord holds a record against the log, and replays its evidence.
func (a *auditor) checkRecord(ctx context.Context, s Store, record string, text []byte) error {
	a.Records++
	r, ok := parse(text)
	if !ok || r.Record != record {
		a.blame(record, "is no longer a record of that name")
		return nil
	}
	e := a.known[record]
	if e == nil {
		a.blame(record, "is among the records, and not in the log: it was inserted")
		return nil
	}
	e.seen = true
	sum := merkle.NewLeaf(merkle.Record, record, text).SHA256
	switch {
	case r.DetailErased && e.erased == sum:
		a.Erased++
		return nil
	case r.DetailErased || e.committed != sum:
		a.blame(record, "was changed since it was committed: call %s, now %s %s", r.Call, r.Charge, r.Charge.Currency)
	}
	return a.replay(ctx, s, r, text)
}

func (a *auditor) replay(ctx context.Context, s Store, r metering.Record, text []byte) error {
	if r.Evidence.Events == 0 {
		return nil // its evidence was broken when it was written, and it charges nothing
	}
	frames, err := s.Evidence(ctx, r.Call)
	if err != nil {
		return err
	}
	_, out, err := mediation.Replay(frames)
	switch {
	case err != nil:
		a.blame(r.Record, "has evidence that can't be replayed: call %s: %v", r.Call, err)
	case r.Version < 1 || r.Version > len(out.Records):
		a.blame(r.Record, "is version %d; its evidence gives %d: call %s", r.Version, len(out.Records), r.Call)
	case string(out.Records[r.Version-1].JSON()) != string(text):
		got := out.Records[r.Version-1]
		a.blame(r.Record, "says %s %s for %d ms of talk, its evidence %s %s for %d ms: call %s", r.Charge, r.Charge.Currency, r.TalkMs,
			got.Charge, got.Charge.Currency, got.TalkMs, r.Call)
	default:
		a.Replayed++
	}
	return nil
}

// parse reads a record; whatever is wrong with it is for the caller to say.
func parse(text []byte) (r metering.Record, ok bool) {
	err := json.Unmarshal(text, &r)
	return r, err == nil
}
