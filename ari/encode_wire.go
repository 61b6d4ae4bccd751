package ari

import (
	"bytes"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// Evidence is written for every event that counts, so its JSON is not made by reflection. The fields
// stand in the order of the types, as encoding/json would write them; what no evidence has is not
// written.

// drafts are where frames are written, so that what is kept of each is no longer than it.
var drafts = sync.Pool{New: func() any { return new([]byte) }}

// encode is the frame.
func (w *wire) encode() []byte {
	draft, _ := drafts.Get().(*[]byte)
	defer drafts.Put(draft)
	*draft = w.append((*draft)[:0])
	return bytes.Clone(*draft)
}

func (w *wire) append(b []byte) []byte {
	b = appendText(append(b, `{"type":`...), w.Type)
	b = appendText(append(b, `,"timestamp":`...), w.Timestamp)
	b = appendField(b, "asterisk_id", w.Node)
	b = appendField(b, "eventname", w.EventName)
	b = w.Channel.append(b, "channel")
	b = w.Caller.append(b, "caller")
	b = w.Peer.append(b, "peer")
	b = w.FirstLeg.append(b, "transferer_first_leg")
	b = w.Bridge.append(b, "bridge")
	b = w.From.append(b, "bridge_from")
	b = appendField(b, "dialstatus", w.DialStatus)
	b = appendField(b, "musicclass", w.MusicClass)
	if w.Soft {
		b = append(b, `,"soft":true`...)
	}
	b = appendNumber(b, "cause", w.Cause)
	b = appendNumber(b, "tech_cause", w.TechCause)
	b = appendField(b, "variable", w.Variable)
	b = appendField(b, "value", w.Value)
	b = appendField(b, "number_kind", w.NumberKind)
	b = appendList(b, "args", w.Args)
	b = appendField(b, "digit", w.Digit)
	return append(b, '}')
}

func (c *wireChannel) append(b []byte, name string) []byte {
	if c == nil {
		return b
	}
	b = appendText(append(appendName(b, name), `{"id":`...), string(c.ID))
	b = appendText(append(b, `,"name":`...), c.Name)
	b = appendField(b, "state", c.State)
	if app, data := c.Dialplan.App, c.Dialplan.AppData; app != "" || data != "" {
		b = append(b, `,"dialplan":{`...)
		if app != "" {
			b = appendText(append(b, `"app_name":`...), app)
		}
		if app != "" && data != "" {
			b = append(b, ',')
		}
		if data != "" {
			b = appendText(append(b, `"app_data":`...), data)
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

func (br *wireBridge) append(b []byte, name string) []byte {
	if br == nil {
		return b
	}
	b = appendText(append(appendName(b, name), `{"id":`...), string(br.ID))
	b = appendField(b, "bridge_type", br.Type)
	b = appendList(b, "channels", br.Channels)
	b = appendField(b, "creator", br.Creator)
	return append(b, '}')
}

func appendName(b []byte, name string) []byte {
	return append(append(append(b, `,"`...), name...), `":`...)
}

func appendText(b []byte, text string) []byte {
	b, _ = jsontext.AppendQuote(b, text) // what is no UTF-8 is replaced
	return b
}

func appendField(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return appendText(appendName(b, name), text)
}

func appendNumber(b []byte, name string, n int) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendInt(appendName(b, name), int64(n), 10)
}

// appendList leaves a nil list out, and writes an empty one.
func appendList[T ~string](b []byte, name string, texts []T) []byte {
	if texts == nil {
		return b
	}
	b = append(appendName(b, name), '[')
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, string(text))
	}
	return append(b, ']')
}
