package ari

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
)

// Asterisk passes on whatever bytes a carrier put into a caller's name, Latin-1 too: such a frame is good JSON but for
// its UTF-8. Duplicate keys stay refused: two answers to one question are no answer.
var lenient = jsontext.AllowInvalidUTF8(true)

var kinds = map[string]Kind{
	"ChannelCreated":         ChannelCreated,
	"ChannelStateChange":     ChannelStateChange,
	"ChannelDialplan":        ChannelDialplan,
	"ChannelHangupRequest":   ChannelHangupRequest,
	"ChannelDestroyed":       ChannelDestroyed,
	"ChannelHold":            ChannelHold,
	"ChannelUnhold":          ChannelUnhold,
	"ChannelEnteredBridge":   ChannelEnteredBridge,
	"ChannelLeftBridge":      ChannelLeftBridge,
	"BridgeCreated":          BridgeCreated,
	"BridgeDestroyed":        BridgeDestroyed,
	"BridgeMerged":           BridgeMerged,
	"BridgeBlindTransfer":    BridgeBlindTransfer,
	"BridgeAttendedTransfer": BridgeAttendedTransfer,
	"Dial":                   Dial,
	"ApplicationReplaced":    ApplicationReplaced,
	"ChannelUserevent":       Heartbeat,
	"StasisStart":            StasisStart,
	"StasisEnd":              StasisEnd,
	"PlaybackFinished":       PlaybackFinished,
	"ChannelDtmfReceived":    ChannelDtmfReceived,
}

// harmless are the frequent types that say nothing about who talks with whom: if such a frame is broken, nothing is in doubt.
var harmless = map[string]bool{
	"ChannelVarset": true, "DeviceStateChanged": true, "ChannelConnectedLine": true, "ChannelCallerId": true,
	"ChannelDtmfReceived": true, "ChannelTalkingStarted": true, "ChannelTalkingFinished": true,
	"EndpointStateChange": true, "ContactStatusChange": true, "PeerStatusChange": true, "PlaybackStarted": true,
	"PlaybackFinished": true, "StasisStart": true, "StasisEnd": true, "ChannelUserevent": true, "RecordingStarted": true, "RecordingFinished": true, "ApplicationRegistered": true,
}

// errOurs is why a frame of one of our own types is refused.
var errOurs = errors.New("the type is one that only evidence has; a PBX does not send it")

// Decode reads one frame as a PBX sends it. Types that do not matter, known or not, come back as
// [Other]. The frame is not kept. What cannot be read comes back as an *[Unreadable] error, and so
// does a frame of one of the types of package evidence: whoever sent it is not believed.
func Decode(frame []byte) (Event, error) {
	typ, err := peekType(frame)
	if err == nil && evidence.Ours(typ) {
		return Event{}, &Unreadable{Bytes: len(frame), Type: typ, Err: errOurs}
	}
	if err != nil {
		return Event{}, unreadable(frame, typ, err)
	}
	ev, err := decodeEvent(frame, typ)
	ev.NumberKind = "" // only evidence has it
	return ev, err
}

// DecodeEvidence reads one frame of a call's evidence, as [EncodeEvidence] wrote it.
func DecodeEvidence(frame []byte) (Event, error) {
	typ, err := evidence.TypeOf(frame)
	if err != nil {
		return Event{}, err
	}
	switch kind := ownKinds[typ]; kind {
	case Gap:
		g, err := evidence.ReadGap(frame)
		return Event{Kind: kind, At: instant(g.Timestamp), Node: g.Node, Reason: g.Reason}, noTime(g.Timestamp, err)
	case UnreadableFrame:
		u, err := evidence.ReadUnreadableFrame(frame)
		ev := Event{Kind: kind, At: instant(u.Timestamp), Node: u.Node}
		for _, id := range u.Channels {
			ev.Channels = append(ev.Channels, ChannelID(id))
		}
		return ev, noTime(u.Timestamp, err)
	case SnapshotTaken, LegSnapshot:
		s, err := evidence.ReadSnapshot(frame)
		ev := Event{Kind: kind, At: instant(s.Timestamp), Node: s.Node}
		ev.Snapshot = snapshot(s)
		return ev, noTime(s.Timestamp, err)
	default:
		return decodeEvent(frame, typ)
	}
}

// noTime adds what is wrong with a timestamp to an error.
func noTime(timestamp string, err error) error {
	if _, terr := time.Parse(TimeLayout, timestamp); terr != nil {
		return errors.Join(err, errTimestamp)
	}
	return err
}

var errTimestamp = fmt.Errorf("timestamp: want such as %q", TimeLayout)

