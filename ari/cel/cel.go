// Package cel reads Asterisk's channel event log (CEL) as events.
//
// In: the file that deploy/asterisk/etc/cel_custom.conf makes Asterisk write. Out: the events that
// ARI would have sent, as far as a CEL has them: which channel was where, answered or not, to what
// it was transferred, and to which one music played, which is how a hold shows. See [Read]. Beside
// them a row may show what casts doubt on the talk around it: see [Finding]. It is Asterisk's own
// account: what the gateway did not see can be reconciled from it afterwards. Callers' numbers pass
// through it, for a reader that makes pseudonyms of them; no error holds one.
package cel

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// The columns of the file. A file from before 2026-11-24 ends after extra: it does not show on
// which service a call arrived.
const (
	colType = iota
	colTime
	colCaller
	colID
	colLinked
	colChannel
	colExtra
	colExten
	colContext
	columns
)

// extra is what counts of the column extra.
type extra struct {
	Bridge     string `json:"bridge_id"`
	Technology string `json:"bridge_technology"`
	Class      string `json:"class"`
	Cause      int    `json:"hangupcause"`
	Source     string `json:"hangupsource"`
	Extension  string `json:"extension"`
	Transferee string `json:"transferee_channel_uniqueid"`
}

// reader turns rows into events.
type reader struct {
	zone    *time.Location
	node    string
	chans   map[ari.ChannelID]*channel
	bridges map[ari.BridgeID][]ari.ChannelID
}

type channel struct {
	ari.Channel
	bridge  ari.BridgeID
	mixing  bool   // of the bridge
	streams []bool // that play to it, the latest last; true for music
}

// Event is a row of the file: an event, or with the kind [ari.Other] one that ARI has no event for.
type Event struct {
	ari.Event
	Linked ari.ChannelID // the first of the channels that belong together: the linkedid
	Local  bool          // the row's time says nothing of the zone
	// Ambiguous: the clocks of the zone show the row's local time twice, as in the hour that comes
	// twice when summer time ends, or never. At is then one of the instants that it may be.
	Ambiguous bool
	Shows     Finding
}

// Read calls f with each row of the file, in its order, with the id of the node. zone is
// Asterisk's, for times that say nothing of it; nil where it is not known, and such a time is an
// [ErrNoZone]. An error names the line, or is f's own.
func Read(r io.Reader, zone *time.Location, node string, f func(Event) error) error {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = -1
	rows.ReuseRecord = true
	rd := &reader{
		zone: zone, node: node,
		chans: map[ari.ChannelID]*channel{}, bridges: map[ari.BridgeID][]ari.ChannelID{},
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the CEL: %w", err)
		}
		line, _ := rows.FieldPos(0)
		ev, err := rd.event(row)
		if err != nil {
			return fmt.Errorf("reading the CEL, line %d: %w", line, err)
		}
		if err := f(ev); err != nil {
			return err
		}
	}
}

func (r *reader) event(row []string) (ev Event, err error) {
	if len(row) <= colExtra {
		return ev, fmt.Errorf("it has %d columns, want at least %d, as cel_custom.conf writes them",
			len(row), colExtra+1)
	}
	i, err := parseTime(row[colTime], r.zone)
	if err != nil {
		return ev, err
	}
	var x extra
	if row[colExtra] != "" {
		if err := json.Unmarshal([]byte(row[colExtra]), &x); err != nil {
			return ev, fmt.Errorf("its extra column is not JSON: %w", err)
		}
	}
	c := r.channel(row)
	ev = Event{
		Event:  ari.Event{Kind: ari.Other, At: i.at, Node: r.node},
		Linked: ari.ChannelID(row[colLinked]), Local: i.local, Ambiguous: i.ambiguous,
		Shows: c.shows(row, x),
	}
	r.advance(c, row, x, &ev.Event)
	if ev.Channel = c.Channel; ev.Kind == ari.BridgeBlindTransfer {
		ev.Channel = r.transferred(c, x).Channel
	}
	return ev, nil
}

