package audit

import (
	"errors"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/metering/ledger/merkle"
)

// tree computes the hashes of a log leaf by leaf. It keeps only the roots of the complete subtrees
// at its right edge, which are all that the next leaf and the root of the whole need.
type tree struct {
	n    int64
	edge map[int64]tlog.Hash // by the index of the stored hash
}

// add adds a leaf and returns the hashes that it adds to the stored ones, from index Stored(n) on.
func (t *tree) add(leaf merkle.Leaf) ([]tlog.Hash, error) {
	added, err := merkle.Hashes(t.n, leaf, t)
	if err != nil {
		return nil, err
	}
	at := merkle.Stored(t.n)
	t.n++
	edge := make(map[int64]tlog.Hash, len(t.edge)+1)
	for _, i := range edgeOf(t.n) {
		if i >= at {
			edge[i] = added[i-at]
		} else {
			edge[i] = t.edge[i]
		}
	}
	t.edge = edge
	return added, nil
}

// edgeOf are the indexes of the roots of the complete subtrees of a log of n leaves.
func edgeOf(n int64) (indexes []int64) {
	for level, first := 62, int64(0); level >= 0; level-- {
		if size := int64(1) << level; n&size != 0 {
			indexes = append(indexes, tlog.StoredHashIndex(level, first>>level))
			first += size
		}
	}
	return indexes
}

// root is the root hash of the log as far as it has come.
func (t *tree) root() (tlog.Hash, error) { return tlog.TreeHash(t.n, t) }

// ReadHashes implements tlog.HashReader for the hashes at the edge.
func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for k, i := range indexes {
		h, ok := t.edge[i]
		if !ok {
			return nil, errors.New("a hash that is not at the edge of the log")
		}
		out[k] = h
	}
	return out, nil
}
