package ari

import "time"

// ProbeRequest asks about one channel, or about one conference, what no event tells.
type ProbeRequest struct {
	// Serial is the reader's own number of the request. The answer carries it.
	Serial  uint64
	Channel ChannelID // through a member's channel, for a conference
	Name    string    // of the channel
	Hold    bool      // does its phone hold the others?
	Media   bool      // how many audio packets have come from it?
	App     bool      // which application does it run?
	Options bool      // what does the configuration of its endpoint hide? May be answered from memory.
	// Packets is the count of the last answer. Where it has not grown, the answer tells whether
	// packets bypass the PBX.
	Packets    int64
	Conference *Conference // nil: the request is about the channel
}

// Conference is a bridge of ConfBridge, and its members.
type Conference struct {
	Bridge  BridgeID
	Room    string // the name of the conference. Never kept: it may be a telephone number
	Members map[string]ChannelID
}

// ProbeAnswer is the PBX's answer to a [ProbeRequest]. What was not asked for is zero.
type ProbeAnswer struct {
	Serial  uint64
	Channel ChannelID
	Hold    Hold
	Asked   bool   // about the hold: HoldUnknown then means that the PBX does not know it
	App     string // "": not known
	// Packets is the number of audio packets that have come; NoPackets where it is not known, or says
	// nothing because the phones send to each other directly.
	Packets    int64
	Options    *EndpointOptions
	Conference BridgeID
	// Active are the members of the conference who hear and speak; nil where that is not known.
	Active []ChannelID
}

// NoPackets is the count of a leg whose packets cannot be counted.
const NoPackets = -1

// EndpointOptions are what counts of an endpoint's configuration.
type EndpointOptions struct {
	RTPTimeout time.Duration // without a packet for so long Asterisk ends the channel; zero: never
	HidesHolds bool          // suppress_moh_on_sendonly: its holds raise no event
}

// FindingKind is what an answer of the PBX, or the way a channel ended, has shown of a leg.
type FindingKind string

// The findings. Since says from when on; talk that was counted after it is taken back.
const (
	FoundHold        FindingKind = "hold"        // its phone holds the others, though no event said so
	FoundNoHold      FindingKind = "no_hold"     // it does not, or no longer
	FoundHoldUnknown FindingKind = "hold_hidden" // nothing tells whether it does
	FoundNoMedia     FindingKind = "no_media"    // no packet has come from it
	FoundMedia       FindingKind = "media"       // packets come again
	FoundTimeout     FindingKind = "rtp_timeout" // the PBX ended it because nothing came from it
	FoundHeld        FindingKind = "held"        // the music of its hold went on, up to At
	FoundMusic       FindingKind = "music"       // the same, but the end of the music was not seen
	FoundAppEnded    FindingKind = "app_ended"   // the application of a feature key is over
)

// Finding is something that no event of the PBX says, found about one leg of a call.
type Finding struct {
	Channel ChannelID
	Kind    FindingKind
	Since   time.Time // zero: from the event's own instant
}

// Findings are what one [Probed] event has come to. Evidence keeps them, and not the answers.
type Findings struct {
	Legs        []Finding
	Conferences []ConferenceFinding
}

// ConferenceFinding is who hears and speaks in a conference.
type ConferenceFinding struct {
	Bridge BridgeID
	Active []ChannelID
}

// Empty reports whether nothing was found.
func (f *Findings) Empty() bool { return f == nil || len(f.Legs) == 0 && len(f.Conferences) == 0 }
