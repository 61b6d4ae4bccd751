package ledgertest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

func keys(t *testing.T) (note.Signer, note.Verifiers) {
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
	return signer, note.VerifierList(verifier)
}

// recordLeaf is the leaf of a version of a call's record.
func recordLeaf(call metering.CallID, version int) merkle.Leaf {
	r := record(call, version)
	return merkle.NewRecordLeaf(r.Record, r.JSON(), r.Erased("").JSON())
}

// logTests hold the contract of ledger.LogSigner and ledger.Log.
var logTests = map[string]func(*testing.T, Store){
	"Each version and each erasure is a leaf of the tree": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a")...)
		supersede(t, l, versions("a", 1, 1), erasure("a", 2, "e-1"))
		want := []merkle.Leaf{
			recordLeaf("a", 1), recordLeaf("a", 2),
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
	"The log is signed anew only where more than its own head was added": func(t *testing.T, s Store) {
		signer, _ := keys(t)
		l := s.open(t, ledger.Exclusive)
		sizes := []int64{}
		for _, call := range []metering.CallID{"", "", "a", "", "b"} {
			if call != "" {
				commit(t, l, ended(call)...)
			}
			head, signed, err := l.SignLog(t.Context(), noon, signer)
			if err != nil {
				t.Fatal(err)
			}
			if signed {
				sizes = append(sizes, head.N)
			}
		}
		if want := []int64{0, 2, 4}; !slices.Equal(sizes, want) {
			t.Errorf("signed at %d leaves, want %d", sizes, want)
		}
		leaves := wantWholeLog(t, l)
		heads, err := l.Heads(t.Context())
		if err != nil || len(heads) != 3 || len(leaves) != 5 {
			t.Fatalf("%d heads of %d leaves, %v", len(heads), len(leaves), err)
		}
		for i, n := range []int{0, 2, 4} {
			if want := merkle.NewLeaf(merkle.Signed, "", heads[i]).Text(); !bytes.Equal(leaves[n], want) {
				t.Errorf("leaf %d is %q, want that of head %d", n, leaves[n], i)
			}
		}
	},
	"The log agrees with the heads of its own leaves alone": func(t *testing.T, s Store) {
		signer, _ := keys(t)
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a", "b")...)
		head, _, err := l.SignLog(t.Context(), noon, signer)
		if err != nil {
			t.Fatal(err)
		}
		longer, other, node, shorter := head, head, head, head
		longer.N += 7
		other.Hash[0]++
		node.Node += "x"
		shorter.N = 1
		for _, c := range []struct {
			head merkle.Head
			want bool
		}{{head, true}, {longer, false}, {other, false}, {shorter, false}, {node, false}} {
			if got, err := l.Agrees(t.Context(), c.head); err != nil || got != c.want {
				t.Errorf("agrees with %d leaves, %s: %v, %v; want %v", c.head.N, c.head.Hash, got, err, c.want)
			}
		}
	},
	"Disputes and states of the register are leaves": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a")...)
		supersede(t, l, versions("a", 1, 1))
		later := noon.Add(time.Hour)
		for _, err := range []error{
			l.OpenDispute(t.Context(), "a", noon, "case 7"), l.CloseDispute(t.Context(), "a", later),
			l.NoteRegister(t.Context(), []byte("one")), l.NoteRegister(t.Context(), []byte("one")),
			l.OpenDispute(t.Context(), "none", noon, ""),
		} {
			if err != nil && !errors.Is(err, ledger.ErrNotFound) {
				t.Fatal(err)
			}
		}
		d := ledger.Dispute{Call: "a", OpenedAt: noon, Note: "case 7"}
		closed := d
		closed.ClosedAt = later
		want := [][]byte{
			recordLeaf("a", 1).Text(), recordLeaf("a", 2).Text(), d.Leaf("r-a1").Text(),
			closed.Leaf("r-a1").Text(), merkle.NewLeaf(merkle.Register, "", []byte("one")).Text(),
		}
		if got := wantWholeLog(t, l); !slices.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("leaves %q, want %q", got, want)
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
		if err != nil || leaf != recordLeaf("b", 1) || head.N != 3 {
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
	logged := map[[2]string]bool{} // records and hashes of them
	err := l.Leaves(t.Context(), func(n int64, record string, text []byte) error {
		leaf, err := merkle.ParseLeaf(text)
		if err != nil {
			return err
		}
		if n != memory.Len() || leaf.Record != record {
			t.Errorf("leaf %d of %s stands where leaf %d should: %q", n, record, memory.Len(), text)
		}
		logged[[2]string{leaf.Record, leaf.SHA256}] = true
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
	err = l.EveryRecord(t.Context(), func(row ledger.Row) error {
		if !logged[[2]string{row.Record, merkle.Sum(row.JSON)}] {
			t.Errorf("record %s is not in the log as it is", row.Record)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}