// advance changes the channel as a row says, and sets what happened.
func (r *reader) advance(c *channel, row []string, x extra, ev *ari.Event) {
	switch row[colType] {
	case "CHAN_START":
		ev.Kind = ari.ChannelCreated
	case "ANSWER":
		c.State, ev.Kind = "Up", ari.ChannelStateChange
	case "APP_START":
		c.App = someApp
	case "BLINDTRANSFER":
		ev.Kind, ev.Dialled = ari.BridgeBlindTransfer, x.Extension
		if x.Extension == "" {
			ev.NumberKind = unknownNumber
		}
		id := ari.BridgeID(x.Bridge)
		ev.Bridge = ari.Bridge{ID: id, Type: "mixing", Channels: slices.Clone(r.bridges[id])}
	case "BRIDGE_ENTER", "BRIDGE_EXIT":
		r.move(c, row[colType] == "BRIDGE_ENTER", x, ev)
	case "STREAM_BEGIN":
		c.streams = append(c.streams, x.Class != "")
		if x.Class != "" {
			ev.Kind = ari.ChannelHold
		}
	case "STREAM_END":
		was := c.music()
		if n := len(c.streams); n > 0 {
			c.streams = c.streams[:n-1]
		}
		if was && !c.music() {
			ev.Kind = ari.ChannelUnhold
		}
	case "HANGUP":
		ev.Kind, ev.Soft = ari.ChannelHangupRequest, x.Source != c.Name
	case "CHAN_END":
		ev.Kind = ari.ChannelDestroyed
		delete(r.chans, c.ID)
	}
}

// transferred is the channel of a call that a blind transfer concerns: the one that transfers, or, where
// that one's row of leaving the bridge came first, the one that is transferred. Another thread of
// Asterisk's writes those rows, in the same millisecond.
func (r *reader) transferred(by *channel, x extra) *channel {
	who := r.chans[ari.ChannelID(x.Transferee)]
	if who == nil || slices.Contains(r.bridges[ari.BridgeID(x.Bridge)], by.ID) {
		return by
	}
	return who
}

const (
	// someApp stands for the application that a channel runs: these columns do not name it.
	someApp = "-"
	// unknownNumber is the kind of a number that a row does not show.
	unknownNumber = "unknown"
)

// music reports whether any music plays to the channel.
func (c *channel) music() bool { return slices.Contains(c.streams, true) }

func (r *reader) channel(row []string) *channel {
	id := ari.ChannelID(row[colID])
	c := r.chans[id]
	if c == nil {
		c = &channel{}
		c.ID, c.State = id, "Down"
		if row[colID] == row[colLinked] {
			c.State = "Ring" // it called, the others were called
		}
		if len(row) >= columns {
			c.Exten, c.Context = row[colExten], row[colContext]
		}
		r.chans[id] = c
	}
	c.Name = row[colChannel]
	if c.Caller.Withheld() {
		c.Caller = metering.NewNumber(row[colCaller])
	}
	return c
}

// move keeps the lists of members, which a CEL does not have.
func (r *reader) move(c *channel, enter bool, x extra, ev *ari.Event) {
	id := ari.BridgeID(x.Bridge)
	without := func(id ari.BridgeID) {
		r.bridges[id] = slices.DeleteFunc(r.bridges[id], func(m ari.ChannelID) bool { return m == c.ID })
		if len(r.bridges[id]) == 0 {
			delete(r.bridges, id)
		}
	}
	without(c.bridge)
	without(id)
	ev.Kind, c.bridge = ari.ChannelLeftBridge, ""
	if enter {
		ev.Kind, c.bridge = ari.ChannelEnteredBridge, id
		r.bridges[id] = append(r.bridges[id], c.ID)
	}
	ev.Bridge = ari.Bridge{ID: id, Type: "mixing", Channels: slices.Clone(r.bridges[id])}
	if x.Technology == "holding_bridge" {
		ev.Bridge.Type = "holding"
	}
	c.mixing = enter && ev.Bridge.Type == "mixing"
}
