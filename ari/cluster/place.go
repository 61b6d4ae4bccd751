package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/ari"
)

// Place is that of one frame among all that a tap has sent of its PBX. The zero place is before all.
type Place struct {
	Run      uint64 // of the tap; a later one has a greater number
	Sequence uint64 // within the run, from 1
}

// Before reports whether a place comes before another one.
func (p Place) Before(q Place) bool {
	return p.Run < q.Run || p.Run == q.Run && p.Sequence < q.Sequence
}

// String is such as 1795427174000.17.
func (p Place) String() string { return fmt.Sprintf("%d.%d", p.Run, p.Sequence) }

// Position is what an [ari.Position] of a [Source] holds.
type Position struct {
	Place Place
	// Stream is the sequence in the JetStream stream of the message that had the frame: a hint where to
	// read on. A stream that was made anew counts anew.
	Stream uint64
	// Gap: the frame is in a gap. A reader that goes on from here needs a snapshot first.
	Gap bool
	// ClockLimit is how far the PBX's clock was ahead of the tap's boot clock at most, when that showed
	// ClockAt ([ari.Clock.Limit]). Both are zero where that is not known.
	ClockLimit, ClockAt time.Duration
}

const (
	positionVersion = 1
	positionBytes   = 1 + 1 + 5*8
)

// append writes the position in its own encoding: a version, whether there is a gap, and five numbers.
func (p Position) append(b []byte) []byte {
	gap := byte(0)
	if p.Gap {
		gap = 1
	}
	b = append(b, positionVersion, gap)
	for _, n := range [...]uint64{
		p.Place.Run, p.Place.Sequence, p.Stream, uint64(p.ClockLimit), uint64(p.ClockAt),
	} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return b
}

// Encode writes the position as frames carry it.
func (p Position) Encode() ari.Position { return p.append(nil) }

// ParsePosition reads a position that [Position.Encode] wrote.
func ParsePosition(text ari.Position) (Position, error) {
	if len(text) != positionBytes || text[0] != positionVersion || text[1] > 1 {
		return Position{}, errors.New("reading a position of a cluster's stream: it is none of version 1")
	}
	n := func(i int) uint64 { return binary.BigEndian.Uint64(text[2+8*i:]) }
	return Position{
		Place: Place{Run: n(0), Sequence: n(1)}, Stream: n(2), Gap: text[1] == 1,
		ClockLimit: time.Duration(n(3)), ClockAt: time.Duration(n(4)),
	}, nil
}
