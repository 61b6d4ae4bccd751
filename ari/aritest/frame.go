package aritest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/risposta/gateway/ari"
)

type wireChannel struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	State    string       `json:"state"`
	Caller   wireParty    `json:"caller"`
	Dialplan wireDialplan `json:"dialplan"`
	Created  string       `json:"creationtime,omitempty"`
	Language string       `json:"language"`
}

type wireParty struct {
	Name   string `json:"name"`
	Number string `json:"number"`
}

type wireDialplan struct {
	Context string `json:"context"`
	Exten   string `json:"exten"`
	App     string `json:"app_name"`
	AppData string `json:"app_data"`
}

type wireBridge struct {
	ID       string          `json:"id"`
	Type     string          `json:"bridge_type"`
	Creator  string          `json:"creator"`
	Name     string          `json:"name"`
	Channels []ari.ChannelID `json:"channels"`
}

type wirePlayback struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

// wireFrame holds the fields of all events, under Asterisk's names.
type wireFrame struct {
	Type       string        `json:"type"`
	Timestamp  string        `json:"timestamp"`
	EventName  string        `json:"eventname,omitempty"`
	DialStatus *string       `json:"dialstatus,omitempty"`
	DialString string        `json:"dialstring,omitempty"`
	MusicClass string        `json:"musicclass,omitempty"`
	Exten      string        `json:"exten,omitempty"`
	Digit      string        `json:"digit,omitempty"`
	Soft       bool          `json:"soft,omitempty"`
	Cause      int           `json:"cause,omitempty"`
	TechCause  int           `json:"tech_cause,omitempty"`
	Variable   string        `json:"variable,omitempty"`
	Value      string        `json:"value,omitempty"`
	Args       []string      `json:"args,omitempty"`
	Playback   *wirePlayback `json:"playback,omitempty"`
	Channel    *wireChannel  `json:"channel,omitempty"`
	Caller     *wireChannel  `json:"caller,omitempty"`
	Peer       *wireChannel  `json:"peer,omitempty"`
	FirstLeg   *wireChannel  `json:"transferer_first_leg,omitempty"`
	Bridge     *wireBridge   `json:"bridge,omitempty"`
	BridgeFrom *wireBridge   `json:"bridge_from,omitempty"`
	Node       string        `json:"asterisk_id"`
}

// Frame writes an event as Asterisk sends it, under Asterisk's own field names, with the numbers in
// clear. Decoding it gives the same event. It panics on kinds that no PBX sends.
func Frame(ev ari.Event) []byte {
	w := wireFrame{
		Type: ev.Kind.String(), Timestamp: ev.At.Format(ari.TimeLayout), Node: ev.Node,
		Digit: ev.Digit, Soft: ev.Soft, Args: ev.Args,
	}
	switch ev.Kind {
	case ari.Other, ari.Gap, ari.SnapshotTaken, ari.UnreadableFrame, ari.Suspended, ari.Resumed,
		ari.LegSnapshot, ari.Probed, ari.ListsTaken:
		panic(fmt.Sprintf("aritest: no PBX sends %s", ev.Kind))
	case ari.Dial:
		w.DialString, w.DialStatus = ev.Dialled, &ev.DialStatus
		w.Peer, w.Caller = channelOf(ev.Channel), channelOf(ev.Caller)
	case ari.BridgeAttendedTransfer:
		w.FirstLeg = channelOf(ev.Channel)
	case ari.BridgeBlindTransfer:
		w.Exten = ev.Dialled
	case ari.ChannelHold:
		w.MusicClass = "default"
		if ev.Feature {
			w.MusicClass = "N/A"
		}
	case ari.ChannelHangupRequest:
		switch ev.Unresponsive {
		case ari.UnresponsiveRTP:
			w.Cause = 1
		case ari.UnresponsiveSIP:
			w.Cause, w.TechCause = 18, 408
		case ari.Responsive:
		}
	case ari.ChannelVarset:
		w.Variable, w.Value = ev.Variable, "PJSIP/other-00000000"
		if ev.Music {
			w.Value = "Announcer/ARI_MOH-00000000;2," + w.Value
		}
	case ari.Heartbeat:
		w.EventName = ari.HeartbeatName(ev.Heartbeat)
	case ari.PlaybackFinished:
		w.Playback = &wirePlayback{ID: ev.Playback, State: ev.PlayState}
	default:
	}
	if ev.Kind != ari.Dial && ev.Kind != ari.BridgeAttendedTransfer {
		w.Channel = channelOf(ev.Channel)
	}
	w.Bridge, w.BridgeFrom = bridgeOf(ev.Bridge), bridgeOf(ev.From)
	return encode(w)
}

// channelOf is nil for the zero channel, which means that the event names none.
func channelOf(c ari.Channel) *wireChannel {
	if c.ID == "" {
		return nil
	}
	return &wireChannel{
		ID: string(c.ID), Name: c.Name, State: c.State, Language: "en",
		Caller:   wireParty{Number: c.Caller.Clear()},
		Dialplan: wireDialplan{Context: c.Context, Exten: c.Exten, App: c.App, AppData: c.AppData},
		Created:  stamp(c.Created),
	}
}

func bridgeOf(b ari.Bridge) *wireBridge {
	if b.ID == "" {
		return nil
	}
	members := append([]ari.ChannelID{}, b.Channels...)
	w := &wireBridge{ID: string(b.ID), Type: b.Type, Name: b.Room, Channels: members}
	if b.Conference {
		w.Creator = "ConfBridge"
	}
	return w
}

// stamp is "" for a time that is not known.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(ari.TimeLayout)
}

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("aritest: a frame does not encode: " + err.Error()) // every field can be encoded
	}
	return text
}
