package audit

import (
	"context"
	"iter"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// logReader goes through the leaves, the stored hashes and the heads side by side.
type logReader struct {
	*auditor
	hash   func() (stored, error, bool) // the next stored hash
	own    []string                     // hashes of the ledger's heads that no leaf has named yet
	heads  []signedHead                 // by size, those that are not compared yet
	newest int64                        // leaves under the largest head that agrees; -1 for none
}

type stored struct {
	index int64
	hash  []byte
}

type signedHead struct {
	merkle.Head
	kept bool // elsewhere
}

// readLog computes the tree from its leaves, and compares it with the hashes that are stored and with
// the signed heads.
func (a *auditor) readLog(ctx context.Context, s ledger.Snapshot) error {
	r := &logReader{auditor: a, newest: -1}
	if err := r.openHeads(ctx, s); err != nil {
		return err
	}
	hash, stop := iter.Pull2(storedHashes(ctx, s))
	defer stop()
	r.hash = hash
	if err := r.compareHeads(); err != nil { // one of an empty log
		return err
	}
	if err := s.Leaves(ctx, r.leaf); err != nil {
		return err
	}
	if _, err, more := hash(); err != nil {
		return err
	} else if more {
		a.report("", "the log has more hashes than its %d leaves make: leaves were removed at its end",
			a.tree.n)
	}
	for _, h := range r.heads {
		a.report("", "the log has %d leaves, and a head was signed at %d (root %s): leaves were removed",
			a.tree.n, h.N, h.Hash)
	}
	for range r.own {
		a.report("", "a signed head is not in the log: it was inserted, or its leaf was removed")
	}
	a.Leaves = a.tree.n
	a.Unsigned = a.tree.n - max(r.newest, 0)
	if r.newest >= 0 && a.Unsigned > 0 {
		a.Unsigned-- // the leaf of the newest head itself
	}
	return nil
}

// checkCount compares the log with how many leaves the ledger takes it to have.
func (a *auditor) checkCount(ctx context.Context, s ledger.Snapshot) error {
	counter, ok := s.(ledger.LeafCounter)
	if !ok {
		return nil
	}
	n, err := counter.CountedLeaves(ctx)
	if err == nil && n != a.tree.n {
		a.report("", "the ledger takes its log to have %d leaves, and it has %d: leaves were removed or "+
			"inserted at its end, or its node's row was changed", n, a.tree.n)
	}
	return err
}

// openHeads verifies the signatures of all heads.
func (r *logReader) openHeads(ctx context.Context, s ledger.Snapshot) error {
	own, err := s.Heads(ctx)
	if err != nil {
		return err
	}
	for i, text := range slices.Concat(own, r.options.Heads) {
		kept := i >= len(own)
		if !kept {
			r.own = append(r.own, merkle.Sum(text))
		}
		h, err := merkle.Open(text, r.options.Keys)
		if err != nil {
			r.report("", "%v", err)
			continue
		}
		if h.Node != r.options.Node {
			r.report("", "the head that was signed at %d leaves is of %s, and this is the log of %s", h.N,
				nodeText(h.Node), nodeText(r.options.Node))
			continue
		}
		r.heads = append(r.heads, signedHead{h, kept})
	}
	if len(own) == 0 {
		r.report("", "the ledger has no signed head: heads were removed, or no gateway has run on it")
	}
	slices.SortStableFunc(r.heads, func(x, y signedHead) int { return int(x.N - y.N) })
	return nil
}

func nodeText(node string) string {
	if node == "" {
		return "no node"
	}
	return "node " + node
}

// HeadsOf are the heads among these that name a node, "" for none.
func HeadsOf(node string, kept [][]byte) (own [][]byte) {
	for _, text := range kept {
		if nodeOf(text) == node {
			own = append(own, text)
		}
	}
	return own
}

// HeadsOfOthers are the heads among these that name none of some nodes.
func HeadsOfOthers(nodes []string, kept [][]byte) (others [][]byte) {
	for _, text := range kept {
		if !slices.Contains(nodes, nodeOf(text)) {
			others = append(others, text)
		}
	}
	return others
}

// nodeOf is the node that a head names. One that cannot be read names none.
func nodeOf(text []byte) string {
	h, err := merkle.Unverified(text)
	if err != nil {
		return ""
	}
	return h.Node
}

// storedHashes are the stored hashes, in order.
func storedHashes(ctx context.Context, s ledger.Snapshot) iter.Seq2[stored, error] {
	return func(yield func(stored, error) bool) {
		err := s.Hashes(ctx, func(i int64, hash []byte) error {
			if !yield(stored{i, hash}, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && err != errStop { //nolint:errorlint // our own, as it is
			yield(stored{}, err)
		}
	}
}

const errStop = stopError("enough")

type stopError string

func (e stopError) Error() string { return string(e) }

func (r *logReader) leaf(n int64, record string, text []byte) error {
	if n != r.tree.n {
		r.report(record, "is leaf %d of the log where leaf %d should be: "+
			"a leaf was removed or inserted before it", n, r.tree.n)
	}
	leaf, err := merkle.ParseLeaf(text)
	if err != nil || leaf.Record != record {
		r.report(record, "has a leaf in the log that is not its own")
		leaf.Record = record
	}
	r.enter(leaf)
	if err := r.add(leaf); err != nil {
		return err
	}
	return r.compareHeads()
}

// enter notes what the leaf stands for.
func (r *logReader) enter(leaf merkle.Leaf) {
	switch leaf.Kind {
	case merkle.Record:
		r.records++
	case merkle.Erasure: // compared with its record
	case merkle.DisputeOpened, merkle.DisputeClosed:
		r.disputes[leaf.Record] = &disputed{leaf: leaf}
	case merkle.Register:
		r.register = leaf.SHA256
	case merkle.Quality:
		r.enterQuality(leaf)
	case merkle.Signed:
		if i := slices.Index(r.own, leaf.SHA256); i >= 0 {
			r.own = slices.Delete(r.own, i, i+1)
		} else {
			r.report("", "the head that was signed at %d leaves is missing: it was removed", r.tree.n)
		}
	default:
		r.report(leaf.Record, "has a leaf of unknown kind %q", leaf.Kind)
	}
}

// add adds the leaf to the computed tree.
func (r *logReader) add(leaf merkle.Leaf) error {
	at := merkle.Stored(r.tree.n)
	added, err := r.tree.add(leaf)
	if err != nil {
		return err
	}
	for k, h := range added {
		got, err, ok := r.hash()
		if err != nil {
			return err
		}
		same := ok && got.index == at+int64(k) && len(got.hash) == tlog.HashSize &&
			tlog.Hash(got.hash) == h
		if !same {
			r.report(leaf.Record, "stands in the log where another leaf stood: "+
				"it was changed, inserted or moved there")
		}
	}
	return nil
}

// compareHeads compares the heads of the log as far as it has come.
func (r *logReader) compareHeads() error {
	for len(r.heads) > 0 && r.heads[0].N <= r.tree.n {
		h := r.heads[0]
		r.heads = r.heads[1:]
		root, err := r.tree.root()
		if err != nil {
			return err
		}
		if h.N < r.tree.n || root != h.Hash {
			r.report("", "the log is not the one whose head was signed at %d leaves (root %s)",
				h.N, h.Hash)
			continue
		}
		r.Heads++
		if h.kept {
			r.Kept++
		}
		r.newest = max(r.newest, h.N)
	}
	return nil
}
