package ari

import "time"

// BridgeID is Asterisk's unique id of a bridge, a UUID.
type BridgeID string

// Bridge is what counts of Asterisk's bridge snapshot.
type Bridge struct {
	ID       BridgeID
	Type     string      // mixing, holding
	Channels []ChannelID // in Asterisk's order
	// Conference: it is a room of ConfBridge, whose members may be muted or wait with music.
	Conference bool
	Room       string // the name of the conference. Never kept: it may be a telephone number
	// Active, in a snapshot of ours: the members of a conference who hear and speak; nil where that is
	// not known.
	Active []ChannelID
}

// Hold is whether a leg has put the others on hold. After a gap that may not be known.
type Hold uint8

// The three states. The zero value claims nothing.
const (
	HoldUnknown Hold = iota
	HoldOff
	HoldOn
)

// FeatureHold is a hold that a feature of the bridge has put on, as a DTMF transfer does for the
// consultation. Asterisk always sends an event when it begins, but not always when it ends: none
// for a leg that goes elsewhere to consult and comes back.
type FeatureHold uint8

// The steps of a feature's hold.
const (
	NoFeatureHold    FeatureHold = iota
	FeatureHoldBegun             // in the bridge where it began
	FeatureHoldAway              // in another bridge: entering the next one ends the hold
)

// Doubt is a state of a leg in which talk cannot be told from its absence, or that is no talk.
type Doubt string

// The doubts.
const (
	DoubtApplication Doubt = "application"  // a feature key runs an application on it
	DoubtNoMedia     Doubt = "no_media"     // no packet comes from it
	DoubtHoldHidden  Doubt = "hold_hidden"  // nothing tells whether it holds
	DoubtMusic       Doubt = "bridge_music" // an application plays music to its bridge
)

// Leg is a channel in a snapshot, and what else is known of it.
type Leg struct {
	Channel Channel
	Hold    Hold
	Feature FeatureHold
	Dialled bool // Asterisk called it; it did not call
	// Incoming: its far end called Asterisk. Neither this nor Dialled: the direction is not known.
	Incoming bool
	// DialledBy is the channel that is dialling this one, while it is; "" for none.
	DialledBy ChannelID
	Number    string    // the kind of the number by which it was dialled, "" for none
	Moved     time.Time // of its own latest event about entering or leaving a bridge; zero for none
	LastEvent time.Time // the latest instant that its own events have named; zero for none
	// Doubts are why nothing that passes this leg counts as talk, though no hold is known.
	Doubts   []Doubt
	HomeApp  string    // DoubtApplication: the application that it runs but for the feature's
	AppSince time.Time // DoubtApplication: when the feature's began
	Done     bool      // its call has its record already. Set by the reader, never part of evidence
}

// Snapshot is what exists on one PBX at one instant of its own clock. It never shows since when.
type Snapshot struct {
	At      time.Time
	Node    string
	Legs    []Leg
	Bridges []Bridge
}
