package audit

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// The head of another node is refused, although its tree is the log's: who keeps the heads could not
// tell the two apart.
func TestHeadsOfAnotherNodeAreRefused(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Open(t.Context(), filepath.Join(dir, "ledger.db"), ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	signer, err := Signer(filepath.Join(dir, "key"), false)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := Verifiers(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	own, _, err := l.SignLog(t.Context(), time.Now(), signer)
	if err != nil {
		t.Fatal(err)
	}
	other, err := merkle.Sign("pbx2", 0, &merkle.Memory{}, signer)
	if err != nil || other.Tree != own.Tree {
		t.Fatalf("%+v, want the tree of %+v; %v", other, own, err)
	}
	for _, c := range []struct {
		node string
		kept []byte
		want string
	}{
		{"", own.Note, ""},
		{"", other.Note, "the head that was signed at 0 leaves is of node pbx2, and this is the log of no node"},
		{"pbx1", nil, "the head that was signed at 0 leaves is of no node, and this is the log of node pbx1"},
	} {
		o := Options{Keys: keys, Node: c.node}
		if c.kept != nil {
			o.Heads = [][]byte{c.kept}
		}
		report, err := Verify(t.Context(), l, o)
		var what []string
		for _, p := range report.Problems {
			what = append(what, p.What)
		}
		if got := strings.Join(what, "; "); err != nil || got != c.want || report.Node != c.node {
			t.Errorf("node %q: %q of %q, %v; want %q", c.node, got, report.Node, err, c.want)
		}
	}
}

// Heads of all nodes may be kept in one place.
func TestHeadsAreSortedByTheNodeThatTheyName(t *testing.T) {
	signer, err := Signer(filepath.Join(t.TempDir(), "key"), false)
	if err != nil {
		t.Fatal(err)
	}
	var kept [][]byte
	for _, node := range []string{"a", "", "b", "a"} {
		h, err := merkle.Sign(node, 0, &merkle.Memory{}, signer)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, h.Note)
	}
	kept = append(kept, []byte("no head"))
	for node, want := range map[string]int{"a": 2, "b": 1, "": 2, "c": 0} {
		if got := HeadsOf(node, kept); len(got) != want {
			t.Errorf("%q has %d heads, want %d", node, len(got), want)
		}
	}
	if got := HeadsOfOthers([]string{"a", ""}, kept); len(got) != 1 || string(got[0]) != string(kept[2]) {
		t.Errorf("of other nodes: %q", got)
	}
	if got := HeadsOfOthers([]string{"a", "b"}, kept); len(got) != 2 {
		t.Errorf("a head that cannot be read is lost: %q", got)
	}
}
