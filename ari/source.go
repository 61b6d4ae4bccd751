package ari

import (
	"bytes"
	"context"
	"errors"
	"time"
)

// Source delivers what happens on one PBX into a [Queue].
//
// Order: frames are delivered in the order in which the PBX sent them.
//
// Loss: no frame is dropped in silence. A source that may have missed one delivers [Gap], then
// nothing until [SnapshotTaken]. The At of that Gap is zero: its reader fills in the last instant
// that it has seen. The first frame of a run is SnapshotTaken, or [Resumed] where the run before
// ended with [Suspended] and its [Position] was accepted.
//
// Connecting again is the source's task: Run retries until ctx ends, with bounded backoff.
// Going on where an earlier run stopped is the reader's: it stores the Position of a frame with
// what it knew then, and presents it to the next run.
type Source interface {
	// Run delivers until ctx ends. It returns after everything it started has ended: nil, or why
	// the source could not shut down cleanly.
	Run(ctx context.Context) error
	// Resync asks for a Gap with this reason and a new snapshot: the reader no longer trusts its
	// view of the PBX. It returns at once; a second request before the first is served is dropped.
	Resync(reason string)
	// Probe asks the PBX, and returns at once. The answers come as one [Probed] event, behind every
	// event that the PBX sent before it answered. While earlier requests are in progress later ones
	// may be dropped, and a gap drops all: the reader asks again while it needs to know.
	Probe(requests []ProbeRequest)
}

// Position is a place in the stream of one PBX, in the encoding of the source that made it. A
// reader stores it and never looks into it. It promises that every frame before it has been
// delivered, and that a run to which it is presented either delivers every frame after it, or
// refuses it and starts with a snapshot.
type Position []byte

// MaxFrame is the length in bytes of the longest frame that is kept whole. Only the front of a
// longer one is kept. Asterisk's own frames are below 4 KiB.
const MaxFrame = 1 << 20

// Frame is one entry of a [Queue]: what the PBX sent, or Event, made by the source itself.
type Frame struct {
	// Raw is the frame as the PBX sent it, until Read has read it; or for good, where it cannot be read.
	Raw []byte
	// Decoded is what Read has read from Raw.
	Decoded *Event
	// Length is that of Raw before it was read, in bytes.
	Length int
	// Arrived is when it came in, by the boot clock of this machine; zero where that is not known.
	Arrived time.Duration
	// Sent is when the heartbeat was asked for, by the same clock: of a heartbeat, and of the
	// SnapshotTaken or Resumed that it completes; else zero.
	Sent  time.Duration
	Total int    // length in bytes of a frame of which Raw is only the front; else zero
	Event *Event // Gap, SnapshotTaken, Suspended, Resumed, Probed or ListsTaken
	// Position is the place after this frame; nil where no run can start from there.
	Position Position
}

// Read reads the frame, and lets go of Raw, which may be a part of a buffer. A frame that cannot be
// read keeps its own copy, for the next reader to find out the same.
func (f *Frame) Read() *Unreadable {
	f.Length = len(f.Raw)
	if f.Total > 0 {
		f.Raw = bytes.Clone(f.Raw)
		return TooLong(f.Raw, f.Total)
	}
	ev, err := Decode(f.Raw)
	switch {
	case err != nil:
		f.Raw = bytes.Clone(f.Raw)
		return asUnreadable(err)
	case ev.Kind == Other && ev.At.IsZero():
		f.Raw, f.Decoded = nil, &nothing
	default:
		kept := ev
		f.Raw, f.Decoded = nil, &kept
	}
	return nil
}

func asUnreadable(err error) (u *Unreadable) {
	if !errors.As(err, &u) {
		panic("ari: Decode fails with another error: " + err.Error())
	}
	return u
}

// nothing is what most frames come to. It is never changed.
var nothing = Event{Kind: Other}

// Size is what the frame weighs in a queue: its length.
func (f *Frame) Size() int { return max(f.Length, len(f.Raw)) }
