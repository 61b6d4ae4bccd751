package ledgertest

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/metering"
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
	"Each version and each erasure is a leaf, and the stored tree is that of the leaves": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a")...)
		for _, next := range []ledger.Supersession{
			{Call: "a", After: 1, Records: []metering.Record{record("a", 2)}},
			{Call: "a", After: 2, At: noon, Erased: []metering.Record{record("a", 1).Erased("e-1"), record("a", 2).Erased("e-1")}},
		} {
			if err := l.Supersede(t.Context(), &next); err != nil {
				t.Fatal(err)
			}
		}
		want := []merkle.Leaf{
			merkle.NewLeaf(merkle.Record, "r-a1", record("a", 1).JSON()), merkle.NewLeaf(merkle.Record, "r-a2", record("a", 2).JSON()),
			merkle.NewLeaf(merkle.Erasure, "r-a1", record("a", 1).Erased("e-1").JSON()),
			merkle.NewLeaf(merkle.Erasure, "r-a2", record("a", 2).Erased("e-1").JSON()),
		}
		var tree []tlog.Hash
		var memory merkle.Memory
		err := l.Leaves(t.Context(), func(n int64, record string, text []byte) error {
			if n >= int64(len(want)) || string(want[n].Text()) != string(text) || want[n].Record != record {
				t.Errorf("leaf %d is %q of %s", n, text, record)
				return nil
			}
			added, err := memory.Add(want[n])
			tree = append(tree, added...)
			return err
		})
		if err != nil || memory.Len() != int64(len(want)) {
			t.Fatalf("%d leaves, %v; want %d", memory.Len(), err, len(want))
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
		if err != nil || leaf != merkle.NewLeaf(merkle.Record, "r-b1", record("b", 1).JSON()) || head.N != 3 {
			t.Errorf("%+v, %+v, %v", leaf, head, err)
		}
		if _, err := l.InclusionProof(t.Context(), "r-none", verifier); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("a proof of no record: %v, want ErrNotFound", err)
		}
	},
}

// disputeTests hold the contract of ledger.Disputes.
var disputeTests = map[string]func(*testing.T, Store){
	"A dispute is of a call with a record, and can be opened again": func(t *testing.T, s Store) {
		l := s.reopened(t, ended("a")...)
		for name, err := range map[string]error{
			"opening one of no call":       l.OpenDispute(t.Context(), "none", noon, ""),
			"closing one that is not open": l.CloseDispute(t.Context(), "a", noon),
		} {
			if !errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", name, err)
			}
		}
		for range 2 {
			if err := l.OpenDispute(t.Context(), "a", noon, "case 7"); err != nil {
				t.Fatal(err)
			}
			d, err := l.Disputes(t.Context())
			if err != nil || len(d) != 1 || d[0].Note != "case 7" || !d[0].ClosedAt.IsZero() || !d[0].OpenedAt.Equal(noon) {
				t.Errorf("%+v, %v", d, err)
			}
			if err := l.CloseDispute(t.Context(), "a", noon.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			if d, err := l.Disputes(t.Context()); err != nil || !d[0].ClosedAt.Equal(noon.Add(time.Hour)) {
				t.Errorf("%+v, %v", d, err)
			}
		}
	},
}

// backupTests hold the contract of ledger.Backup.
var backupTests = map[string]func(*testing.T, Store){
	"A backup is a whole ledger, and replaces no file": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a", "b")...)
		file := filepath.Join(t.TempDir(), "copy")
		if err := l.Backup(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		commit(t, l, ended("later")...)
		copied, err := s.Copy(file)
		if err != nil {
			t.Fatal(err)
		}
		wantEvidence(t, copied, "a", "1", "2")
		if got := newest(t, copied, ledger.Query{}); len(got) != 2 {
			t.Errorf("the copy holds %q", got)
		}
		if err := copied.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Backup(t.Context(), file); err == nil {
			t.Error("a backup replaced a file")
		}
	},
}
