package cluster

import (
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/risposta/gateway/ari"
)

// Requests of meters are JSON, with [Version]. All of them may be lost: whoever sends one sends it
// again while it matters.

// Passed is what a meter tells a tap: the checkpoint is durable up to this place, so that the tap need
// not keep what comes before it.
type Passed struct {
	Version int
	Place   Place
}

// Resend asks a tap for the frames behind After, up to Until. The answer is messages as the stream has
// them, and at the end one without a body, with [EndHeader].
type Resend struct {
	Version      int
	After, Until Place
}

// EndHeader is in the last message of an answer to [Resend].
const EndHeader = "Risposta-End"

// How an answer to [Resend] ends.
const (
	EndDone = "done" // all was sent that the tap has
	EndMore = "more" // there is more: the reader asks again
)

// Ask asks a tap for a snapshot, or for what no event tells. The answers come among the frames.
type Ask struct {
	Version int
	Resync  string // why; "": no snapshot is wanted
	Probe   []ari.ProbeRequest
}

// MaxRequest bounds a request: the questions of a round are fewer.
const MaxRequest = 1 << 20

// EncodeRequest writes a [Passed], [Resend] or [Ask].
func EncodeRequest(r any) []byte {
	text, err := json.Marshal(r, encoding)
	if err != nil {
		panic("cluster: a request does not encode: " + err.Error()) // every field can be encoded
	}
	return text
}

// ParseRequest reads a [Passed], [Resend] or [Ask] into r.
func ParseRequest(text []byte, r interface{ version() int }) error {
	if len(text) > MaxRequest {
		return fmt.Errorf("a request has %d bytes, and may have %d", len(text), MaxRequest)
	}
	if err := json.Unmarshal(text, r, encoding); err != nil {
		return fmt.Errorf("a request of %d bytes is not in the encoding of version %d", len(text), Version)
	}
	if v := r.version(); v != Version {
		return fmt.Errorf("a request has version %d, and not %d: install the same release on taps and "+
			"meters", v, Version)
	}
	return nil
}

func (p *Passed) version() int { return p.Version }
func (r *Resend) version() int { return r.Version }
func (a *Ask) version() int    { return a.Version }
