// Package evidence is the format in which the evidence of a call is kept.
//
// In: what the gateway knows beside the PBX's own events: the terms of a call, a lookup's answer, an
// announcement, gaps and snapshots, later corrections. Out: frames, one line of JSON each, that
// replay to the same record years later on another machine; and the same values read back.
// docs/evidence.md describes the format. The package decides nothing, and no caller's number, no
// category of an exemption and no dialled number is ever in a frame.
//
// The PBX's own events stand in evidence in Asterisk's field names, reduced to what counts; package
// ari writes and reads those. A frame of one of the types here never comes from a PBX.
package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"strings"

	"github.com/risposta/gateway/metering"
)

// Version is the version of the format. It stands in the first frame of each call.
const Version = 1

// prefix begins the types of this package's frames, and of no frame of Asterisk's.
const prefix = "risposta."

// The types of the frames.
const (
	TypeCall            = prefix + "Call"            // the first frame of each call
	TypeExemption       = prefix + "Exemption"       // a lookup's answer during the call
	TypeAnnouncement    = prefix + "Announcement"    // what the front desk announced to the caller
	TypeGap             = prefix + "Gap"             // from here on the PBX was not seen
	TypeSnapshot        = prefix + "Snapshot"        // what there was when it was seen again
	TypeLegSnapshot     = prefix + "LegSnapshot"     // legs that come into the call, as they were
	TypeUnreadableFrame = prefix + "UnreadableFrame" // a frame about these channels was not understood
	TypeResolved        = prefix + "Resolved"        // a lookup's answer after the call
	TypeReconciled      = prefix + "Reconciled"      // what Asterisk's CEL shows of an unseen time
)

// Ours tells whether a frame's type is one of this package's.
func Ours(frameType string) bool { return strings.HasPrefix(frameType, prefix) }

// TypeOf reads the type of a frame.
func TypeOf(frame []byte) (string, error) {
	var peek struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(frame, &peek); err != nil {
		return "", fmt.Errorf("reading the type of a frame: %w", err)
	}
	return peek.Type, nil
}

// Digest counts and hashes the frames of a call: the SHA-256 of them, each followed by a newline.
type Digest struct {
	frames int
	hash   hash.Hash
}

// NewDigest makes the digest of no frames.
func NewDigest() *Digest { return &Digest{hash: sha256.New()} }

// DigestOf makes the digest of some frames.
func DigestOf(frames [][]byte) *Digest {
	d := NewDigest()
	for _, f := range frames {
		d.Add(f)
	}
	return d
}

// Add takes in one frame more.
func (d *Digest) Add(frame []byte) {
	d.frames++
	d.hash.Write(frame)
	d.hash.Write([]byte{'\n'})
}

// Evidence names the frames so far, as a record does.
func (d *Digest) Evidence() metering.Evidence {
	return metering.Evidence{Events: d.frames, Digest: "sha256:" + hex.EncodeToString(d.hash.Sum(nil))}
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("evidence: a frame does not encode: " + err.Error()) // every field can be encoded
	}
	return b
}

// decode reads a frame of a type into v.
func decode(frame []byte, v any) error {
	if err := json.Unmarshal(frame, v); err != nil {
		return fmt.Errorf("reading a frame of evidence: %w", err)
	}
	return nil
}
