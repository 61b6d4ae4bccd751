package ari

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/risposta/gateway/metering/evidence"
)

// The types of our own frames, as they stand in evidence.
var ownKinds = map[string]Kind{
	evidence.TypeGap:             Gap,
	evidence.TypeSnapshot:        SnapshotTaken,
	evidence.TypeUnreadableFrame: UnreadableFrame,
	evidence.TypeLegSnapshot:     LegSnapshot,
}

var kindNames = func() map[Kind]string {
	names := map[Kind]string{}
	for name, k := range kinds {
		names[k] = name
	}
	for name, k := range ownKinds {
		names[k] = name
	}
	return names
}()

// String is the event's type as it stands in a frame.
func (k Kind) String() string {
	if k == Other {
		return "Other"
	}
	return kindNames[k]
}

// EncodeEvidence writes the event as evidence keeps it: one line of JSON, a PBX's event in Asterisk's
// field names, with just the fields that [Decode] keeps, less what would name a person. No caller
// number, no dialled number, no dialplan but the queue, no digits in the name of a Local channel.
// [DecodeEvidence] reads it back to the same facts.
func EncodeEvidence(ev Event) []byte {
	switch ev.Kind {
	case Gap:
		return evidence.Gap{Timestamp: ev.At.Format(TimeLayout), Node: ev.Node, Reason: ev.Reason}.Encode()
	case UnreadableFrame:
		u := evidence.UnreadableFrame{Timestamp: ev.At.Format(TimeLayout), Node: ev.Node}
		for _, id := range ev.Channels {
			u.Channels = append(u.Channels, string(id))
		}
		return u.Encode()
	case SnapshotTaken, LegSnapshot:
		return encodeSnapshot(ev)
	default:
		return encodeEvent(ev)
	}
}

func encodeSnapshot(ev Event) []byte {
	s := evidence.Snapshot{Timestamp: ev.At.Format(TimeLayout), Node: ev.Node}
	for _, l := range ev.Snapshot.Legs {
		s.Legs = append(s.Legs, evidence.Leg{
			Channel: evidenceChannel(l.Channel), Hold: uint8(l.Hold), Feature: uint8(l.Feature),
			Dialled: l.Dialled, DialledBy: string(l.DialledBy), NumberKind: l.Number,
			Moved: stamp(l.Moved), Seen: stamp(l.Seen),
		})
	}
	for _, b := range ev.Snapshot.Bridges {
		e := evidence.Bridge{ID: string(b.ID), Type: b.Type}
		for _, id := range b.Channels {
			e.Channels = append(e.Channels, string(id))
		}
		s.Bridges = append(s.Bridges, e)
	}
	return s.Encode(ev.Kind.String())
}

func evidenceChannel(c Channel) evidence.Channel {
	m := masked(c)
	e := evidence.Channel{ID: string(c.ID), Name: m.Name, State: m.State, Created: stamp(c.Created)}
	if m.Dialplan.App != "" {
		e.Dialplan = &evidence.Dialplan{App: m.Dialplan.App, AppData: m.Dialplan.AppData}
	}
	return e
}

// stamp writes an instant, "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(TimeLayout)
}

func encodeEvent(ev Event) []byte {
	w := wire{
		Type: ev.Kind.String(), Timestamp: ev.At.Format(TimeLayout), Node: ev.Node,
		DialStatus: ev.DialStatus, Soft: ev.Soft, NumberKind: ev.NumberKind, Args: ev.Args, Digit: ev.Digit,
	}
	if ev.Feature {
		w.MusicClass = noMusicClass
	}
	switch ev.Kind {
	case Dial:
		w.Peer = masked(ev.Channel)
		if ev.Caller.ID != "" {
			w.Caller = masked(ev.Caller)
		}
	case BridgeAttendedTransfer:
		w.FirstLeg = masked(ev.Channel)
	default:
		if ev.Channel.ID != "" {
			w.Channel = masked(ev.Channel)
		}
	}
	if ev.Kind == Heartbeat {
		w.EventName = HeartbeatName(ev.Heartbeat)
	}
	if ev.Bridge.ID != "" {
		w.Bridge = &wireBridge{ID: ev.Bridge.ID, Type: ev.Bridge.Type, Channels: ev.Bridge.Channels}
	}
	if ev.From.ID != "" {
		w.From = &wireBridge{ID: ev.From.ID, Type: ev.From.Type, Channels: ev.From.Channels}
	}
	line, err := json.Marshal(&w, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		panic(fmt.Sprintf("ari: an event of our own making does not encode: %v", err)) // no field can fail to encode
	}
	return line
}

// masked is the channel as evidence shows it. The service's own number and context are kept where a call arrives by the
// call's header, so no extension is needed here; of the applications only Queue tells the meter anything.
func masked(c Channel) *wireChannel {
	w := &wireChannel{ID: c.ID, Name: MaskName(c.Name), State: c.State}
	w.Dialplan.App = c.App
	if c.App == "Queue" {
		w.Dialplan.AppData = c.AppData
	}
	return w
}

// phoneDigits is the shortest run of digits in a channel's name that may be a telephone number rather than an extension.
const phoneDigits = 6

// MaskName hides telephone numbers in the name of a Local channel, as in Local/3331234567@out-00000003;1: all but the last
// two digits of each long run become x. The part Asterisk adds after the last dash makes the name unique and stays.
// Other channels are named after an endpoint of the configuration, which is no secret.
func MaskName(name string) string {
	if !strings.HasPrefix(name, "Local/") {
		return name
	}
	end := len(name)
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '-' {
			end = i
			break
		}
	}
	b := []byte(name)
	for i := 0; i < end; {
		j := i
		for j < end && b[j] >= '0' && b[j] <= '9' {
			j++
		}
		if j-i >= phoneDigits {
			for k := i; k < j-2; k++ {
				b[k] = 'x'
			}
		}
		i = max(j, i+1)
	}
	return string(b)
}
