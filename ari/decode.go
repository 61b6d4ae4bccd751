package ari

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/risposta/gateway/metering/evidence"
)

// Asterisk passes on whatever bytes a carrier put into a caller's name, Latin-1 too: such a frame
// is good JSON but for its UTF-8. A duplicate key stays refused: two values for one key are no
// value.
var lenient = jsontext.AllowInvalidUTF8(true)

var errEvidenceType = errors.New("this type exists in evidence only; no PBX sends it")

// Decode reads one frame of a PBX. Types that do not matter, known or not, come back as [Other].
// The frame is not kept. A frame that cannot be read comes back as an *[Unreadable] error; so does
// a frame of a type of package evidence, which puts nothing in doubt.
func Decode(frame []byte) (Event, error) {
	typ, err := peekType(frame)
	if err != nil {
		return Event{}, unreadable(frame, typ, err)
	}
	if evidence.Ours(typ) {
		return Event{}, &Unreadable{Bytes: len(frame), Type: typ, Err: errEvidenceType}
	}
	ev, err := decodeEvent(frame, typ)
	if err != nil {
		return Event{}, unreadable(frame, typ, err)
	}
	ev.NumberKind = "" // only evidence has it
	return ev, nil
}

// decodeEvent reads one event of a PBX, from its own frame or from evidence.
func decodeEvent(frame []byte, typ string) (Event, error) {
	kind := kinds[typ]
	if kind == Other {
		return Event{Kind: Other}, nil
	}
	var w wire
	if err := json.Unmarshal(frame, &w, lenient); err != nil {
		return Event{}, err
	}
	ev, err := w.event(kind)
	if err != nil {
		return Event{}, err
	}
	if kind == Heartbeat {
		n, ok := HeartbeatNumber(w.EventName)
		if !ok {
			return Event{Kind: Other, At: ev.At, Node: ev.Node}, nil
		}
		ev.Heartbeat = n
	}
	return ev, nil
}

// PeekType returns the type that a frame names at its top level; "" where none can be read.
func PeekType(frame []byte) string {
	typ, err := peekType(frame)
	if err != nil {
		return ""
	}
	return typ
}

// peekType finds the top-level type and reads no further: 60 % of a call's frames are
// ChannelVarset.
func peekType(frame []byte) (string, error) {
	d := jsontext.NewDecoder(bytes.NewReader(frame), lenient)
	tok, err := d.ReadToken()
	if err != nil {
		return "", err
	}
	if tok.Kind() != '{' {
		return "", errors.New("not a JSON object")
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return "", err
		}
		if name.String() != "type" {
			if err := d.SkipValue(); err != nil {
				return "", err
			}
			continue
		}
		if d.PeekKind() != '"' {
			return "", errors.New("the type is not a string")
		}
		tok, err := d.ReadToken()
		if err != nil {
			return "", err
		}
		return tok.String(), nil
	}
	if _, err := d.ReadToken(); err != nil {
		return "", err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return "", errors.New("more than one JSON value")
	}
	return "", errors.New("no type")
}

// DecodeChannels reads the answer of GET /channels.
func DecodeChannels(body []byte) ([]Channel, error) {
	var ws []wireChannel
	if err := json.Unmarshal(body, &ws, lenient); err != nil {
		return nil, fmt.Errorf("reading the list of channels: %w", err)
	}
	cs := make([]Channel, len(ws))
	for i := range ws {
		cs[i] = ws[i].channel()
	}
	return cs, nil
}

// DecodeBridges reads the answer of GET /bridges.
func DecodeBridges(body []byte) ([]Bridge, error) {
	var ws []wireBridge
	if err := json.Unmarshal(body, &ws, lenient); err != nil {
		return nil, fmt.Errorf("reading the list of bridges: %w", err)
	}
	bs := make([]Bridge, len(ws))
	for i := range ws {
		bs[i] = ws[i].bridge()
	}
	return bs, nil
}
