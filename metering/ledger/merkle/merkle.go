// Package merkle makes the ledger's records tamper-evident: a Merkle log after RFC 6962 (golang.org/x/mod/sumdb/tlog), its head signed as a note.
//
// In: records as they are committed, and erasures. Out: the leaf of each, the hashes that a store must add for it, signed heads, proofs, and what is wrong
// with a log that somebody has touched. A leaf holds no personal detail: a record's id and the hash of its JSON. It reads no file and knows no clock.
package merkle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Kind says what a leaf stands for.
type Kind string

// The kinds of leaves.
const (
	Record  Kind = "record"  // a record was committed
	Erasure Kind = "erasure" // the caller's detail was taken out of a record
)

// Leaf is one entry of the log: what was done to which record, and the SHA-256 of its JSON afterwards.
type Leaf struct {
	Kind   Kind
	Record string
	SHA256 string
}

const leafHead = "risposta ledger v1"

// NewLeaf is the leaf of a record's JSON as it was committed, or as an erasure left it.
func NewLeaf(kind Kind, record string, json []byte) Leaf {
	sum := sha256.Sum256(json)
	return Leaf{Kind: kind, Record: record, SHA256: hex.EncodeToString(sum[:])}
}

// Text is the leaf as it is hashed and kept: three lines.
func (l Leaf) Text() []byte {
	return fmt.Appendf(nil, "%s %s\n%s\n%s\n", leafHead, l.Kind, l.Record, l.SHA256)
}

// ParseLeaf reads what Text wrote.
func ParseLeaf(text []byte) (Leaf, error) {
	lines := strings.Split(string(text), "\n")
	kind, ok := strings.CutPrefix(lines[0], leafHead+" ")
	if !ok || len(lines) != 4 || lines[3] != "" {
		return Leaf{}, fmt.Errorf("%q is no leaf of the ledger's log", text)
	}
	return Leaf{Kind: Kind(kind), Record: lines[1], SHA256: lines[2]}, nil
}

// Hashes are what a store must add for the n-th leaf (from 0), the first of them at index Stored(n).
func Hashes(n int64, leaf Leaf, read tlog.HashReader) ([]tlog.Hash, error) {
	return tlog.StoredHashes(n, leaf.Text(), read)
}

// Stored is the number of hashes that a log of n leaves has stored.
func Stored(n int64) int64 { return tlog.StoredHashCount(n) }

// Head is the signed state of the log at some size.
type Head struct {
	tlog.Tree
	Note []byte // the signed note; it stands for itself
}

// Sign makes the head of a log of n leaves.
func Sign(n int64, read tlog.HashReader, signer note.Signer) (Head, error) {
	root, err := tlog.TreeHash(n, read)
	if err != nil {
		return Head{}, err
	}
	tree := tlog.Tree{N: n, Hash: root}
	text, err := note.Sign(&note.Note{Text: string(tlog.FormatTree(tree))}, signer)
	return Head{Tree: tree, Note: text}, err
}

// Open checks a head's signature.
func Open(text []byte, key note.Verifier) (Head, error) {
	n, err := note.Open(text, note.VerifierList(key))
	if err != nil {
		return Head{}, fmt.Errorf("the head's signature: %w", err)
	}
	tree, err := tlog.ParseTree([]byte(n.Text))
	return Head{Tree: tree, Note: text}, err
}

// Memory is a log in memory: leaves added one after the other.
type Memory struct {
	hashes []tlog.Hash
	n      int64
}

// Add adds a leaf and returns the hashes that it added.
func (m *Memory) Add(leaf Leaf) ([]tlog.Hash, error) {
	hashes, err := Hashes(m.n, leaf, m)
	if err != nil {
		return nil, err
	}
	m.hashes = append(m.hashes, hashes...)
	m.n++
	return hashes, nil
}

// Len is the number of leaves.
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

// Agrees tells whether the log, as far as it has come, is the one that a head was signed of.
func (m *Memory) Agrees(h Head) (bool, error) {
	if h.N > m.n {
		return false, nil
	}
	root, err := tlog.TreeHash(h.N, m)
	return root == h.Hash, err
}
