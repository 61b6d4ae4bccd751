package ari

import (
	"strings"
	"time"

	"github.com/risposta/gateway/metering"
)

// ChannelID is Asterisk's unique id of a channel, such as "pbx1-1795427174.114". Unique across PBXs only where
// systemname is set in asterisk.conf.
type ChannelID string

// BridgeID is Asterisk's unique id of a bridge, a UUID.
type BridgeID string

// Kind says what happened, as far as it matters for who talks with whom.
type Kind uint8

// The kinds. Every other event type Asterisk sends reads as Other.
const (
	Other Kind = iota
	ChannelCreated
	ChannelStateChange
	ChannelDialplan
	ChannelHangupRequest
	ChannelDestroyed
	ChannelHold
	ChannelUnhold
	ChannelEnteredBridge
	ChannelLeftBridge
	BridgeCreated
	BridgeDestroyed
	BridgeMerged
	BridgeBlindTransfer
	BridgeAttendedTransfer
	Dial
	ApplicationReplaced // another client took our application's name: nothing more will come
	Heartbeat           // our own user event, come back through ARI: proof that we still see
	StasisStart         // the channel has entered our application: Args
	StasisEnd           // the channel has left it
	PlaybackFinished    // Playback, PlayState
	ChannelDtmfReceived // Digit

	// What follows is said by our own intake, never by Asterisk.

	Gap             // from At on nothing was seen
	SnapshotTaken   // Snapshot is what there is at At
	UnreadableFrame // a frame about Channels could not be read
	Suspended       // the PBX keeps, from here on, what it has to say, until we are back: nothing before is missing
	Resumed         // we are back, and what was kept follows: nothing was lost since Suspended; Snapshot is what there is now
	LegSnapshot     // what was known of Snapshot.Legs before the next event touched them
)

// Channel is the part of a channel snapshot that counts. State is Asterisk's word: Down, Ring, Ringing, Up, ...
type Channel struct {
	ID      ChannelID
	Name    string
	State   string
	Context string
	Exten   string
	App     string
	AppData string
	Created time.Time // when the channel was made; zero where not given
	// Caller is the number of the party at the far end of this channel. Never printed: see metering.Number.
	Caller metering.Number
}

// Up tells whether the channel is answered.
func (c Channel) Up() bool { return c.State == "Up" }

// Bridge is the part of a bridge snapshot that counts. Type is mixing or holding; Channels is in Asterisk's order.
type Bridge struct {
	ID       BridgeID
	Type     string
	Channels []ChannelID
}

// Event is one thing that happened, read from one frame.
type Event struct {
	Kind Kind
	At   time.Time // Asterisk's own timestamp, UTC, whole milliseconds
	Node string    // asterisk_id

	Channel Channel // the channel it is about; for Dial the peer; zero when there is none
	Caller  Channel // Dial: the channel that dials, zero for an originated call
	Bridge  Bridge  // where it is about a bridge
	From    Bridge  // BridgeMerged: the bridge that ceases to be

	DialStatus string      // Dial: "", RINGING, PROGRESS, ANSWER, NOANSWER, BUSY, CANCEL, ...
	Feature    bool        // ChannelHold: not by the phone, as far as one can tell, but by a feature of the bridge, such as a DTMF transfer
	Soft       bool        // ChannelHangupRequest: asked by Asterisk itself, not by the far end
	Args       []string    // StasisStart: what the dialplan gave to Stasis() beside the application
	Digit      string      // ChannelDtmfReceived
	Heartbeat  uint64      // Heartbeat: its number
	Playback   string      // PlaybackFinished: its id
	PlayState  string      // PlaybackFinished: done, failed
	Dialled    string      // Dial, BridgeBlindTransfer: what was dialled, in clear. Never printed nor kept
	NumberKind string      // what kind of number that is, once somebody has said; "": none
	Reason     string      // Gap, UnreadableFrame: why, one of the Lost... words
	Snapshot   *Snapshot   // SnapshotTaken, LegSnapshot
	Channels   []ChannelID // UnreadableFrame: the channels the unreadable frame names
}

// Why sight was lost: the words used in logs, metrics and evidence.
const (
	GapConnection  = "connection_lost"
	GapReplaced    = "application_replaced"
	GapSilence     = "silence"
	GapOverflow    = "overflow"
	GapDeaf        = "deaf_subscription"
	GapRestart     = "gateway_restart"
	GapClock       = metering.GapClockJumped // the PBX's clock was set forward
	GapUnreadable  = "unreadable_frame"
	GapEndOfTrace  = "end_of_trace"     // a recording ends while calls are open
	GapNotWatching = "not_yet_watching" // the call arrived while nobody looked
	GapHold        = "hold_unknown"     // only this: whether somebody on the path is on hold
)

// Hold is whether the party behind a leg has put the other side on hold. After a gap it may not be known.
type Hold uint8

// The three answers. The zero value claims nothing.
const (
	HoldUnknown Hold = iota
	HoldOff
	HoldOn
)

// FeatureHold is a hold that a feature of the bridge has put on, as a DTMF transfer does for the consultation. Asterisk says when it begins, and
// only sometimes when it ends: for a party who goes elsewhere to consult and comes back, it does not.
type FeatureHold uint8

// The steps of a feature's hold.
const (
	NoFeatureHold    FeatureHold = iota
	FeatureHoldBegun             // in the bridge where it began
	FeatureHoldAway              // the leg has entered another bridge since: its next entering ends the hold
)

// Leg is a channel as a snapshot or an introduction shows it. Dialled legs were called by Asterisk, not by a caller.
type Leg struct {
	Channel Channel
	Hold    Hold
	Feature FeatureHold
	Dialled bool
	// DialledBy is the channel that is dialling this one, while it is; "" for none.
	DialledBy ChannelID
	Number    string    // the kind of the number by which it was dialled, "" where by none
	Moved     time.Time // introductions: when it last said itself that it entered or left a bridge; zero: it has not
	Seen      time.Time // introductions: the latest instant that its own events have named
	Done      bool      // its call has its record already: set by whoever keeps the records, never part of evidence
}

// Snapshot is what exists on one PBX at one instant of its own clock. It never says since when.
type Snapshot struct {
	At      time.Time
	Node    string
	Legs    []Leg
	Bridges []Bridge
}

// Endpoint is the part of a channel's name that a configuration knows: "PJSIP/agent1" of "PJSIP/agent1-00000009".
func (c Channel) Endpoint() string {
	if i := strings.LastIndexByte(c.Name, '-'); i > 0 {
		return c.Name[:i]
	}
	return c.Name
}

// LocalHalf tells whether the channel is one half of a Local pair, and names the pair and the half (1 or 2).
// Asterisk names them Local/exten@context-00000000;1 and ;2.
func (c Channel) LocalHalf() (pair string, half int, ok bool) {
	if !strings.HasPrefix(c.Name, "Local/") {
		return "", 0, false
	}
	name := MaskName(c.Name) // as evidence and checkpoints know it: what follows those must find the same pair
	if pair, ok := strings.CutSuffix(name, ";1"); ok {
		return pair, 1, true
	}
	if pair, ok := strings.CutSuffix(name, ";2"); ok {
		return pair, 2, true
	}
	return "", 0, false
}
