//go:build live

package postgres_test

import (
	"crypto/rand"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Each node's log is signed under the node's name, and refuses the head of another, also one with the
// same tree.
func TestLiveHeadsNameTheirNode(t *testing.T) {
	skey, vkey, err := note.GenerateKey(rand.Reader, "test")
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
	dsn := newDatabase(t, server)
	c := meter(t, dsn, "m")
	logs := map[string]ledger.Store{
		"": c.Whole(), "pbx1": take(t, c, "pbx1"), "pbx2": take(t, c, "pbx2"),
	}
	heads := map[string]merkle.Head{}
	for node, l := range logs {
		head, signed, err := l.SignLog(t.Context(), noon, signer)
		if err != nil || !signed {
			t.Fatal(signed, err)
		}
		opened, err := merkle.Open(head.Note, note.VerifierList(verifier))
		if err != nil || opened.Node != node || head.Node != node {
			t.Errorf("the head of node %q is of %q, %v", node, opened.Node, err)
		}
		heads[node] = head
	}
	for node, l := range logs {
		for other, head := range heads {
			if agrees, err := l.Agrees(t.Context(), head); err != nil || agrees != (node == other) {
				t.Errorf("the log of %q and the head of %q: agrees %t, %v", node, other, agrees, err)
			}
		}
	}
	if heads["pbx1"].Tree != heads["pbx2"].Tree {
		t.Error("the trees differ: the test shows nothing")
	}
	execute(t, dsn, `UPDATE risposta.head SET note = $1 WHERE log = 'pbx1'`, heads["pbx2"].Note)
	if _, _, err := logs["pbx1"].SignLog(t.Context(), noon, signer); err == nil {
		t.Error("a log is signed although its newest head is another node's")
	}
}
