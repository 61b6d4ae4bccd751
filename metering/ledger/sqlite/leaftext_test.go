package sqlite

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Whatever a leaf is, its text comes back; that of a record is packed.
func TestLeafTextComesBack(t *testing.T) {
	hash := rapid.OneOf(
		rapid.StringMatching(`[0-9a-f]{64}`), rapid.StringMatching(`[0-9A-F]{0,64}`), rapid.Just(""),
	)
	kind := rapid.SampledFrom([]merkle.Kind{merkle.Record, merkle.Erasure, merkle.Signed})
	rapid.Check(t, func(t *rapid.T) {
		leaf := merkle.Leaf{
			Kind: kind.Draw(t, "kind"), Record: rapid.StringMatching(`[a-z0-9-]{0,30}`).Draw(t, "record"),
			SHA256: hash.Draw(t, "hash"), Erased: hash.Draw(t, "erased"),
		}
		if got := leafText(leaf.Record, packLeaf(leaf)); !bytes.Equal(got, leaf.Text()) {
			t.Errorf("%q, want %q", got, leaf.Text())
		}
	})
	leaf := merkle.NewRecordLeaf("r-1", []byte("json"), []byte("erased"))
	if n := len(packLeaf(leaf)); n != 65 {
		t.Errorf("%d bytes, want 65", n)
	}
}
