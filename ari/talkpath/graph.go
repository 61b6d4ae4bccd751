package talkpath

import (
	"slices"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// Rules tell callers and operators apart. They are asked about channels as these appear, and must
// always give the same answer for the same channel, until [Graph.SetRules].
type Rules struct {
	// Service names the metered service that a caller's channel has entered, by its dialplan
	// context, extension and endpoint.
	Service func(ari.Channel) (name string, ok bool)
	// Operator reports whether an endpoint, such as PJSIP/agent1, is an operator's. Talk with any
	// other endpoint is free.
	Operator func(endpoint string) bool
	// ServiceContext reports whether calls of a metered service come into this dialplan context. Nil:
	// calls on no service are not counted.
	ServiceContext func(context string) bool
	// At are the rules that were in force at an instant: the snapshot at the end of a gap shows calls
	// that arrived before they changed. Nil: these.
	At func(time.Time) Rules
	// ProbeEvery is how often, while talk runs, the legs are asked whether packets come from them.
	// Zero: there is no PBX to ask, as in a recording.
	ProbeEvery time.Duration
}

// Graph is what is known of one PBX. It is used by one goroutine.
type Graph struct {
	rules        Rules
	legs         map[ari.ChannelID]*leg
	bridges      map[ari.BridgeID]*bridge
	pairs        map[string]*pair
	calls        map[metering.CallID]*call
	arrivals     uint64    // so far: calls are always processed in the order of arrival
	stamp        uint64    // of the walk in progress: what carries it has been visited
	serial       uint64    // of the latest questions to the PBX
	disconnected bool      // between Gap and SnapshotTaken
	watermark    time.Time // while disconnected: the last instant that was seen
	// gone are the callers' channels that the last snapshot lacked, so that a late event about one
	// of them opens no second call.
	gone map[ari.ChannelID]bool
	// replayOf is the call whose evidence is replayed; nil in the graph of a living PBX. Every event
	// of the evidence belongs to the call, also where the leg that connected the two has left. A
	// graph that replays holds just the legs that are connected with the call.
	replayOf *call
	loadedAt time.Time    // of a checkpoint
	order    []ari.Bridge // of members, from a LegSnapshot, for the event that follows it
	// destroyed are the channels that went last, and when: Asterisk may send one more event about such
	// a channel, which makes no new leg. destroyedOrder lists
	// them, the oldest first.
	destroyed      map[ari.ChannelID]time.Time
	destroyedOrder []ari.ChannelID
}

// An event about a channel comes at most some milliseconds after its end (measured: 1 ms). A
// channel that went is remembered for a thousand times as long, and the number is bounded: of more
// channels that go within that time the oldest are forgotten.
const (
	rememberDestroyed = 10 * time.Second
	maxDestroyed      = 1 << 16
)

// New makes an empty graph.
func New(r Rules) *Graph {
	return &Graph{
		rules: r, legs: map[ari.ChannelID]*leg{}, bridges: map[ari.BridgeID]*bridge{},
		pairs: map[string]*pair{}, calls: map[metering.CallID]*call{},
		destroyed: map[ari.ChannelID]time.Time{},
	}
}

// SetRules puts other rules in force. A call that has arrived keeps its operators, and a leg what it
// was taken for.
func (g *Graph) SetRules(r Rules) { g.rules = r }

// Disconnected reports whether there is a gap at present.
func (g *Graph) Disconnected() bool { return g.disconnected }

// rulesAt are the rules for what a snapshot shows that began at an instant; zero where that is not
// known.
func (g *Graph) rulesAt(at time.Time) Rules {
	if g.rules.At == nil || at.IsZero() {
		return g.rules
	}
	return g.rules.At(at)
}

// Size is the number of channels, bridges, Local pairs and open calls held: zero on an idle PBX.
func (g *Graph) Size() int { return len(g.legs) + len(g.bridges) + len(g.pairs) + len(g.calls) }

// leg is one channel.
type leg struct {
	id         ari.ChannelID
	last       ari.Channel // as last seen
	operator   bool
	up         bool // stays true: the channel in a later event may show an older state
	dialled    bool // Asterisk called it; it did not call
	incoming   bool // its far end called Asterisk. Neither: the direction is not known
	identified bool // the number of its far end has become known, and has not been reported
	hold       ari.Hold
	feature    ari.FeatureHold
	bridge     *bridge
	moved      time.Time // of its own latest event about entering or leaving a bridge
	lastEvent  time.Time // the latest instant that its own events have named
	pair       *pair
	half       int
	number     string // the kind of the number by which it was dialled, "" for none
	dialler    *leg   // the leg that dials this one, until it leaves its bridge or the dial ends
	dials      []*leg // the legs that this one dials
	call       *call  // the open call of which this is the caller's leg
	formerCall *call  // the call that it was part of and has left: a late event may still concern it
	done       bool   // its call has ended: later events of the channel open no other
	stamp      uint64
	firstEvent time.Time // the instant of its first event; zero where a snapshot showed it first
	stray      unmatched // where in a service's context it first was, on no service
	strayTalk  bool      // it has talked with an operator, on no service
	musicEnd   musicEnd
	doubts
	probing
}

// leg returns the leg of a channel, a new one if need be, and updates it from the channel.
func (g *Graph) leg(c ari.Channel) *leg {
	l := g.legs[c.ID]
	if l == nil {
		l = &leg{id: c.ID, hold: ari.HoldOff, done: g.gone[c.ID]}
		g.legs[c.ID] = l
	}
	if c.Name != "" && c.Name != l.last.Name && ari.MaskName(c.Name) != l.last.Name {
		g.rename(l, c)
	}
	number := l.last.Caller
	l.last = c
	if c.Caller.Withheld() {
		l.last.Caller = number
	}
	l.identified = l.identified || number.Withheld() && !l.last.Caller.Withheld()
	if l.up = l.up || c.Up(); l.up {
		l.heard()
	}
	return l
}

// rename also gives a channel its first name.
func (g *Graph) rename(l *leg, c ari.Channel) {
	g.unpair(l)
	name, half, ok := c.LocalHalf()
	if !ok {
		l.operator = g.rules.Operator(c.Endpoint())
		return
	}
	p := g.pairs[name]
	if p == nil {
		p = &pair{name: name}
		g.pairs[name] = p
	}
	p.half[half-1] = l
	l.pair, l.half = p, half
	l.operator = false
}

// destroy removes a leg whose channel is gone.
func (g *Graph) destroy(id ari.ChannelID, at time.Time) {
	delete(g.legs, id)
	if _, again := g.destroyed[id]; !again {
		g.destroyedOrder = append(g.destroyedOrder, id)
	}
	g.destroyed[id] = at
	for {
		oldest := g.destroyedOrder[0]
		if len(g.destroyedOrder) <= maxDestroyed && at.Sub(g.destroyed[oldest]) <= rememberDestroyed {
			return
		}
		delete(g.destroyed, oldest)
		g.destroyedOrder = g.destroyedOrder[1:]
	}
}

// stale reports whether the event is about a channel that is gone.
func (g *Graph) stale(ev *ari.Event) bool {
	id := ev.Channel.ID
	_, gone := g.destroyed[id]
	return id != "" && g.legs[id] == nil && gone
}

// keepOnly removes every leg but those listed, as if they had never been.
func (g *Graph) keepOnly(ids []ari.ChannelID) {
	for id, l := range g.legs {
		if !slices.Contains(ids, id) {
			g.detach(l)
			delete(g.legs, id)
		}
	}
}

// detach takes the leg out of everything it is part of.
func (g *Graph) detach(l *leg) {
	g.leave(l)
	g.unpair(l)
	l.stopDialling()
	for len(l.dials) > 0 {
		l.dials[0].stopDialling()
	}
}

// advanceFeatureHold follows a feature's hold over the bridges that its leg enters. The first is
// where the leg consults, the second where it comes back to.
func (l *leg) advanceFeatureHold() {
	switch l.feature {
	case ari.FeatureHoldBegun:
		l.feature = ari.FeatureHoldAway
	case ari.FeatureHoldAway:
		l.feature = ari.NoFeatureHold
	case ari.NoFeatureHold:
	}
}

// unhold ends the phone's own hold; where there is none, a feature's.
func (l *leg) unhold() {
	if l.hold != ari.HoldOn {
		l.feature = ari.NoFeatureHold
	}
	l.hold = ari.HoldOff
}
