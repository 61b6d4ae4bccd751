package ari

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/risposta/gateway/metering"
)

// TimeLayout is the form of the timestamps in ARI, in the time zone of Asterisk.
const TimeLayout = "2006-01-02T15:04:05.000-0700"

// parseTime reads a timestamp of Asterisk's. It reads the usual form by itself, which is most of what
// time.Parse costs.
func parseTime(text string) (time.Time, error) {
	if t, ok := usualTime(text); ok {
		return t, nil
	}
	t, err := time.Parse(TimeLayout, text)
	return t.UTC(), err
}

// usualTime reads a timestamp in UTC; ok is false for any other, and for what may be no date.
func usualTime(text string) (t time.Time, ok bool) {
	const form = "0000-00-00T00:00:00.000+0000"
	if len(text) != len(form) || text[len(text)-5:] != form[len(form)-5:] {
		return t, false
	}
	for i := range len(form) - 5 {
		if form[i] == '0' && !isDigit(text[i]) || form[i] != '0' && text[i] != form[i] {
			return t, false
		}
	}
	number := func(from, to int) (n int) {
		for _, c := range []byte(text[from:to]) {
			n = 10*n + int(c-'0')
		}
		return n
	}
	month, day := number(5, 7), number(8, 10)
	hour, minute, second := number(11, 13), number(14, 16), number(17, 19)
	if month < 1 || month > 12 || day < 1 || day > 28 || hour > 23 || minute > 59 || second > 59 {
		return t, false
	}
	return time.Date(number(0, 4), time.Month(month), day, hour, minute, second,
		number(20, 23)*int(time.Millisecond), time.UTC), true
}

var errTimestamp = fmt.Errorf("timestamp: want such as %q", TimeLayout)

type wireChannel struct {
	ID     ChannelID `json:"id"`
	Name   string    `json:"name"`
	State  string    `json:"state,omitzero"`
	Caller struct {
		Number string `json:"number,omitzero"`
	} `json:"caller,omitzero"`
	Dialplan struct {
		Context string `json:"context,omitzero"`
		Exten   string `json:"exten,omitzero"`
		App     string `json:"app_name,omitzero"`
		AppData string `json:"app_data,omitzero"`
	} `json:"dialplan,omitzero"`
	Created string `json:"creationtime,omitzero"`
}

type wireBridge struct {
	ID       BridgeID    `json:"id"`
	Type     string      `json:"bridge_type,omitzero"`
	Channels []ChannelID `json:"channels,omitzero"`
	Creator  string      `json:"creator,omitzero"`
	Room     string      `json:"name,omitzero"` // read, never written
}

// wire is the union of the PBX's frames that matter, in Asterisk's field names.
type wire struct {
	Type       string       `json:"type"`
	Timestamp  string       `json:"timestamp"`
	Node       string       `json:"asterisk_id,omitzero"`
	EventName  string       `json:"eventname,omitzero"`
	Channel    *wireChannel `json:"channel,omitzero"`
	Caller     *wireChannel `json:"caller,omitzero"`
	Peer       *wireChannel `json:"peer,omitzero"`
	FirstLeg   *wireChannel `json:"transferer_first_leg,omitzero"`
	Bridge     *wireBridge  `json:"bridge,omitzero"`
	From       *wireBridge  `json:"bridge_from,omitzero"`
	DialStatus string       `json:"dialstatus,omitzero"`
	MusicClass string       `json:"musicclass,omitzero"`
	Soft       bool         `json:"soft,omitzero"`
	Cause      int          `json:"cause,omitzero"`
	TechCause  int          `json:"tech_cause,omitzero"`
	Variable   string       `json:"variable,omitzero"`
	Value      string       `json:"value,omitzero"`
	DialString string       `json:"dialstring,omitzero"` // read, never written
	Exten      string       `json:"exten,omitzero"`      // read, never written
	// NumberKind is written into evidence in place of the dialled number. What a PBX sends under this
	// name is ignored.
	NumberKind string   `json:"number_kind,omitzero"`
	Args       []string `json:"args,omitzero"`
	Digit      string   `json:"digit,omitzero"`
	Playback   struct {
		ID    string `json:"id"`
		State string `json:"state"`
	} `json:"playback,omitzero"`
}

