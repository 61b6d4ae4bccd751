package ari

import "time"

// BridgeID is Asterisk's unique id of a bridge, a UUID.
type BridgeID string

// Bridge is what counts of Asterisk's bridge snapshot.
type Bridge struct {
	ID       BridgeID
	Type     string      // mixing, holding
	Channels []ChannelID // in Asterisk's order
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

// Leg is a channel in a snapshot, with what is known of it beside the channel itself.
type Leg struct {
	Channel Channel
	Hold    Hold
	Feature FeatureHold
	Dialled bool // Asterisk called it; it did not call
	// DialledBy is the channel that is dialling this one, while it is; "" for none.
	DialledBy ChannelID
	Number    string    // the kind of the number by which it was dialled, "" for none
	Moved     time.Time // of its own latest event about entering or leaving a bridge; zero for none
	LastEvent time.Time // the latest instant that its own events have named; zero for none
	Done      bool      // its call has its record already. Set by the reader, never part of evidence
}

// Snapshot is what exists on one PBX at one instant of its own clock. It never says since when.
type Snapshot struct {
	At      time.Time
	Node    string
	Legs    []Leg
	Bridges []Bridge
}
