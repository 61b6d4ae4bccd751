package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/risposta/gateway/ari"
)

// Version is that of the messages. A reader refuses any other.
const Version = 1

// The bounds of a batch and of its messages.
const (
	MaxFrames = 1024     // of one batch
	MaxBytes  = 4 << 20  // of frames in a batch of more than one
	maxBody   = 96 << 20 // a snapshot of 50,000 channels is 25 MB
	maxParts  = 1 << 12
	maxNode   = 255
)

// Batch is some frames of one PBX, one behind the other.
type Batch struct {
	Node   string
	First  Place // of the first frame; the others follow it in its run
	After  Place // of the frame before the first; zero where the tap does not know it
	Frames []ari.Frame
}

// Message is a batch, or a part of one, as it is sent. The journal of a tap keeps whole ones.
type Message struct {
	Node  string
	First Place
	Count uint64
	After Place
	Part  uint64 // from 0
	Parts uint64
	Body  []byte // compressed
}

// Last is the place of the last frame.
func (m *Message) Last() Place { return Place{m.First.Run, m.First.Sequence + m.Count - 1} }

var encoder = must(zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
	zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true)))

var decoder = must(zstd.NewReader(nil, zstd.WithDecoderConcurrency(2),
	zstd.WithDecoderMaxMemory(maxBody), zstd.WithDecoderLowmem(true)))

// must returns a coder all of whose options are right.
func must[T any](coder T, err error) T {
	if err != nil {
		panic("cluster: " + err.Error())
	}
	return coder
}

// The kinds of a frame in a body.
const (
	kindRaw   = 1
	kindEvent = 2
)

// ErrTooLong is why frames cannot be sent.
var ErrTooLong = errors.New("it is longer than a batch may be")

// Message encodes the frames. Those of the PBX need their Raw.
func (b Batch) Message() (Message, error) {
	body := make([]byte, 0, 1<<10)
	for i := range b.Frames {
		var err error
		if body, err = appendFrame(body, &b.Frames[i]); err != nil {
			return Message{}, fmt.Errorf("encoding frame %d behind %s: %w", i, b.First, err)
		}
		if len(body) > maxBody {
			return Message{}, fmt.Errorf("encoding %d frames from %s on: %w", len(b.Frames), b.First, ErrTooLong)
		}
	}
	m := Message{
		Node: b.Node, First: b.First, Count: uint64(len(b.Frames)), After: b.After, Parts: 1,
		Body: encoder.EncodeAll(body, make([]byte, 0, len(body)/4+64)),
	}
	return m, m.check()
}

func appendFrame(b []byte, f *ari.Frame) ([]byte, error) {
	kind, content := byte(kindRaw), f.Raw
	switch {
	case f.Event != nil:
		var err error
		if content, err = encodeEvent(f.Event); err != nil {
			return nil, err
		}
		kind = kindEvent
	case f.Raw == nil:
		return nil, errors.New("the bytes of a frame of the PBX were not kept")
	}
	b = append(b, kind)
	for _, n := range [...]uint64{
		uint64(f.Arrived), uint64(f.Sent), uint64(f.Total), uint64(len(content)),
	} {
		b = binary.AppendUvarint(b, n)
	}
	return append(b, content...), nil
}

// Frames decodes the frames of a whole message. Those of the PBX are not read yet.
func (m *Message) Frames() ([]ari.Frame, error) {
	body, err := decoder.DecodeAll(m.Body, nil)
	if err != nil {
		return nil, fmt.Errorf("decompressing the frames from %s on: %w", m.First, err)
	}
	frames := make([]ari.Frame, 0, min(m.Count, MaxFrames))
	r := reader{rest: body}
	for len(r.rest) > 0 && r.err == nil {
		f, err := r.frame()
		if err != nil {
			return nil, fmt.Errorf("decoding a frame behind %s: %w", m.First, err)
		}
		frames = append(frames, f)
	}
	if uint64(len(frames)) != m.Count {
		return nil, fmt.Errorf("decoding the frames from %s on: there are %d, not %d",
			m.First, len(frames), m.Count)
	}
	return frames, nil
}

func (r *reader) frame() (f ari.Frame, err error) {
	kind := r.take(1)
	f.Arrived, f.Sent = time.Duration(r.number()), time.Duration(r.number())
	total := r.number()
	content := r.bytes()
	switch {
	case r.err != nil:
		return f, r.err
	case total > math.MaxInt32:
		return f, errors.New("its length is none")
	case kind[0] == kindRaw:
		f.Raw, f.Total = content, int(total)
		return f, nil
	case kind[0] == kindEvent:
		f.Event, err = decodeEvent(content)
		return f, err
	}
	return f, fmt.Errorf("kind %d is unknown", kind[0])
}
