package merkle_test

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/risposta/gateway/metering/ledger/merkle"
)

// emptyRoot is the hash of no leaf by RFC 6962: SHA-256 of nothing.
const emptyRoot = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

// The head of a ledger of one log is as it has always been; that of a node says whose it is.
func TestHeadsNameTheirNode(t *testing.T) {
	signer, verifier := keys(t)
	for node, origin := range map[string]string{
		"":                  "go.sum database tree",
		"pbx1":              "risposta-ledger/pbx1",
		"00:15:5d:01:02:03": "risposta-ledger/00:15:5d:01:02:03",
		"a b/ü\n\n%":        "risposta-ledger/a%20b%2F%C3%BC%0A%0A%25",
	} {
		head, err := merkle.Sign(node, 0, &merkle.Memory{}, signer)
		if want := origin + "\n0\n" + emptyRoot + "\n\n"; err != nil ||
			!strings.HasPrefix(string(head.Note), want) {
			t.Errorf("%q: %v\n%s\nwant %s", node, err, head.Note, want)
		}
		for name, open := range map[string]func([]byte) (merkle.Head, error){
			"signed": func(text []byte) (merkle.Head, error) { return merkle.Open(text, verifier) },
			"read":   merkle.Unverified,
		} {
			got, err := open(head.Note)
			if err != nil || got.Node != node || got.Tree != head.Tree || !bytes.Equal(got.Note, head.Note) {
				t.Errorf("%q %s: %+v, %v", node, name, got, err)
			}
		}
	}
}

// A head cannot be made that of another node, and there is one way to write a node.
func TestHeadsOfAnotherNodeAreNotMade(t *testing.T) {
	signer, verifier := keys(t)
	head, err := merkle.Sign("pbx1", 0, &merkle.Memory{}, signer)
	if err != nil {
		t.Fatal(err)
	}
	for _, origin := range []string{"risposta-ledger/pbx2", "go.sum database tree"} {
		other := strings.Replace(string(head.Note), "risposta-ledger/pbx1", origin, 1)
		if _, err := merkle.Open([]byte(other), verifier); err == nil {
			t.Errorf("under %s: the signature is good", origin)
		}
	}
	for _, origin := range []string{
		"risposta-ledger/", "risposta-ledger/%70bx1", "risposta-ledger/%zz", "risposta-ledger/%7", "risposta-ledger/%",
		"risposta-ledger/%c3%bc", "risposta-ledger/a/b", "other",
	} {
		text := origin + "\n0\n" + emptyRoot + "\n"
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		if h, err := merkle.Open(signed, verifier); err == nil {
			t.Errorf("%s is read as node %q", origin, h.Node)
		}
	}
}
