package ledgertest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

func keys(t *testing.T) (note.Signer, note.Verifier) {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, "test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

// logTests hold the contract of ledger.LogSigner and ledger.Log.
var logTests = map[string]func(*testing.T, Store){
	"Each version and each erasure is a leaf of the tree": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a")...)
		supersede(t, l, versions("a", 1, 1), erasure("a", 2, "e-1"))
		want := []merkle.Leaf{
			merkle.NewLeaf(merkle.Record, "r-a1", record("a", 1).JSON()),
			merkle.NewLeaf(merkle.Record, "r-a2", record("a", 2).JSON()),
			merkle.NewLeaf(merkle.Erasure, "r-a1", record("a", 1).Erased("e-1").JSON()),
			merkle.NewLeaf(merkle.Erasure, "r-a2", record("a", 2).Erased("e-1").JSON()),
		}
		var got []merkle.Leaf
		for _, text := range wantWholeLog(t, l) {
			leaf, err := merkle.ParseLeaf(text)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, leaf)
		}
		if !slices.Equal(got, want) {
			t.Errorf("leaves %+v, want %+v", got, want)
		}
	},
	"Signing covers every leaf, once, and heads are kept": func(t *testing.T, s Store) {
		signer, verifier := keys(t)
		l := s.reopened(t, ended("a", "b")...)
		head, signed, err := l.SignLog(t.Context(), noon, signer)
		if err != nil || !signed || head.N != 2 {
			t.Fatalf("%+v, %v, %v", head, signed, err)
		}
		if _, again, err := l.SignLog(t.Context(), noon, signer); err != nil || again {
			t.Errorf("signed again: %v, %v", again, err)
		}
		heads, err := l.Heads(t.Context())
		if err != nil || len(heads) != 1 {
			t.Fatalf("%d heads, %v", len(heads), err)
		}
		if h, err := merkle.Open(heads[0], verifier); err != nil || h.N != 2 {
			t.Errorf("%+v, %v", h, err)
		}
	},
	"An inclusion proof holds under the newest head": func(t *testing.T, s Store) {
		signer, verifier := keys(t)
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a", "b", "c")...)
		if _, err := l.InclusionProof(t.Context(), "r-a1", verifier); err == nil {
			t.Error("a proof without a signed head")
		}
		if _, _, err := l.SignLog(t.Context(), noon, signer); err != nil {
			t.Fatal(err)
		}
		proof, err := l.InclusionProof(t.Context(), "r-b1", verifier)
		if err != nil {
			t.Fatal(err)
		}
		leaf, head, err := merkle.CheckProof(proof, verifier)
		want := merkle.NewLeaf(merkle.Record, "r-b1", record("b", 1).JSON())
		if err != nil || leaf != want || head.N != 3 {
			t.Errorf("%+v, %+v, %v", leaf, head, err)
		}
		_, err = l.InclusionProof(t.Context(), "r-none", verifier)
		if !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("a proof of no record: %v, want ErrNotFound", err)
		}
	},
}

// wantWholeLog compares the stored hashes with those of the tree that the leaves make, checks that
// each record has a leaf of its JSON as it is now, and returns the leaves.
func wantWholeLog(t *testing.T, l ledger.Log) (texts [][]byte) {
	t.Helper()
	var tree []tlog.Hash
	var memory merkle.Memory
	logged := map[merkle.Leaf]bool{}
	err := l.Leaves(t.Context(), func(n int64, record string, text []byte) error {
		leaf, err := merkle.ParseLeaf(text)
		if err != nil {
			return err
		}
		if n != memory.Len() || leaf.Record != record {
			t.Errorf("leaf %d of %s stands where leaf %d should: %q", n, record, memory.Len(), text)
		}
		logged[leaf] = true
		texts = append(texts, bytes.Clone(text))
		added, err := memory.Add(leaf)
		tree = append(tree, added...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	stored := 0
	err = l.Hashes(t.Context(), func(i int64, hash []byte) error {
		if i != int64(stored) || stored >= len(tree) || tlog.Hash(hash) != tree[stored] {
			t.Errorf("hash %d is not that of the leaves", i)
		}
		stored++
		return nil
	})
	if err != nil || stored != len(tree) {
		t.Errorf("%d hashes, %v; want %d", stored, err, len(tree))
	}
	err = l.EveryRecord(t.Context(), func(record string, text []byte) error {
		if !logged[merkle.NewLeaf(merkle.Record, record, text)] &&
			!logged[merkle.NewLeaf(merkle.Erasure, record, text)] {
			t.Errorf("record %s is not in the log as it is", record)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}
