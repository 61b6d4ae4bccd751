package ari

import (
	"time"

	"github.com/risposta/gateway/metering"
)

// Kind is what happened, as far as it matters for who talks with whom.
type Kind uint8

// The kinds. Every other event type of Asterisk is Other.
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
	ApplicationReplaced // another client took over our application: no more events will come
	Heartbeat           // our own user event came back: the connection works
	StasisStart         // the channel has entered our application: Args
	StasisEnd           // the channel has left it
	PlaybackFinished    // Playback, PlayState
	ChannelDtmfReceived // Digit

	// A source makes the kinds that follow. Asterisk never sends them.

	Gap             // from At on no event was seen
	SnapshotTaken   // Snapshot is what exists at At
	UnreadableFrame // a frame about Channels could not be read
	Suspended       // from here on the PBX queues its events for us; none before is missing
	Resumed         // the queued events follow, none lost since Suspended; Snapshot is what exists now
	LegSnapshot     // what was known of Snapshot.Legs before the event that follows
)

// Event is one thing that happened, read from one frame.
type Event struct {
	Kind Kind
	At   time.Time // Asterisk's own timestamp, UTC, whole milliseconds
	Node string    // asterisk_id

	Channel Channel // the channel it is about; for Dial the one that is dialled; zero for none
	Caller  Channel // Dial: the channel that dials, zero for an originated call
	Bridge  Bridge  // the bridge it is about
	From    Bridge  // BridgeMerged: the bridge that ceases to exist

	DialStatus string // Dial: "", RINGING, PROGRESS, ANSWER, NOANSWER, BUSY, CANCEL, ...
	// Feature, of ChannelHold: a feature of the bridge, such as a DTMF transfer, put the hold on, as
	// far as one can tell, and not the phone.
	Feature    bool
	Soft       bool        // ChannelHangupRequest: by Asterisk itself, not by the far end
	Args       []string    // StasisStart: the arguments of Stasis() after the application
	Digit      string      // ChannelDtmfReceived
	Heartbeat  uint64      // Heartbeat: its number
	Playback   string      // PlaybackFinished: its id
	PlayState  string      // PlaybackFinished: done, failed
	Dialled    string      // Dial, BridgeBlindTransfer: the number, in clear. Never printed or kept
	NumberKind string      // the kind of that number, once it is known; "" for none
	Reason     string      // Gap: one of the Gap... reasons
	Snapshot   *Snapshot   // SnapshotTaken, Resumed, LegSnapshot
	Channels   []ChannelID // UnreadableFrame: the channels that the frame names
}

// Why the PBX, or part of a call, was not seen, as logs, metrics and evidence name it.
const (
	GapConnection  = "connection_lost"
	GapReplaced    = "application_replaced"
	GapSilence     = "silence"
	GapOverflow    = "overflow"
	GapDeaf        = "deaf_subscription" // the PBX did not send the events of all channels
	GapRestart     = "gateway_restart"
	GapClock       = metering.GapClockJumped // the PBX's clock was set forward
	GapUnreadable  = "unreadable_frame"
	GapEndOfTrace  = "end_of_trace"     // a recording ends while calls are open
	GapNotWatching = "not_yet_watching" // the call arrived while the PBX was not seen
	GapHold        = "hold_unknown"     // only this is not known: whether a leg on the path holds
)

// kinds are the types of Asterisk's events that matter.
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

var kindNames = func() map[Kind]string {
	names := map[Kind]string{Other: "Other", Suspended: "Suspended", Resumed: "Resumed"}
	for name, k := range kinds {
		names[k] = name
	}
	for name, k := range evidenceKinds {
		names[k] = name
	}
	return names
}()

// String is the type of the event as a frame has it.
func (k Kind) String() string { return kindNames[k] }
