package merkle

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const proofHead = "risposta inclusion proof v1"

// InclusionProof writes the proof that the n-th leaf is in the log of a head. It is checked with
// the public key of the head alone, without a ledger. The text has a title line, the leaf's number,
// the leaf, the hashes on the way to the root in base64, a blank line, and the signed head.
func InclusionProof(n int64, leaf Leaf, head Head, read tlog.HashReader) ([]byte, error) {
	proof, err := tlog.ProveRecord(head.N, n, read)
	if err != nil {
		return nil, fmt.Errorf("proving that leaf %d is in the log of %d leaves: %w", n, head.N, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%d\n%s", proofHead, n, leaf.Text())
	for _, h := range proof {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n")
	b.Write(head.Note)
	return []byte(b.String()), nil
}

// CheckProof checks what [InclusionProof] wrote, and returns the leaf and the head that it is
// under.
func CheckProof(text []byte, keys note.Verifiers) (Leaf, Head, error) {
	wrong := func(err error) (Leaf, Head, error) {
		return Leaf{}, Head{}, fmt.Errorf("checking the inclusion proof: %w", err)
	}
	front, signed, ok := strings.Cut(string(text), "\n\n")
	lines := strings.Split(front, "\n")
	if !ok || len(lines) < 2+leafLines || lines[0] != proofHead {
		return wrong(fmt.Errorf("it does not begin with %q", proofHead))
	}
	n, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return wrong(err)
	}
	leaf, err := ParseLeaf([]byte(strings.Join(lines[2:2+leafLines], "\n") + "\n"))
	if err != nil {
		return wrong(err)
	}
	var proof tlog.RecordProof
	for _, line := range lines[2+leafLines:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return wrong(err)
		}
		proof = append(proof, h)
	}
	head, err := Open([]byte(signed), keys)
	if err != nil {
		return wrong(err)
	}
	if err := tlog.CheckRecord(proof, head.N, head.Hash, n, tlog.RecordHash(leaf.Text())); err != nil {
		return wrong(err)
	}
	return leaf, head, nil
}
