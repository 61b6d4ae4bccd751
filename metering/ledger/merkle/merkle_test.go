package merkle_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering/ledger/merkle"
)

func keys(t interface{ Fatal(...any) }) (note.Signer, note.Verifiers) {
	skey, vkey, err := note.GenerateKey(bytes.NewReader(make([]byte, 64)), "test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return signer, note.VerifierList(verifier)
}

func leaf(i int) merkle.Leaf {
	return merkle.NewRecordLeaf(
		fmt.Sprintf("r-%d", i), fmt.Appendf(nil, "json %d", i), fmt.Appendf(nil, "erased %d", i))
}

func TestLeafIsReadBack(t *testing.T) {
	want := leaf(7)
	if got, err := merkle.ParseLeaf(want.Text()); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{
		"", "risposta ledger v1 record\nr-1\n", "risposta ledger v2 record\nr-1\nff\n",
		string(want.Text()) + "more\n",
	} {
		if _, err := merkle.ParseLeaf([]byte(bad)); err == nil {
			t.Errorf("%q was read as a leaf", bad)
		}
	}
}

// However long the log is, and wherever the leaf: its proof holds, and no other leaf passes with
// it.
func TestInclusionProofHoldsForItsLeafAlone(t *testing.T) {
	signer, verifier := keys(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "leaves")
		var log merkle.Memory
		for i := range n {
			if _, err := log.Add(leaf(i)); err != nil {
				t.Fatal(err)
			}
		}
		size := rapid.IntRange(1, n).Draw(t, "signed at")
		head, err := merkle.Sign("", int64(size), &log, signer)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := log.Agrees(head); err != nil || !ok {
			t.Fatalf("a log does not agree with its own head: %v", err)
		}
		i := rapid.IntRange(0, size-1).Draw(t, "leaf")
		proof, err := merkle.InclusionProof(int64(i), leaf(i), head, &log)
		if err != nil {
			t.Fatal(err)
		}
		got, at, err := merkle.CheckProof(proof, verifier)
		if err != nil || got != leaf(i) || at.Tree != head.Tree {
			t.Fatalf("got %+v at %+v, %v", got, at.Tree, err)
		}
		forged := strings.Replace(string(proof), leaf(i).SHA256, leaf(i+1).SHA256, 1)
		if _, _, err := merkle.CheckProof([]byte(forged), verifier); err == nil {
			t.Fatal("another record passed with the same proof")
		}
	})
}

func TestChangedLogDisagreesWithAnEarlierHead(t *testing.T) {
	signer, verifier := keys(t)
	build := func(order ...int) *merkle.Memory {
		var log merkle.Memory
		for _, i := range order {
			if _, err := log.Add(leaf(i)); err != nil {
				t.Fatal(err)
			}
		}
		return &log
	}
	head, err := merkle.Sign("", 4, build(0, 1, 2, 3), signer)
	if err != nil {
		t.Fatal(err)
	}
	larger := bytes.Replace(head.Note, []byte("\n4\n"), []byte("\n5\n"), 1)
	if _, err := merkle.Open(larger, verifier); err == nil {
		t.Error("a head with another size has a good signature")
	}
	for name, c := range map[string]struct {
		log  *merkle.Memory
		want bool
	}{
		"longer":    {build(0, 1, 2, 3, 4, 5), true},
		"removed":   {build(0, 1, 3, 4), false},
		"cut":       {build(0, 1, 2), false},
		"inserted":  {build(0, 1, 9, 2, 3), false},
		"reordered": {build(0, 2, 1, 3), false},
		"changed":   {build(0, 1, 2, 8), false},
	} {
		if got, err := c.log.Agrees(head); err != nil || got != c.want {
			t.Errorf("%s: agrees %v, %v; want %v", name, got, err, c.want)
		}
	}
}