// decodeEvent reads one event of a PBX.
func decodeEvent(frame []byte, typ string) (Event, error) {
	kind := kinds[typ]
	if kind == Other {
		return Event{Kind: Other}, nil
	}
	var w wire
	if err := json.Unmarshal(frame, &w, lenient); err != nil {
		return Event{}, unreadable(frame, typ, err)
	}
	ev, err := w.event(kind)
	if err != nil {
		return Event{}, unreadable(frame, typ, err)
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
	typ, _ := peekType(frame)
	return typ
}

// peekType finds the top-level "type" without reading more than it must: 60 % of a call's frames are ChannelVarset.
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

// noMusicClass is the class of music of a hold that names none: that of a bridge's feature. A phone's names one (moh_suggest of pjsip.conf,
// "default" if not set).
const noMusicClass = "N/A"

func (w *wire) event(kind Kind) (Event, error) {
	at, err := time.Parse(TimeLayout, w.Timestamp)
	if err != nil {
		return Event{}, errTimestamp
	}
	ev := Event{Kind: kind, At: at.UTC(), Node: w.Node, DialStatus: w.DialStatus, Soft: w.Soft,
		NumberKind: w.NumberKind, Args: w.Args, Digit: w.Digit, Playback: w.Playback.ID, PlayState: w.Playback.State}
	switch kind {
	case ChannelHold:
		ev.Feature = w.MusicClass == noMusicClass
		if err := needChannel("channel", w.Channel); err != nil {
			return Event{}, err
		}
	case Dial:
		if err := needChannel("peer", w.Peer); err != nil {
			return Event{}, err
		}
		ev.Channel, ev.Dialled = w.Peer.channel(), w.DialString
		if w.Caller != nil {
			ev.Caller = w.Caller.channel()
		}
	case ChannelEnteredBridge, ChannelLeftBridge:
		if err := errors.Join(needChannel("channel", w.Channel), needBridge("bridge", w.Bridge)); err != nil {
			return Event{}, err
		}
	case BridgeCreated, BridgeDestroyed:
		if err := needBridge("bridge", w.Bridge); err != nil {
			return Event{}, err
		}
	case BridgeMerged:
		if err := errors.Join(needBridge("bridge", w.Bridge), needBridge("bridge_from", w.From)); err != nil {
			return Event{}, err
		}
		ev.From = w.From.bridge()
	case BridgeAttendedTransfer:
		if w.Channel = w.FirstLeg; w.Channel == nil {
			return Event{}, errors.New("the leg that transfers: missing")
		}
	case ApplicationReplaced, Heartbeat, PlaybackFinished:
	case BridgeBlindTransfer:
		ev.Dialled = w.Exten
		if err := needChannel("channel", w.Channel); err != nil {
			return Event{}, err
		}
	default:
		if err := needChannel("channel", w.Channel); err != nil {
			return Event{}, err
		}
	}
	if w.Channel != nil && kind != Dial {
		ev.Channel = w.Channel.channel()
	}
	if w.Bridge != nil {
		ev.Bridge = w.Bridge.bridge()
	}
	return ev, nil
}

func snapshot(e evidence.Snapshot) *Snapshot {
	s := &Snapshot{At: instant(e.Timestamp), Node: e.Node}
	for _, l := range e.Legs {
		c := Channel{
			ID: ChannelID(l.Channel.ID), Name: l.Channel.Name, State: l.Channel.State, Created: instant(l.Channel.Created),
		}
		if d := l.Channel.Dialplan; d != nil {
			c.App, c.AppData = d.App, d.AppData
		}
		s.Legs = append(s.Legs, Leg{
			Channel: c, Hold: Hold(l.Hold), Feature: FeatureHold(l.Feature), Dialled: l.Dialled,
			DialledBy: ChannelID(l.DialledBy), Number: l.NumberKind, Moved: instant(l.Moved), Seen: instant(l.Seen),
		})
	}
	for _, b := range e.Bridges {
		bridge := Bridge{ID: BridgeID(b.ID), Type: b.Type}
		for _, id := range b.Channels {
			bridge.Channels = append(bridge.Channels, ChannelID(id))
		}
		s.Bridges = append(s.Bridges, bridge)
	}
	return s
}

// instant reads one of our own timestamps; none is the zero time.
func instant(s string) time.Time {
	t, err := time.Parse(TimeLayout, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

func needChannel(field string, c *wireChannel) error {
	switch {
	case c == nil:
		return fmt.Errorf("%s: missing", field)
	case c.ID == "":
		return fmt.Errorf("%s.id: missing", field)
	}
	return nil
}

func needBridge(field string, b *wireBridge) error {
	switch {
	case b == nil:
		return fmt.Errorf("%s: missing", field)
	case b.ID == "":
		return fmt.Errorf("%s.id: missing", field)
	}
	return nil
}

func (c *wireChannel) channel() Channel {
	created, err := time.Parse(TimeLayout, c.Created)
	if err != nil {
		created = time.Time{} // not given, or not as Asterisk writes it: then it is not known
	}
	return Channel{
		Created: created.UTC(),
		ID:      c.ID, Name: c.Name, State: c.State,
		Context: c.Dialplan.Context, Exten: c.Dialplan.Exten, App: c.Dialplan.App, AppData: c.Dialplan.AppData,
		Caller: metering.NewNumber(c.Caller.Number, ""),
	}
}

func (b *wireBridge) bridge() Bridge {
	return Bridge{ID: b.ID, Type: b.Type, Channels: b.Channels}
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
