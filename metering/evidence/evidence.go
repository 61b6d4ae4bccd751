// Package evidence is the format in which the evidence of a call is kept.
//
// In: what the gateway knows besides the PBX's own events: the terms of a call, the answer of a
// lookup, an announcement, gaps and snapshots, later corrections. Out: frames, one line of JSON
// each, that replay to the same record years later on another machine; and the same values read
// back. docs/evidence.md describes the format. No frame ever holds a caller's number, a dialled
// number or the reason of an exemption.
//
// A call's evidence is a sequence of frames. It starts with a [Call]; the [Digest] of all frames
// stands in the record. Every type of this package begins with "risposta.", see [Ours]. The PBX's
// own events stand between them in Asterisk's field names, reduced to what counts: package ari
// writes and reads those. No PBX sends a frame of a type of this package.
package evidence

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/risposta/gateway/metering"
)

// Version is the version of the format. It stands in the first frame of each call.
const Version = 1

// prefix begins the types of this package, and none of Asterisk's.
const prefix = "risposta."

// The types of the frames.
const (
	TypeCall            = prefix + "Call"
	TypeExemption       = prefix + "Exemption"
	TypeCaller          = prefix + "Caller"
	TypeAnnouncement    = prefix + "Announcement"
	TypeGap             = prefix + "Gap"
	TypeSnapshot        = prefix + "Snapshot"
	TypeLegSnapshot     = prefix + "LegSnapshot"
	TypeUnreadableFrame = prefix + "UnreadableFrame"
	TypeFindings        = prefix + "Findings"
	TypeResolved        = prefix + "Resolved"
	TypeReconciled      = prefix + "Reconciled"
)

// Ours reports whether a type is one of this package, or of a later version of it.
func Ours(frameType string) bool { return strings.HasPrefix(frameType, prefix) }

// TypeOf reads the top-level type of a frame of evidence.
func TypeOf(frame []byte) (string, error) {
	var peek struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(frame, &peek, lenient); err != nil {
		return "", fmt.Errorf("reading the type of a frame of evidence: %w", err)
	}
	if peek.Type == "" {
		return "", errors.New("reading the type of a frame of evidence: it has none")
	}
	return peek.Type, nil
}

func versionOf(frame []byte) (int, error) {
	var peek struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(frame, &peek, lenient); err != nil {
		return 0, fmt.Errorf("reading the version of the format: %w", err)
	}
	return peek.Version, nil
}

// Names of channels and queues may hold bytes that are not UTF-8.
var lenient = jsontext.AllowInvalidUTF8(true)

// tagged is a frame as it stands in evidence: its type, then its fields.
type tagged[T any] struct {
	Type string `json:"type"`
	Body T      `json:",embed"`
}

func encode[T any](frameType string, body T) []byte {
	b, err := json.Marshal(tagged[T]{frameType, body}, json.Deterministic(true), lenient)
	if err != nil {
		panic("evidence: a " + frameType + " frame does not encode: " + err.Error()) // every field can be
	}
	return b
}

// timed is a frame with its timestamp.
type timed interface{ at() metering.Time }

// decode reads a frame of one type. A field that the type does not have is refused: it may change
// what the frame means, and only a new version may add one.
func decode[T timed](frameType string, frame []byte) (T, error) {
	var f tagged[T]
	err := json.Unmarshal(frame, &f, lenient, json.RejectUnknownMembers(true))
	switch {
	case err != nil:
		return f.Body, fmt.Errorf("reading a %s frame: %w", frameType, err)
	case f.Type != frameType:
		return f.Body, fmt.Errorf("reading a %s frame: its type is %q", frameType, f.Type)
	case f.Body.at().IsZero():
		return f.Body, fmt.Errorf("reading a %s frame: timestamp: missing", frameType)
	}
	return f.Body, nil
}
