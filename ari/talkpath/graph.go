package talkpath

import (
	"slices"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// Rules say who is who. They are asked about channels as they appear, and must always answer the same.
type Rules struct {
	// Service names the metered service that a caller's channel has entered, by its dialplan context, extension and endpoint.
	Service func(ari.Channel) (name string, ok bool)
	// Operator tells whether an endpoint, such as PJSIP/agent1, is an operator's. What it does not name is free.
	Operator func(endpoint string) bool
}

// Graph is what is known of one PBX. One goroutine uses it.
type Graph struct {
	rules        Rules
	legs         map[ari.ChannelID]*leg
	bridges      map[ari.BridgeID]*bridge
	pairs        map[string]*pair
	calls        map[metering.CallID]*call
	order        uint64    // arrivals so far: calls are always worked on in this order
	stamp        uint64    // of the walk in progress: what carries it has been visited
	disconnected bool      // between Gap and SnapshotTaken
	watermark    time.Time // while disconnected: the last watermark instant
	// gone are the callers' channels that the last snapshot lacked, so that a late word about one opens no second call.
	gone map[ari.ChannelID]bool
	// replayOf is the call whose evidence is replayed: every event of it belongs to the call, also one whose link with it, a leg that had left, is not evidence.
	replayOf *call
	// destroyed are the channels that went last: Asterisk may speak of one once more, and that makes no new one. next is the oldest.
	destroyed [lastDestroyed]ari.ChannelID
	next      int
}

// lastDestroyed is how many channels that went are remembered. A word about one comes at most some milliseconds after its end (measured: 1 ms).
const lastDestroyed = 256

// New makes an empty graph.
func New(r Rules) *Graph {
	return &Graph{
		rules: r, legs: map[ari.ChannelID]*leg{}, bridges: map[ari.BridgeID]*bridge{},
		pairs: map[string]*pair{}, calls: map[metering.CallID]*call{},
	}
}

// Size is the number of channels, bridges, Local pairs and open calls held: zero when the PBX is idle.
func (g *Graph) Size() int { return len(g.legs) + len(g.bridges) + len(g.pairs) + len(g.calls) }

// destroy forgets a channel that is gone.
func (g *Graph) destroy(id ari.ChannelID) {
	delete(g.legs, id)
	g.destroyed[g.next] = id
	g.next = (g.next + 1) % len(g.destroyed)
}

// stale tells that the event speaks of a channel that is gone.
func (g *Graph) stale(ev *ari.Event) bool {
	return ev.Channel.ID != "" && g.legs[ev.Channel.ID] == nil && slices.Contains(g.destroyed[:], ev.Channel.ID)
}

// leg is one channel.
type leg struct {
	id       ari.ChannelID
	last     ari.Channel // as last seen
	operator bool
	up       bool // once Up a channel stays Up; a snapshot inside a later event may be older
	dialled  bool // called by Asterisk, not calling
	hold     ari.Hold
	feature  ari.FeatureHold
	bridge   *bridge
	moved    time.Time // when it last said itself that it entered or left a bridge
	seen     time.Time // the latest instant that its own events have named
	pair     *pair
	half     int
	number   string // the kind of the number by which it was dialled, "" where by none
	dialler  *leg   // who dials this leg, until it answers elsewhere or the dial ends
	dials    []*leg // whom this leg dials
	call     *call  // the open call of which this is the caller's leg
	parted   *call  // the call that it was last part of and is no more: a late word of it may still be about that
	done     bool   // its call has ended: what the channel does afterwards opens no other
	stamp    uint64
}

// bridge is a mixing or holding bridge; members in the order of entering.
type bridge struct {
	id      ari.BridgeID
	mixing  bool
	members []*leg
	stamp   uint64
}

// pair is a Local channel: two halves that pass everything to each other.
type pair struct {
	name string
	half [2]*leg
}

// leg returns the channel, making it where it is new, and takes over what the snapshot says.
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
	l.up = l.up || c.Up()
	return l
}

// rename is also how a channel gets its first name.
func (g *Graph) rename(l *leg, c ari.Channel) {
	g.unpair(l)
	if name, half, ok := c.LocalHalf(); ok {
		p := g.pairs[name]
		if p == nil {
			p = &pair{name: name}
			g.pairs[name] = p
		}
		p.half[half-1] = l
		l.pair, l.half = p, half
		l.operator = false
		return
	}
	l.operator = g.rules.Operator(c.Endpoint())
}