// The causes of a hang-up that say that the channel gave no sign of life (docs/asterisk.md, "Phones
// that die or fall silent").
const (
	causeRTPTimeout  = 1   // with soft
	techCauseTimeout = 408 // SIP: Request Timeout
)

func (w *wire) unresponsive() Unresponsive {
	switch {
	case w.Soft && w.Cause == causeRTPTimeout:
		return UnresponsiveRTP
	case w.TechCause == techCauseTimeout:
		return UnresponsiveSIP
	}
	return Responsive
}

// musicPeer begins the name of the channel by which an ARI application plays music to a bridge.
const musicPeer = "Announcer/ARI_MOH"

// otherPeer stands in evidence for the names of all other channels.
const otherPeer = "-"

// conferenceCreator is the creator of the bridges of ConfBridge.
const conferenceCreator = "ConfBridge"

// noMusicClass is the class of music of a hold by a feature of the bridge. A phone's hold names a
// class (moh_suggest of pjsip.conf, "default" if not set).
const noMusicClass = "N/A"

func (w *wire) event(kind Kind) (Event, error) {
	at, err := parseTime(w.Timestamp)
	if err != nil {
		return Event{}, errTimestamp
	}
	if err := w.check(kind); err != nil {
		return Event{}, err
	}
	ev := Event{
		Kind: kind, At: at, Node: w.Node, DialStatus: w.DialStatus, Soft: w.Soft,
		NumberKind: w.NumberKind, Args: w.Args, Digit: w.Digit,
		Playback: w.Playback.ID, PlayState: w.Playback.State,
	}
	channel := w.Channel
	switch kind {
	case ChannelHold:
		ev.Feature = w.MusicClass == noMusicClass
	case ChannelHangupRequest:
		ev.Unresponsive = w.unresponsive()
	case ChannelVarset:
		ev.Variable = w.Variable
		ev.Music = w.Variable == VarBridgePeer && strings.Contains(w.Value, musicPeer)
	case Dial:
		channel, ev.Dialled = w.Peer, w.DialString
		if w.Caller != nil {
			ev.Caller = w.Caller.channel()
		}
	case BridgeMerged:
		ev.From = w.From.bridge()
	case BridgeAttendedTransfer:
		channel = w.FirstLeg
	case BridgeBlindTransfer:
		ev.Dialled = w.Exten
	default:
	}
	if channel != nil {
		ev.Channel = channel.channel()
	}
	if w.Bridge != nil {
		ev.Bridge = w.Bridge.bridge()
	}
	return ev, nil
}

// check reports what a frame of this kind lacks.
func (w *wire) check(kind Kind) error {
	switch kind {
	case Dial:
		return needChannel("peer", w.Peer)
	case ChannelEnteredBridge, ChannelLeftBridge:
		return errors.Join(needChannel("channel", w.Channel), needBridge("bridge", w.Bridge))
	case BridgeCreated, BridgeDestroyed:
		return needBridge("bridge", w.Bridge)
	case BridgeMerged:
		return errors.Join(needBridge("bridge", w.Bridge), needBridge("bridge_from", w.From))
	case BridgeAttendedTransfer:
		if w.FirstLeg == nil {
			return errors.New("transferer_first_leg: missing")
		}
		return nil
	case ApplicationReplaced, Heartbeat, PlaybackFinished:
		return nil
	case ChannelVarset:
		if !watched(w.Variable) {
			return fmt.Errorf("variable: %q is none of those that count", w.Variable)
		}
		return needChannel("channel", w.Channel)
	default:
		return needChannel("channel", w.Channel)
	}
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

// channel is the channel with its name masked: what a pattern of operators matches at the PBX, it
// matches in evidence.
func (c *wireChannel) channel() Channel {
	created, err := parseTime(c.Created)
	if err != nil {
		created = time.Time{} // not given, or not in Asterisk's form: not known
	}
	return Channel{
		ID: c.ID, Name: MaskName(c.Name), State: c.State, Created: created,
		Context: c.Dialplan.Context, Exten: c.Dialplan.Exten,
		App: c.Dialplan.App, AppData: c.Dialplan.AppData,
		Caller: metering.NewNumber(c.Caller.Number),
	}
}

func (b *wireBridge) bridge() Bridge {
	br := Bridge{ID: b.ID, Type: b.Type, Channels: b.Channels}
	if b.Creator == conferenceCreator {
		br.Conference, br.Room = true, b.Room
	}
	return br
}
