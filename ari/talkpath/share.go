package talkpath

import (
	"slices"
	"strings"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// evidenceShare is the event's share in the call, with the legs that the call's evidence lacks.
func (g *Graph) evidenceShare(c *call, ev *ari.Event, out *Result) EvidenceShare {
	s := EvidenceShare{Call: c.id}
	connected := g.connected(c.caller)
	c.reachNumber(c.transferNumber(ev), ev.At, out)
	var fresh []*leg
	for _, l := range connected {
		c.reachNumber(c.numberOf(l), ev.At, out)
		created := ev.Kind == ari.ChannelCreated && ev.Channel.ID == l.id
		if !created && !slices.Contains(c.known, l.id) {
			fresh = append(fresh, l)
		}
	}
	g.noteKnown(c, connected)
	if fresh != nil {
		s.LegSnapshot = snapshot(fresh, c, ev.At, ev.Node)
	}
	return s
}

// snapshotShare is the call's share of a snapshot of the PBX.
func (g *Graph) snapshotShare(c *call, ev *ari.Event, out *Result) EvidenceShare {
	connected := g.connected(c.caller)
	for _, l := range connected {
		c.reachNumber(c.numberOf(l), ev.At, out)
	}
	g.noteKnown(c, connected)
	return EvidenceShare{Call: c.id, Snapshot: snapshot(connected, c, ev.At, ev.Node)}
}

// snapshot shows these legs and their bridges. Of a holding bridge, in which strangers wait side by
// side, it names just these legs. of is the call whose evidence it is for, nil for none.
func snapshot(legs []*leg, of *call, at time.Time, node string) *ari.Snapshot {
	s := &ari.Snapshot{At: at, Node: node}
	for _, l := range legs {
		s.Legs = append(s.Legs, l.shown(of))
		b := l.bridge
		shown := func(have ari.Bridge) bool { return have.ID == b.id }
		if b != nil && !slices.ContainsFunc(s.Bridges, shown) {
			s.Bridges = append(s.Bridges, b.shown(legs))
		}
	}
	return s
}

// shown is the leg in the form of a snapshot, as a call has it; nil: as it is.
func (l *leg) shown(of *call) ari.Leg {
	s := ari.Leg{
		Channel: l.last, Hold: l.hold, Feature: l.feature, Dialled: l.dialled, Incoming: l.incoming,
		Number: l.number, Moved: l.moved, LastEvent: l.lastEvent,
	}
	l.showDoubts(&s)
	if l.up {
		s.Channel.State = "Up"
	}
	if l.dialler != nil {
		s.DialledBy = l.dialler.id
	}
	operator := l.operator
	if of != nil {
		operator, s.Number = of.operator(l.last.Endpoint()), of.numberOf(l)
	}
	if s.Number == "" && l.dialled && !operator && l.pair == nil {
		s.Number = numberNone // or a replay takes its dial for unseen
	}
	return s
}

func (b *bridge) shown(legs []*leg) ari.Bridge {
	s := ari.Bridge{ID: b.id, Type: "holding", Conference: b.conference, Active: b.active}
	if b.mixing {
		s.Type = "mixing"
	}
	for _, m := range b.members {
		if b.mixing || slices.Contains(legs, m) {
			s.Channels = append(s.Channels, m.id)
		}
	}
	return s
}

// place makes a leg what a snapshot shows of it, without its bridge and without dials.
func (g *Graph) place(s ari.Leg) *leg {
	l := g.leg(s.Channel)
	l.hold, l.feature, l.number = s.Hold, s.Feature, s.Number
	l.moved, l.lastEvent = s.Moved, s.LastEvent
	l.setDoubts(&s)
	l.dialled = s.Dialled || l.last.AppData == outgoing || called(s.Channel.State)
	l.incoming = s.Incoming || l.pair == nil && s.Channel.State == ringing
	return l
}

// placeAll fills an empty graph with what a snapshot shows.
func (g *Graph) placeAll(s *ari.Snapshot) {
	for _, leg := range s.Legs {
		g.place(leg)
	}
	g.placeDials(s)
	for _, b := range s.Bridges {
		br := g.bridge(b)
		for _, id := range b.Channels {
			if l := g.legs[id]; l != nil {
				g.enter(l, br)
			}
		}
		br.active = b.Active
		g.removeIfEmpty(br.id)
	}
}

// placeLegs takes over what a LegSnapshot shows. It shows the legs as they are after the event that
// follows; all other legs are as they were before it, and stay so.
func (g *Graph) placeLegs(s *ari.Snapshot) {
	fresh := map[ari.ChannelID]bool{}
	for _, leg := range s.Legs {
		l := g.place(leg)
		g.leave(l)
		l.setDoubts(&leg)
		fresh[leg.Channel.ID] = true
	}
	g.placeDials(s)
	for _, b := range s.Bridges {
		br := g.bridge(b)
		for _, id := range b.Channels {
			if fresh[id] {
				g.enter(g.legs[id], br)
			}
		}
		br.active = b.Active
		g.removeIfEmpty(br.id)
	}
	g.order = s.Bridges
}

// orderMembers gives the members of bridges the order that the LegSnapshot before this event shows:
// it decides which of two operators is named.
func (g *Graph) orderMembers() {
	for _, shown := range g.order {
		if b := g.bridges[shown.ID]; b != nil {
			index := func(l *leg) int { return slices.Index(shown.Channels, l.id) }
			slices.SortStableFunc(b.members, func(l, m *leg) int { return index(l) - index(m) })
		}
	}
	g.order = nil
}

// placeDials brings back who dials whom, among the legs that are known.
func (g *Graph) placeDials(s *ari.Snapshot) {
	for _, leg := range s.Legs {
		l, dialler := g.legs[leg.Channel.ID], g.legs[leg.DialledBy]
		if l != nil && dialler != nil {
			l.dialBy(dialler)
		}
	}
}

// Snapshot is everything that is known of the PBX: what [Graph.Load] needs to go on from here.
func (g *Graph) Snapshot() *ari.Snapshot {
	legs := make([]*leg, 0, len(g.legs))
	for _, l := range g.legs {
		legs = append(legs, l)
	}
	return ordered(snapshot(legs, nil, time.Time{}, ""))
}

// CallSnapshot is everything that is known of what is connected with an open call; nil for a call
// that is not open. A replay of the call's evidence so far gives the same.
func (g *Graph) CallSnapshot(id metering.CallID) *ari.Snapshot {
	c := g.calls[id]
	if c == nil || c.caller == nil {
		return nil
	}
	return ordered(snapshot(g.connected(c.caller), c, time.Time{}, ""))
}

// ordered sorts a snapshot by ids. The members of a mixing bridge stay in the order of entering; in
// a holding bridge the order means nothing.
func ordered(s *ari.Snapshot) *ari.Snapshot {
	slices.SortFunc(s.Legs, func(a, b ari.Leg) int {
		return strings.Compare(string(a.Channel.ID), string(b.Channel.ID))
	})
	slices.SortFunc(s.Bridges, func(a, b ari.Bridge) int {
		return strings.Compare(string(a.ID), string(b.ID))
	})
	for _, b := range s.Bridges {
		if b.Type == "holding" {
			slices.Sort(b.Channels)
		}
	}
	return s
}
