package talkpath

import (
	"slices"
	"time"

	"github.com/risposta/gateway/ari"
)

// bridge is a mixing or holding bridge. Its members are in the order of entering.
type bridge struct {
	id      ari.BridgeID
	mixing  bool
	members []*leg
	stamp   uint64
	// Of a conference: its name; those who hear and speak, nil where that is not known; and from which
	// question on an answer counts.
	conference bool
	room       string
	active     []ari.ChannelID
	activeFrom uint64
}

// bridge returns the bridge, a new one if need be. A bridge without members is not kept: its type
// comes with every event.
func (g *Graph) bridge(b ari.Bridge) *bridge {
	br := g.bridges[b.ID]
	if br == nil {
		br = &bridge{id: b.ID}
		g.bridges[b.ID] = br
	}
	if b.Type != "" {
		br.mixing = b.Type == "mixing"
	}
	if b.Conference {
		br.conference = true
	}
	if b.Room != "" {
		br.room = b.Room
	}
	return br
}

// removeIfEmpty drops a bridge without members.
func (g *Graph) removeIfEmpty(id ari.BridgeID) {
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
	l.heard()
	b.members = append(b.members, l)
	b.changed(g.serial)
	g.bridges[b.id] = b
}

func (g *Graph) leave(l *leg) {
	if b := l.bridge; b != nil {
		b.members = without(b.members, l)
		b.changed(g.serial)
		l.bridge = nil
		l.leaveDoubts()
		l.musicEnd.over()
		g.removeIfEmpty(b.id)
	}
}

// updateMembers takes over the list of members that an event gives of a bridge. The channel that
// enters is always taken to be in it; entering is nil where none does.
func (g *Graph) updateMembers(b *bridge, ev *ari.Event, entering *leg) {
	ids := ev.Bridge.Channels
	if entering != nil && !slices.Contains(ids, entering.id) {
		ids = append(slices.Clone(ids), entering.id)
	}
	g.setMembers(b, ids, ev.At)
}

// setMembers makes the bridge's members those that Asterisk lists. When Asterisk optimises Local
// channels away it moves channels between bridges without an event about each, and the next list is
// the first sign of it. A channel whose own event, later than the list, says where it went is left
// where it is.
func (g *Graph) setMembers(b *bridge, listed []ari.ChannelID, at time.Time) {
	for _, id := range listed {
		// A channel that is not known is gone, or events of its own will follow.
		if l := g.legs[id]; l != nil && !l.moved.After(at) {
			g.enter(l, b)
		}
	}
	for i := 0; i < len(b.members); {
		if l := b.members[i]; !slices.Contains(listed, l.id) && !l.moved.After(at) {
			g.leave(l)
			continue
		}
		i++
	}
}

func (g *Graph) merge(from, to *bridge) {
	for len(from.members) > 0 {
		g.enter(from.members[0], to)
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

// pair is a Local channel: two halves that pass everything to each other.
type pair struct {
	name string
	half [2]*leg
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

// otherHalf is the other half of a Local channel, or nil.
func (l *leg) otherHalf() *leg {
	if l.pair == nil {
		return nil
	}
	return l.pair.half[2-l.half]
}

// dialBy notes that a leg dials l.
func (l *leg) dialBy(dialler *leg) {
	if l.dialler == dialler {
		return
	}
	l.stopDialling()
	l.dialler = dialler
	dialler.dials = append(dialler.dials, l)
}

// stopDialling notes that no leg dials l any more.
func (l *leg) stopDialling() {
	if l.dialler != nil {
		l.dialler.dials = without(l.dialler.dials, l)
		l.dialler = nil
	}
}

func without(ls []*leg, l *leg) []*leg {
	if i := slices.Index(ls, l); i >= 0 {
		return append(ls[:i], ls[i+1:]...)
	}
	return ls
}
