package ledgertest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// signTests hold the contract of ledger.LogSigner, and of proofs under several heads.
var signTests = map[string]func(*testing.T, Store){
	"Heads come oldest first, a proof is of the newest leaf under the newest head": func(
		t *testing.T, s Store,
	) {
		signer, verifier := keys(t)
		l := s.open(t, ledger.Exclusive)
		sign := func() {
			t.Helper()
			if _, signed, err := l.SignLog(t.Context(), noon, signer); err != nil || !signed {
				t.Fatalf("signed: %v, %v", signed, err)
			}
		}
		proven := func(want merkle.Kind, size int64) {
			t.Helper()
			text, err := l.InclusionProof(t.Context(), "r-a1", verifier)
			if err != nil {
				t.Fatal(err)
			}
			leaf, head, err := merkle.CheckProof(text, verifier)
			if err != nil || leaf.Kind != want || head.N != size {
				t.Errorf("%+v under %d leaves, %v; want %s under %d", leaf, head.N, err, want, size)
			}
		}
		commit(t, l, ended("a")...)
		sign()
		commit(t, l, ended("b")...)
		sign()
		proven(merkle.Record, 3)
		supersede(t, l, erasure("a", 1, "e-1"))
		_, err := l.InclusionProof(t.Context(), "r-a1", verifier)
		if err == nil || errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("the newest leaf is under no head yet: %v", err)
		}
		sign()
		proven(merkle.Erasure, 5)
		if err := l.OpenDispute(t.Context(), "b", noon, ""); err != nil {
			t.Fatal(err)
		}
		sign()
		text, err := l.InclusionProof(t.Context(), "r-b1", verifier)
		if err != nil {
			t.Fatal(err)
		}
		if leaf, _, err := merkle.CheckProof(text, verifier); err != nil || leaf != recordLeaf("b", 1) {
			t.Errorf("%+v, %v; want the record, not its dispute", leaf, err)
		}
		heads, err := l.Heads(t.Context())
		if err != nil || len(heads) != 4 {
			t.Fatalf("%d heads, %v; want 4", len(heads), err)
		}
		for i, text := range heads {
			if h, err := merkle.Open(text, verifier); err != nil || h.N != int64(2*i+1) {
				t.Errorf("head %d is of %d leaves, %v", i, h.N, err)
			}
		}
	},
	"Signing is serialised with every change": func(t *testing.T, s Store) {
		signer, verifier := keys(t)
		l := s.open(t, ledger.Exclusive)
		const calls = 20
		committed := make(chan error, 1)
		go func() {
			for i := range calls {
				for _, b := range ended(metering.CallID(fmt.Sprint("c", i))) {
					if err := l.Commit(t.Context(), &b); err != nil {
						committed <- err
						return
					}
				}
			}
			committed <- nil
		}()
		beside := s.open(t, ledger.ReadWrite)
		for done := false; !done; {
			select {
			case err := <-committed:
				if err != nil {
					t.Fatal(err)
				}
				done = true
			default:
			}
			if _, _, err := beside.SignLog(t.Context(), noon, signer); err != nil {
				t.Fatal(err)
			}
		}
		var tree merkle.Memory
		for _, text := range wantWholeLog(t, l) {
			leaf, err := merkle.ParseLeaf(text)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tree.Add(leaf); err != nil {
				t.Fatal(err)
			}
		}
		heads, err := l.Heads(t.Context())
		if err != nil || len(heads) == 0 || tree.Len() != int64(calls+len(heads)) {
			t.Fatalf("%d heads of %d leaves, %v", len(heads), tree.Len(), err)
		}
		for i, text := range heads {
			head, err := merkle.Open(text, verifier)
			if err != nil {
				t.Fatal(err)
			}
			if agrees, err := tree.Agrees(head); err != nil || !agrees {
				t.Errorf("head %d, of %d leaves, is not of this log: %v", i, head.N, err)
			}
		}
	},
}
