package merkle

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Head is the state of the log at one size: the number of leaves and the root hash.
type Head struct {
	tlog.Tree
	Node string // whose log it is, where each node has one; else ""
	Note []byte // the head as a signed note, which is all that a verifier needs
}

// The first line of a head, its origin. A head of no node has that of [tlog.FormatTree]; one of a node
// names it, so that the head of another cannot be put in its place.
const (
	noOrigin   = "go.sum database tree\n"
	nodeOrigin = "risposta-ledger/"
)

// text is the head as it is signed.
func (h Head) text() string {
	text := string(tlog.FormatTree(h.Tree))
	if h.Node == "" {
		return text
	}
	return nodeOrigin + escape(h.Node) + "\n" + strings.TrimPrefix(text, noOrigin)
}

// parseHead reads what text wrote.
func parseHead(text string) (h Head, err error) {
	tree := text
	if named, ok := strings.CutPrefix(text, nodeOrigin); ok {
		node, rest, _ := strings.Cut(named, "\n")
		if h.Node, err = unescape(node); err != nil {
			return Head{}, err
		}
		tree = noOrigin + rest
	}
	if h.Tree, err = tlog.ParseTree([]byte(tree)); err != nil {
		return Head{}, err
	}
	if h.text() != text {
		return Head{}, fmt.Errorf("%q is no head of the ledger log", text)
	}
	return h, nil
}

// escape is a node on one line: what is no letter, digit or mark of these as % and two hexadecimal
// digits.
func escape(node string) string {
	var b strings.Builder
	for i := range len(node) {
		c := node[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("-._:", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// unescape reads what escape wrote.
func unescape(text string) (string, error) {
	parts := strings.Split(text, "%")
	node := parts[0]
	for _, part := range parts[1:] {
		escaped, err := hex.DecodeString(part[:min(2, len(part))])
		if err != nil || len(escaped) != 1 {
			return "", fmt.Errorf("the head's origin names no node: %q", text)
		}
		node += string(escaped) + part[2:]
	}
	return node, nil
}

// Sign makes the signed head of a log of n leaves. node is whose log it is, "" where it is no node's.
func Sign(node string, n int64, read tlog.HashReader, signer note.Signer) (Head, error) {
	root, err := tlog.TreeHash(n, read)
	if err != nil {
		return Head{}, err
	}
	h := Head{Tree: tlog.Tree{N: n, Hash: root}, Node: node}
	h.Note, err = note.Sign(&note.Note{Text: h.text()}, signer)
	return h, err
}

// Open reads a signed head and checks its signature by the key among these that made it.
func Open(text []byte, keys note.Verifiers) (Head, error) {
	n, err := note.Open(text, keys)
	if err != nil {
		return Head{}, fmt.Errorf("the head's signature: %w", err)
	}
	h, err := parseHead(n.Text)
	h.Note = text
	return h, err
}

// Unverified reads a head and leaves its signature to others.
func Unverified(text []byte) (Head, error) {
	head, _, ok := strings.Cut(string(text), "\n\n")
	if !ok {
		return Head{}, errors.New("a signed head has no signature")
	}
	h, err := parseHead(head + "\n")
	h.Note = text
	return h, err
}