func (g *Graph) unpair(l *leg) {
	p := l.pair
	if p == nil {
		return
	}
	p.half[l.half-1] = nil
	l.pair = nil
	if p.half[0] == nil && p.half[1] == nil {
		delete(g.pairs, p.name)
	}
}

// other is the other half of a Local channel, or nil.
func (l *leg) other() *leg {
	if l.pair == nil {
		return nil
	}
	return l.pair.half[2-l.half]
}

// bridge returns the bridge, making it where it is new. A bridge is kept only while somebody is in it: its type comes with every event.
func (g *Graph) bridge(b ari.Bridge) *bridge {
	br := g.bridges[b.ID]
	if br == nil {
		br = &bridge{id: b.ID}
		g.bridges[b.ID] = br
	}
	if b.Type != "" {
		br.mixing = b.Type == "mixing"
	}
	return br
}

// forgetEmpty drops the bridge if nobody is in it.
func (g *Graph) forgetEmpty(id ari.BridgeID) {
	if b := g.bridges[id]; b != nil && len(b.members) == 0 {
		delete(g.bridges, id)
	}
}

// enter puts a leg into a bridge, out of any other.
func (g *Graph) enter(l *leg, b *bridge) {
	if l.bridge == b {
		return
	}
	g.leave(l)
	l.bridge = b
	b.members = append(b.members, l)
	g.bridges[b.id] = b
}

func (g *Graph) leave(l *leg) {
	if b := l.bridge; b != nil {
		b.members = without(b.members, l)
		l.bridge = nil
		g.forgetEmpty(b.id)
	}
}

// members makes the bridge's membership what Asterisk lists: it moves channels between bridges without a word about each
// (optimisation of Local channels), and the next list is where it shows. About a channel that has said itself, later than the list, where it
// went, the list is out of date.
func (g *Graph) members(b *bridge, listed []ari.ChannelID, at time.Time) {
	for _, id := range listed {
		// One that nobody has heard of is gone, or will speak for itself.
		if l := g.legs[id]; l != nil && !l.moved.After(at) {
			g.enter(l, b)
		}
	}
	for i := 0; i < len(b.members); {
		if l := b.members[i]; !contains(listed, l.id) && !l.moved.After(at) {
			g.leave(l)
			continue
		}
		i++
	}
}

func (g *Graph) removeBridge(id ari.BridgeID) {
	if b := g.bridges[id]; b != nil {
		for len(b.members) > 0 {
			g.leave(b.members[0])
		}
		delete(g.bridges, id)
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

// holds is whether the leg puts anybody on hold, itself or by a feature of the bridge.
func (l *leg) holds() ari.Hold {
	if l.feature != ari.NoFeatureHold {
		return ari.HoldOn
	}
	return l.hold
}

// comesBack follows a feature's hold over the bridges that its leg enters: the second one is where it comes back to.
func (l *leg) comesBack() {
	switch l.feature {
	case ari.FeatureHoldBegun:
		l.feature = ari.FeatureHoldAway
	case ari.FeatureHoldAway:
		l.feature = ari.NoFeatureHold
	case ari.NoFeatureHold:
	}
}

// unhold ends the phone's hold; where there is none, a feature's.
func (l *leg) unhold() {
	if l.hold != ari.HoldOn {
		l.feature = ari.NoFeatureHold
	}
	l.hold = ari.HoldOff
}

// dial notes that caller dials l.
func (l *leg) dial(caller *leg) {
	if l.dialler == caller {
		return
	}
	l.stopDialling()
	l.dialler = caller
	caller.dials = append(caller.dials, l)
}

func (l *leg) stopDialling() {
	if l.dialler != nil {
		l.dialler.dials = without(l.dialler.dials, l)
		l.dialler = nil
	}
}

func without(ls []*leg, l *leg) []*leg {
	for i := range ls {
		if ls[i] == l {
			return append(ls[:i], ls[i+1:]...)
		}
	}
	return ls
}

func contains(ids []ari.ChannelID, id ari.ChannelID) bool {
	for _, have := range ids {
		if have == id {
			return true
		}
	}
	return false
}
