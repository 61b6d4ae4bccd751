package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"github.com/risposta/gateway/metering"
)

// Digest counts and hashes the frames of a call: the SHA-256 of all frames, each followed by a
// newline.
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

// Add takes in the next frame.
func (d *Digest) Add(frame []byte) {
	d.frames++
	d.hash.Write(frame)
	d.hash.Write([]byte{'\n'})
}

// Evidence names the frames so far, as a record does.
func (d *Digest) Evidence() metering.Evidence {
	return metering.Evidence{
		Events: d.frames,
		Digest: "sha256:" + hex.EncodeToString(d.hash.Sum(nil)),
	}
}
