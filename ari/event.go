package ari

import (
	"maps"
	"slices"
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
	ChannelVarset       // Variable, of the few that count; Music
	ChannelCallerID     // the number of the far end has come or changed

	// A source makes the kinds that follow. Asterisk never sends them.

	Gap             // from At on no event was seen
	SnapshotTaken   // Snapshot is what exists at At
	UnreadableFrame // a frame about Channels could not be read
	Suspended       // from here on the PBX queues its events for us; none before is missing
	Resumed         // the queued events follow, none lost since Suspended; Snapshot is what exists now
	LegSnapshot     // what was known of Snapshot.Legs before the event that follows
	Probed          // Answers to the reader's requests; in evidence the Findings
	ListsTaken      // Snapshot, without holds, is what the PBX lists; At follows it, Asked precedes it
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
	Feature bool
	Soft    bool // ChannelHangupRequest: by Asterisk itself, not by the far end
	// Unresponsive, of ChannelHangupRequest: nothing came from the channel, no packet for the time of
	// its RTP timeout (UnresponsiveRTP), or no response to Asterisk's own request (UnresponsiveSIP).
	Unresponsive Unresponsive
	Variable     string      // ChannelVarset: one of the Var... constants
	Music        bool        // ChannelVarset of VarBridgePeer: an application plays music to the bridge
	Args         []string    // StasisStart: the arguments of Stasis() after the application
	Digit        string      // ChannelDtmfReceived
	Heartbeat    uint64      // Heartbeat: its number
	Playback     string      // PlaybackFinished: its id
	PlayState    string      // PlaybackFinished: done, failed
	Dialled      string      // Dial, BridgeBlindTransfer: the number, in clear. Never printed or kept
	NumberKind   string      // the kind of that number, once it is known; "" for none
	Phone        string      // the endpoint that the number would be, were it a phone. Never kept
	Reason       string      // Gap: one of the Gap... reasons
	Snapshot     *Snapshot   // SnapshotTaken, Resumed, LegSnapshot, ListsTaken
	Channels     []ChannelID // UnreadableFrame: the channels that the frame names
	Answers      []ProbeAnswer
	Findings     *Findings
	Asked        time.Time // ListsTaken: an instant before the lists were asked for
}

// Unresponsive is how a channel that gave no sign of life was ended.
type Unresponsive uint8

// The ways, as docs/asterisk.md shows them.
const (
	Responsive      Unresponsive = iota
	UnresponsiveRTP              // soft, cause 1
	UnresponsiveSIP              // tech_cause 408
)

// The variables of channels that count.
const (
	VarFeature    = "DYNAMIC_WHO_ACTIVATED" // a key of features.conf runs an application here
	VarGosubEnds  = "GOSUB_RETVAL"          // a Gosub is over
	VarBridgePeer = "BRIDGEPEER"            // who is in the bridge, also Asterisk's own announcer
	VarChoice     = "RISPOSTA_CHOICE"       // the dialplan's mark: the caller has chosen an operator
)

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
	GapSetAside    = "set_aside"        // the gateway meters this call no further
	GapHold        = "hold_unknown"     // only this is not known: whether a leg on the path holds
	GapMissed      = "event_missed"     // the PBX's lists differ from what its events said
	GapFrames      = "frames_lost"      // what the tap beside the PBX has sent is lost

	// Why talk was not seen as talk, while the PBX was seen.

	GapApplication = "feature_application" // a feature key runs an application on a leg
	GapConference  = "conference_unknown"  // who hears and speaks in a conference is not known
	GapNoMedia     = "no_media"            // no audio packet comes from a leg
	GapRTPTimeout  = "rtp_timeout"         // nothing came from a leg until the PBX ended it
	GapMusic       = "music_after_hold"    // the music of a hold went on after its end
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
	"ChannelVarset":          ChannelVarset,
	"ChannelCallerId":        ChannelCallerID,
}

// EventTypes are the types of Asterisk's events that matter, sorted: a PBX need not send any other.
func EventTypes() []string { return slices.Sorted(maps.Keys(kinds)) }

var kindNames = func() map[Kind]string {
	names := map[Kind]string{
		Other: "Other", Suspended: "Suspended", Resumed: "Resumed", ListsTaken: "ListsTaken",
	}
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
