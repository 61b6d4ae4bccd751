package sqlite

import (
	"bytes"
	"encoding/hex"

	"github.com/risposta/gateway/metering/ledger/merkle"
)

// leafPacked begins the packed text of a leaf about a record: the two hashes follow, as bytes. Its
// other lines are the kind, and the record, which the row names anyway. Half of a leaf is saved.
const leafPacked = 1

// hashBytes is the length of a hash in a leaf.
const hashBytes = 32

// packLeaf is the text of a leaf as it is stored: packed where leafText makes the same of it again.
func packLeaf(leaf merkle.Leaf) []byte {
	text := leaf.Text()
	packed := []byte{leafPacked}
	for _, line := range []string{leaf.SHA256, leaf.Erased} {
		hash, err := hex.DecodeString(line)
		if err != nil {
			return text
		}
		packed = append(packed, hash...)
	}
	if !bytes.Equal(leafText(leaf.Record, packed), text) {
		return text
	}
	return packed
}

// leafText is the text of a leaf that a row has, packed or not.
func leafText(record string, stored []byte) []byte {
	if len(stored) != 1+2*hashBytes || stored[0] != leafPacked {
		return stored
	}
	return merkle.Leaf{
		Kind: merkle.Record, Record: record, SHA256: hex.EncodeToString(stored[1 : 1+hashBytes]),
		Erased: hex.EncodeToString(stored[1+hashBytes:]),
	}.Text()
}
