package ari

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The types of our own frames, as they stand in evidence.
var ownKinds = map[string]Kind{
	"risposta.Gap":             Gap,
	"risposta.Snapshot":        SnapshotTaken,
	"risposta.UnreadableFrame": UnreadableFrame,
	"risposta.LegSnapshot":     LegSnapshot,
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

// Encode writes the event as evidence: one line of JSON in Asterisk's field names, with just the fields that Decode keeps, less
// what would name a person. No caller number, no dialplan but the queue, no digits in the name of a Local channel.
// Decode reads it back to the same facts.
func Encode(ev Event) []byte {
	w := wire{
		Type: ev.Kind.String(), Timestamp: ev.At.Format(timeLayout), Node: ev.Node,
		DialStatus: ev.DialStatus, Soft: ev.Soft, Reason: ev.Reason, Channels: ev.Channels,
		NumberKind: ev.NumberKind, Args: ev.Args, Digit: ev.Digit,
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
		w.EventName = HeartbeatName
	}
	if ev.Bridge.ID != "" {
		w.Bridge = &wireBridge{ID: ev.Bridge.ID, Type: ev.Bridge.Type, Channels: ev.Bridge.Channels}
	}
	if ev.From.ID != "" {
		w.From = &wireBridge{ID: ev.From.ID, Type: ev.From.Type, Channels: ev.From.Channels}
	}
	if s := ev.Snapshot; s != nil {
		for _, l := range s.Legs {
			wl := wireLeg{Channel: *masked(l.Channel), Hold: l.Hold, Feature: l.Feature, Dialled: l.Dialled, Number: l.Number}
			if !l.Channel.Created.IsZero() {
				wl.Channel.Created = l.Channel.Created.Format(timeLayout)
			}
			if !l.Moved.IsZero() {
				wl.Moved = l.Moved.Format(timeLayout)
			}
			if !l.Seen.IsZero() {
				wl.Seen = l.Seen.Format(timeLayout)
			}
			w.Legs = append(w.Legs, wl)
		}
		for _, b := range s.Bridges {
			w.Bridges = append(w.Bridges, wireBridge(b))
		}
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
