// Package merkle makes the ledger's records tamper-evident. The ledger log is a Merkle tree after
// RFC 6962 ([golang.org/x/mod/sumdb/tlog]); its heads are signed notes
// ([golang.org/x/mod/sumdb/note]).
//
// In: records as they are committed, erasures, disputes, states of the exemption register. Out: the
// [Leaf] of each, the hashes that a store adds for it ([Hashes]), signed heads ([Sign]), proofs that
// a leaf is under a head ([InclusionProof]), and whether a log is still the one whose head was signed
// ([Memory.Agrees]). The package reads no file and knows no clock, and nothing in the log names a
// person: a leaf is a record's id and hashes.
package merkle

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Kind is what a leaf stands for.
type Kind string

// The kinds of leaves.
const (
	Record        Kind = "record"         // a record was committed
	Erasure       Kind = "erasure"        // the caller's detail was erased from a record
	DisputeOpened Kind = "dispute-opened" // of the call of a record
	DisputeClosed Kind = "dispute-closed"
	Register      Kind = "register" // the exemption register has another state
	Quality       Kind = "quality"  // the counts of a day's calls; the leaf names the day
	Signed        Kind = "signed"   // the log was signed; the leaf is the first after its head
)

// Leaf is one entry of the log.
type Leaf struct {
	Kind   Kind
	Record string // the record's id, of Quality the day; "" where it is about none
	SHA256 string // of the content afterwards, in hexadecimal: of a record its JSON
	// Erased, of Record, is the SHA-256 of the record's erased form, in which the call has no name: what
	// an erasure may leave of it.
	Erased string
}

const leafHead = "risposta ledger v1"

// noHash stands in a leaf's text where it has no hash of an erased form.
const noHash = "-"

// NewLeaf makes a leaf of any kind but Record, with the content that it is about.
func NewLeaf(kind Kind, record string, content []byte) Leaf {
	return Leaf{Kind: kind, Record: record, SHA256: Sum(content)}
}

// NewRecordLeaf makes the leaf of a record as it was committed. erased is its erased form.
func NewRecordLeaf(record string, json, erased []byte) Leaf {
	return Leaf{Kind: Record, Record: record, SHA256: Sum(json), Erased: Sum(erased)}
}

// Sum is the SHA-256 of some content as leaves have it.
func Sum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// leafLines is how many lines the text of a leaf has.
const leafLines = 4

// Text returns the leaf as it is hashed and stored: four lines, each with its newline.
func (l Leaf) Text() []byte {
	erased := cmp.Or(l.Erased, noHash)
	return fmt.Appendf(nil, "%s %s\n%s\n%s\n%s\n", leafHead, l.Kind, l.Record, l.SHA256, erased)
}

// ParseLeaf reads what [Leaf.Text] wrote.
func ParseLeaf(text []byte) (Leaf, error) {
	lines := strings.Split(string(text), "\n")
	kind, ok := strings.CutPrefix(lines[0], leafHead+" ")
	if !ok || len(lines) != leafLines+1 || lines[leafLines] != "" {
		return Leaf{}, fmt.Errorf("%q is no leaf of the ledger log", text)
	}
	l := Leaf{Kind: Kind(kind), Record: lines[1], SHA256: lines[2]}
	if lines[3] != noHash {
		l.Erased = lines[3]
	}
	return l, nil
}

// Hashes returns what a store adds for the n-th leaf, counted from 0; the first of them gets the
// index Stored(n). read returns the hashes that are stored already.
func Hashes(n int64, leaf Leaf, read tlog.HashReader) ([]tlog.Hash, error) {
	return tlog.StoredHashes(n, leaf.Text(), read)
}

// Stored returns how many hashes are stored for a log of n leaves.
func Stored(n int64) int64 { return tlog.StoredHashCount(n) }

// Memory is a log in memory.
type Memory struct {
	hashes []tlog.Hash
	n      int64
}

// Add adds a leaf and returns the hashes that it added, in order.
func (m *Memory) Add(leaf Leaf) ([]tlog.Hash, error) {
	hashes, err := Hashes(m.n, leaf, m)
	if err != nil {
		return nil, err
	}
	m.hashes = append(m.hashes, hashes...)
	m.n++
	return hashes, nil
}

// Len returns the number of leaves.
func (m *Memory) Len() int64 { return m.n }

// ReadHashes implements tlog.HashReader.
func (m *Memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, 0, len(indexes))
	for _, i := range indexes {
		if i < 0 || i >= int64(len(m.hashes)) {
			return nil, errors.New("the log is too short")
		}
		out = append(out, m.hashes[i])
	}
	return out, nil
}

// Agrees reports whether the log begins with the leaves, in their order, that the head was signed
// for.
func (m *Memory) Agrees(h Head) (bool, error) {
	if h.N > m.n {
		return false, nil
	}
	root, err := tlog.TreeHash(h.N, m)
	return root == h.Hash, err
}
