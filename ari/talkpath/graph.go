package talkpath

import (
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
	rules   Rules
	legs    map[ari.ChannelID]*leg
	bridges map[ari.BridgeID]*bridge
	pairs   map[string]*pair
	calls   map[metering.CallID]*call
	order   uint64    // arrivals so far: calls are always worked on in this order
	stamp   uint64    // of the walk in progress: what carries it has been visited
	blind   bool      // between SightLost and SightRegained
	sure    time.Time // while blind: the last sure instant
	// gone are the callers' channels that the last snapshot lacked, so that a late word about one opens no second call.
	gone map[ari.ChannelID]bool
}

// New makes an empty graph.
func New(r Rules) *Graph {
	return &Graph{
		rules: r, legs: map[ari.ChannelID]*leg{}, bridges: map[ari.BridgeID]*bridge{},
		pairs: map[string]*pair{}, calls: map[metering.CallID]*call{},
	}
}

// Size is the number of channels, bridges, Local pairs and open calls held: zero when the PBX is idle.
func (g *Graph) Size() int { return len(g.legs) + len(g.bridges) + len(g.pairs) + len(g.calls) }

// leg is one channel.
type leg struct {
	id       ari.ChannelID
	last     ari.Channel // as last seen
	operator bool
	up       bool // once Up a channel stays Up; a snapshot inside a later event may be older
	dialled  bool // called by Asterisk, not calling
	hold     ari.Hold
	bridge   *bridge
	pair     *pair
	half     int
	dialler  *leg   // who dials this leg, until it answers elsewhere or the dial ends
	dials    []*leg // whom this leg dials
	call     *call  // the open call of which this is the caller's leg
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
	if c.Name != "" && c.Name != l.last.Name {
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

// enter puts a leg into a bridge, out of any other.
func (l *leg) enter(b *bridge) {
	if l.bridge == b {
		return
	}
	l.leave()
	l.bridge = b
	b.members = append(b.members, l)
}

func (l *leg) leave() {
	if b := l.bridge; b != nil {
		b.members = without(b.members, l)
		l.bridge = nil
	}
}

// members makes the bridge's membership what Asterisk lists: it moves channels between bridges without a word about each
// (optimisation of Local channels), and the next list is where it shows.
func (g *Graph) members(b *bridge, listed []ari.ChannelID) {
	for _, id := range listed {
		l := g.legs[id]
		if l == nil {
			l = g.leg(ari.Channel{ID: id})
			l.hold = ari.HoldUnknown // never heard of: nothing may be claimed about it
		}
		l.enter(b)
	}
	for i := 0; i < len(b.members); {
		if l := b.members[i]; !contains(listed, l.id) {
			l.leave()
			continue
		}
		i++
	}
}

func (g *Graph) removeBridge(id ari.BridgeID) {
	if b := g.bridges[id]; b != nil {
		for len(b.members) > 0 {
			b.members[0].leave()
		}
		delete(g.bridges, id)
	}
}

// detach takes the leg out of everything it is part of.
func (g *Graph) detach(l *leg) {
	l.leave()
	g.unpair(l)
	l.stopDialling()
	for len(l.dials) > 0 {
		l.dials[0].stopDialling()
	}
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
