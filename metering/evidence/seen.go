package evidence

import "github.com/risposta/gateway/metering"

// Gap means that from here on no event of the PBX was seen.
type Gap struct {
	At     metering.Time `json:"timestamp"` // the last instant that was seen, by the PBX's clock
	Node   string        `json:"asterisk_id,omitzero"`
	Reason string        `json:"reason"`
}

func (g Gap) at() metering.Time { return g.At }

// Encode writes the frame.
func (g Gap) Encode() []byte { return encode(TypeGap, g) }

// ReadGap reads the frame.
func ReadGap(frame []byte) (Gap, error) { return decode[Gap](TypeGap, frame) }

// UnreadableFrame means that a frame of the PBX about these channels could not be read.
type UnreadableFrame struct {
	At       metering.Time `json:"timestamp"` // the last instant that was seen before it
	Node     string        `json:"asterisk_id,omitzero"`
	Channels []string      `json:"channels"`
}

func (u UnreadableFrame) at() metering.Time { return u.At }

// Encode writes the frame.
func (u UnreadableFrame) Encode() []byte { return encode(TypeUnreadableFrame, u) }

// ReadUnreadableFrame reads the frame.
func ReadUnreadableFrame(frame []byte) (UnreadableFrame, error) {
	return decode[UnreadableFrame](TypeUnreadableFrame, frame)
}

// Snapshot is what existed on the PBX at the end of a gap, as far as it is connected with the call.
type Snapshot struct {
	At      metering.Time `json:"timestamp"`
	Node    string        `json:"asterisk_id,omitzero"`
	Legs    []Leg         `json:"legs,omitzero"`
	Bridges []Bridge      `json:"bridges,omitzero"`
}

func (s Snapshot) at() metering.Time { return s.At }

// Encode writes the frame.
func (s Snapshot) Encode() []byte { return encode(TypeSnapshot, s) }

// ReadSnapshot reads the frame.
func ReadSnapshot(frame []byte) (Snapshot, error) { return decode[Snapshot](TypeSnapshot, frame) }

// LegSnapshot shows the legs that the PBX event in the next frame brings into the call, as they are
// after that event.
type LegSnapshot Snapshot

func (s LegSnapshot) at() metering.Time { return s.At }

// Encode writes the frame.
func (s LegSnapshot) Encode() []byte { return encode(TypeLegSnapshot, s) }

// ReadLegSnapshot reads the frame.
func ReadLegSnapshot(frame []byte) (LegSnapshot, error) {
	return decode[LegSnapshot](TypeLegSnapshot, frame)
}

// Leg is a channel, and what else is known of it.
type Leg struct {
	Channel     Channel       `json:"channel"`
	Hold        string        `json:"hold,omitzero"`          // on, off; "": not known
	FeatureHold string        `json:"feature_hold,omitzero"`  // begun, away; "": none
	Dialled     bool          `json:"dialled,omitzero"`       // Asterisk called it; it did not call
	Incoming    bool          `json:"incoming,omitzero"`      // its far end called Asterisk
	DialledBy   string        `json:"dialled_by,omitzero"`    // the channel that is dialling it
	NumberKind  string        `json:"number_kind,omitzero"`   // of the number by which it was dialled
	Moved       metering.Time `json:"moved_at,omitzero"`      // when it last entered or left a bridge
	LastEvent   metering.Time `json:"last_event_at,omitzero"` // the latest instant of its own events
	Doubts      []string      `json:"doubts,omitzero"`        // why nothing that passes it is talk
	HomeApp     string        `json:"home_app,omitzero"`      // what it runs but for a feature's
	AppSince    metering.Time `json:"app_since,omitzero"`     // when the feature's application began
}

// The values of Leg.Hold.
const (
	HoldOff = "off"
	HoldOn  = "on"
)

// The values of Leg.FeatureHold: a hold by a feature of the bridge, such as a DTMF transfer.
const (
	FeatureHoldBegun = "begun" // in the bridge where it began
	FeatureHoldAway  = "away"  // in another bridge; entering the next one ends the hold
)

// Channel is Asterisk's channel, reduced. Digits in the name of a Local channel are masked.
type Channel struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	State    string        `json:"state,omitzero"`
	Dialplan Dialplan      `json:"dialplan,omitzero"`
	Created  metering.Time `json:"creationtime,omitzero"`
}

// Dialplan is the application that a channel runs.
type Dialplan struct {
	App     string `json:"app_name,omitzero"`
	AppData string `json:"app_data,omitzero"` // the name of the queue for Queue(); else nothing
}

// Bridge is Asterisk's bridge, reduced.
type Bridge struct {
	ID       string   `json:"id"`
	Type     string   `json:"bridge_type,omitzero"` // mixing, holding
	Channels []string `json:"channels,omitzero"`    // in the order of entering
	// Conference: a room of ConfBridge. Active are the members who hear and speak, empty for none,
	// left out where that is not known.
	Conference bool     `json:"conference,omitzero"`
	Active     []string `json:"active,omitzero"`
}
