package ari

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

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
	if ev, ok := scan(frame, false); ok {
		ev.NumberKind = "" // only evidence has it
		return ev, nil
	}
	return decode(frame)
}

// decode is Decode by package json.
func decode(frame []byte) (Event, error) {
	typ, variable, err := peek(frame)
	if err != nil {
		return Event{}, unreadable(frame, typ, err)
	}
	if kinds[typ] == ChannelVarset && !watched(variable) {
		return Event{Kind: Other}, nil
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
	return eventOf(&w, kind)
}

// eventOf is the event that a frame of a kind that matters says.
func eventOf(w *wire, kind Kind) (Event, error) {
	ev, err := w.event(kind)
	if err != nil {
		return Event{}, err
	}
	if w.Variable == VarBridgePeer && w.Value == "" { // the channel leaves its bridge: other events say so
		return Event{Kind: Other, At: ev.At, Node: ev.Node}, nil
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

// watchedNames are the names of the variables that count, by how a frame has them.
var watchedNames = quoted(VarBridgePeer, VarFeature, VarGosubEnds, VarChoice)

// watchedName is the name of a variable that counts, "-" for any other.
func watchedName(value jsontext.Value) string { return cmp.Or(watchedNames[string(value)], "-") }

// typeNames are the names of types, by how a frame has them. A type that is not among them costs an
// allocation.
var typeNames = quoted(slices.Concat(
	slices.Collect(maps.Keys(kinds)), slices.Collect(maps.Keys(harmless)),
)...)

func typeName(value jsontext.Value) string {
	if name, ok := typeNames[string(value)]; ok {
		return name
	}
	// The decoder has read the string. What may be wrong with it is that it is no UTF-8: those bytes are
	// replaced.
	name, _ := jsontext.AppendUnquote(nil, value)
	return string(name)
}

// quoted are names, by how JSON has them.
func quoted(names ...string) map[string]string {
	m := make(map[string]string, len(names))
	for _, name := range names {
		m[`"`+name+`"`] = name
	}
	return m
}

// watched reports whether a variable is one of those that count.
func watched(variable string) bool {
	switch variable {
	case VarBridgePeer, VarFeature, VarGosubEnds, VarChoice:
		return true
	}
	return false
}

// PeekType returns the type that a frame names at its top level; "" where none can be read.
func PeekType(frame []byte) string {
	typ, _, err := peek(frame)
	if err != nil {
		return ""
	}
	return typ
}

// peek finds the top-level type, of a ChannelVarset also the variable, and reads no further: 60 %
// of a call's frames are ChannelVarset, and few of them count.
func peek(frame []byte) (typ, variable string, err error) {
	p, _ := peekers.Get().(*peeker)
	defer p.release()
	p.buf = *bytes.NewBuffer(frame)
	p.dec.Reset(&p.buf, peeking)
	return p.peek()
}

// A peeker holds the state of a decoder, so that it is not made anew for each frame.
type peeker struct {
	buf bytes.Buffer // the decoder reads a Buffer in place and never writes to it
	dec *jsontext.Decoder
}

var peekers = sync.Pool{New: func() any { return &peeker{dec: jsontext.NewDecoder(new(bytes.Buffer))} }}

// Duplicate keys are refused where the frame is read whole.
var peeking = json.JoinOptions(lenient, jsontext.AllowDuplicateNames(true))

// release lets go of the frame.
func (p *peeker) release() {
	p.buf = bytes.Buffer{}
	p.dec.Reset(&p.buf, peeking)
	peekers.Put(p)
}

func (p *peeker) peek() (typ, variable string, err error) {
	d := p.dec
	tok, err := d.ReadToken()
	if err != nil {
		return "", "", err
	}
	if tok.Kind() != '{' {
		return "", "", errors.New("not a JSON object")
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return "", "", err
		}
		isType, isVariable := name.String() == "type", name.String() == "variable"
		if !isType && !isVariable || isVariable && d.PeekKind() != '"' {
			if err := d.SkipValue(); err != nil {
				return "", "", err
			}
			continue
		}
		if d.PeekKind() != '"' {
			return "", "", errors.New("the type is not a string")
		}
		value, err := d.ReadValue()
		if err != nil {
			return "", "", err
		}
		if isVariable {
			variable = watchedName(value)
		} else {
			typ = typeName(value)
		}
		if typ != "" && (typ != varset || variable != "") {
			return typ, variable, nil
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return "", "", err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return "", "", errors.New("more than one JSON value")
	}
	if typ == "" {
		return "", "", errors.New("no type")
	}
	return typ, variable, nil
}

// varset is the type of the frames about variables.
const varset = "ChannelVarset"

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
