package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// check checks what no message can be.
func (m *Message) check() error {
	switch {
	case m.Node == "" || len(m.Node) > maxNode:
		return fmt.Errorf("the name of a node has 1 to %d bytes, and not %d", maxNode, len(m.Node))
	case m.First.Run == 0 || m.First.Sequence == 0 || m.Count == 0 || m.Count > MaxFrames:
		return fmt.Errorf("a batch has 1 to %d frames, and not %d from %s on", MaxFrames, m.Count, m.First)
	case m.First.Sequence > math.MaxUint64-m.Count || !m.After.Before(m.First):
		return fmt.Errorf("a batch from %s on cannot follow %s", m.First, m.After)
	case m.Part >= m.Parts || m.Parts > maxParts:
		return fmt.Errorf("part %d of %d is none", m.Part, m.Parts)
	case m.After.Run == m.First.Run && m.After.Sequence != m.First.Sequence-1:
		return fmt.Errorf("a batch from %s on does not follow %s", m.First, m.After)
	}
	return nil
}

// appendHeader writes the header.
func (m *Message) appendHeader(b []byte) []byte {
	b = append(b, Version)
	b = binary.AppendUvarint(b, uint64(len(m.Node)))
	b = append(b, m.Node...)
	for _, n := range [...]uint64{
		m.First.Run, m.First.Sequence, m.Count, m.After.Run, m.After.Sequence, m.Part, m.Parts,
	} {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

// Encode writes the message.
func (m *Message) Encode() []byte {
	return append(m.appendHeader(make([]byte, 0, len(m.Body)+maxNode)), m.Body...)
}

// headerBytes is more than a header has.
const headerBytes = 1 + maxNode + 8*binary.MaxVarintLen64

// Split makes messages of at most most bytes of a whole message.
func (m *Message) Split(most int) ([]Message, error) {
	room := most - headerBytes
	if room < 1 || (len(m.Body)+room-1)/room > maxParts {
		return nil, fmt.Errorf("splitting %d bytes into messages of %d: %w", len(m.Body), most, ErrTooLong)
	}
	parts := max(1, (len(m.Body)+room-1)/room)
	messages := make([]Message, parts)
	for i := range messages {
		part := *m
		part.Part, part.Parts = uint64(i), uint64(parts)
		part.Body = m.Body[i*room : min(len(m.Body), (i+1)*room)]
		messages[i] = part
	}
	return messages, nil
}

// ParseMessage reads a message. Its body is a part of text.
func ParseMessage(text []byte) (Message, error) {
	r := reader{rest: text}
	if v := r.take(1); r.err == nil && v[0] != Version {
		return Message{}, fmt.Errorf("reading a message of a tap: it has version %d, and not %d: "+
			"install the same release on taps and meters", v[0], Version)
	}
	m := Message{Node: string(r.bytes())}
	for _, n := range [...]*uint64{
		&m.First.Run, &m.First.Sequence, &m.Count, &m.After.Run, &m.After.Sequence, &m.Part, &m.Parts,
	} {
		*n = r.number()
	}
	m.Body = r.rest
	if r.err == nil {
		r.err = m.check()
	}
	if r.err != nil {
		return Message{}, fmt.Errorf("reading a message of a tap: %w", r.err)
	}
	return m, nil
}

// Assembler makes whole messages of parts that come in their order.
type Assembler struct {
	parts Message // so far; Parts is 0 where there are none
}

// Add takes the next message. ok: whole is a whole one. Parts that do not follow each other are
// forgotten: what they had is missing, as what follows shows.
func (a *Assembler) Add(m Message) (whole Message, ok bool) {
	if m.Parts == 1 {
		a.parts = Message{}
		return m, true
	}
	same := a.parts.Parts == m.Parts && a.parts.First == m.First && a.parts.Count == m.Count &&
		a.parts.After == m.After && a.parts.Node == m.Node
	switch {
	case m.Part == 0:
		a.parts = m
		a.parts.Body = append([]byte(nil), m.Body...)
		return Message{}, false
	case !same || m.Part != a.parts.Part+1 || len(a.parts.Body)+len(m.Body) > maxBody:
		a.parts = Message{}
		return Message{}, false
	}
	a.parts.Part, a.parts.Body = m.Part, append(a.parts.Body, m.Body...)
	if m.Part+1 < m.Parts {
		return Message{}, false
	}
	whole, a.parts = a.parts, Message{}
	whole.Part, whole.Parts = 0, 1
	return whole, true
}

// reader reads the encoding. Behind its first error it reads nothing.
type reader struct {
	rest []byte
	err  error
}

var errShort = errors.New("it ends too early")

func (r *reader) take(n uint64) []byte {
	if r.err == nil && n > uint64(len(r.rest)) {
		r.err = errShort
	}
	if r.err != nil {
		return nil
	}
	taken := r.rest[:n:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) number() uint64 {
	if r.err != nil {
		return 0
	}
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.err = errShort
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) bytes() []byte { return r.take(r.number()) }
