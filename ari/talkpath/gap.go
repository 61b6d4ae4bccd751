package talkpath

import (
	"slices"
	"strings"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// loseSight puts every open call in doubt from the last watermark instant on.
func (g *Graph) loseSight(ev *ari.Event, out *Result) {
	if g.disconnected {
		return // nothing was known since the first loss
	}
	g.disconnected, g.watermark = true, ev.At
	for _, c := range g.openCalls() {
		out.Shares = append(out.Shares, EvidenceShare{Call: c.id})
		ending := c.ending(c.view, ev.At)
		if c.view.state == metering.Talking {
			c.talked = ending
		}
		out.fact(metering.Fact{Kind: metering.GapStarted, Call: c.id, At: ending, Why: ev.Reason})
		c.view = view{state: metering.Unseen}
	}
}

// regainSight makes the graph anew from a snapshot. Calls whose channel is gone end at the last watermark instant; those that live
// go on from the snapshot; callers found on a service that nobody saw arrive get their call, unseen up to now.
func (g *Graph) regainSight(ev *ari.Event, out *Result) {
	old := g.legs
	g.legs, g.bridges, g.pairs = map[ari.ChannelID]*leg{}, map[ari.BridgeID]*bridge{}, map[string]*pair{}
	g.gone = map[ari.ChannelID]bool{}
	since := g.watermark
	if !g.disconnected {
		since = ev.At // the first sight of this source
	}
	g.disconnected = false
	for _, s := range ev.Snapshot.Legs {
		l := g.place(s)
		l.done = s.Done
		if g.replayOf == nil { // a share in evidence is whole already
			l.keep(old[l.id])
		}
	}
	g.placeDials(ev.Snapshot)
	if g.replayOf == nil {
		g.keepDials(ev.Snapshot, old)
	}
	g.placeBridges(ev.Snapshot)
	for _, c := range g.openCalls() {
		g.resume(c, ev, since, out)
	}
	for _, s := range ev.Snapshot.Legs {
		g.discover(g.legs[s.Channel.ID], since, ev, out)
	}
}

// The kinds of number of an outside leg of which no number is known: nobody saw how it was dialled; or it was seen, and by none.
const (
	numberUnseen = "unknown"
	numberNone   = "none"
)

// outside tells that the leg was dialled, and is no operator's.
func (l *leg) outside() bool { return l.dialled && !l.operator && l.pair == nil }

// resume brings an open call back to what the snapshot shows.
func (g *Graph) resume(c *call, ev *ari.Event, since time.Time, out *Result) {
	c.caller, c.known = g.legs[ari.ChannelID(c.id)], nil
	if c.caller == nil {
		out.Shares = append(out.Shares, EvidenceShare{Call: c.id, Snapshot: &ari.Snapshot{At: ev.At, Node: ev.Node}})
		g.close(c, since, metering.EndedUnseen, out)
		g.gone[ari.ChannelID(c.id)] = true
		return
	}
	c.caller.call = c
	c.sees(ev.At)
	out.Shares = append(out.Shares, g.touchShare(c, ev, out))
	g.seeAgain(c, out)
}

// seeAgain says what a call has now that it is seen again.
func (g *Graph) seeAgain(c *call, out *Result) {
	c.answered = c.answered || c.caller.up
	now := g.look(c.caller, nil)
	c.view = now
	f := metering.Fact{Kind: metering.GapEnded, Call: c.id, At: c.latest, State: now.state, Operator: now.endpoint()}
	switch now.state {
	case metering.Talking:
		f.State, f.Operator = metering.Waiting, ""
	case metering.Unseen:
		f.Why = ari.GapHold
	case metering.Waiting, metering.Held:
	}
	out.fact(f)
	if now.state == metering.Talking {
		g.startTalk(c, out)
	}
}

// discover opens the call of a caller who came while nobody looked.
func (g *Graph) discover(l *leg, since time.Time, ev *ari.Event, out *Result) {
	if !l.mayOpen() {
		return
	}
	service, ok := g.rules.Service(l.last)
	if !ok {
		return
	}
	arrived := ev.At
	if made := l.last.Created; !made.IsZero() && made.Before(arrived) {
		arrived = made
	}
	c := g.add(metering.CallID(l.id), l, arrived)
	out.fact(metering.Fact{
		Kind: metering.CallArrived, Call: c.id, At: arrived, Service: service, Node: ev.Node, Number: l.last.Caller,
	})
	out.fact(metering.Fact{Kind: metering.GapStarted, Call: c.id, At: arrived, Why: ari.GapNotWatching})
	c.sees(ev.At)
	out.Shares = append(out.Shares, g.touchShare(c, ev, out))
	g.seeAgain(c, out)
}

func (g *Graph) touchShare(c *call, ev *ari.Event, out *Result) EvidenceShare {
	connected := g.connected(c.caller)
	for _, l := range connected {
		c.reach(l.number, ev.At, out)
	}
	g.meet(c, connected)
	return EvidenceShare{Call: c.id, Snapshot: share(connected, ev.At, ev.Node)}
}

// show is the leg as an introduction or a share of a snapshot shows it.
func (l *leg) show() ari.Leg {
	s := ari.Leg{Channel: l.last, Hold: l.hold, Feature: l.feature, Dialled: l.dialled, Number: l.number, Moved: l.moved, Seen: l.seen}
	if l.up {
		s.Channel.State = "Up"
	}
	if l.dialler != nil {
		s.DialledBy = l.dialler.id
	}
	if l.number == "" && l.outside() {
		s.Number = numberNone // whoever replays this must not take it for unseen
	}
	return s
}

// share is a snapshot of these legs replayOf. Of a holding bridge, where strangers wait side by side, it names just these.
func share(legs []*leg, at time.Time, node string) *ari.Snapshot {
	s := &ari.Snapshot{At: at, Node: node}
	for _, l := range legs {
		s.Legs = append(s.Legs, l.show())
		b := l.bridge
		if b == nil || slices.ContainsFunc(s.Bridges, func(have ari.Bridge) bool { return have.ID == b.id }) {
			continue
		}
		shown := ari.Bridge{ID: b.id, Type: "holding"}
		if b.mixing {
			shown.Type = "mixing"
		}
		for _, m := range b.members {
			if b.mixing || slices.Contains(legs, m) {
				shown.Channels = append(shown.Channels, m.id)
			}
		}
		s.Bridges = append(s.Bridges, shown)
	}
	return s
}

// introduce takes over what evidence says was known of some legs.
func (g *Graph) introduce(s *ari.Snapshot) {
	for _, leg := range s.Legs {
		g.leave(g.place(leg))
	}
	g.placeDials(s)
	g.placeBridges(s)
}

// keep takes over what was known of a leg before a gap, nil where nothing was, and what no list of the
// PBX shows.
func (l *leg) keep(was *leg) {
	if was == nil {
		if l.number == "" && l.outside() {
			l.number = numberUnseen
		}
		return
	}
	l.number = was.number
	l.done = l.done || was.done
	l.dialled = l.dialled || was.dialled
	// A hold by a feature of the bridge does not show in the channel: only an Unhold, perhaps an
	// unseen one, has ended it.
	if was.feature != ari.NoFeatureHold && l.hold == ari.HoldOff {
		l.hold = ari.HoldUnknown
	}
}

// keepDials takes over who dialled whom before a gap, where both are still there and the dialled leg
// has not answered: no list of the PBX shows it.
func (g *Graph) keepDials(s *ari.Snapshot, old map[ari.ChannelID]*leg) {
	for _, leg := range s.Legs {
		l, was := g.legs[leg.Channel.ID], old[leg.Channel.ID]
		if was == nil || was.dialler == nil || l.up {
			continue
		}
		if dialler := g.legs[was.dialler.id]; dialler != nil {
			l.dial(dialler)
		}
	}
}

// placeDials brings back who dials whom, among the legs that are known.
func (g *Graph) placeDials(s *ari.Snapshot) {
	for _, leg := range s.Legs {
		l, dialler := g.legs[leg.Channel.ID], g.legs[leg.DialledBy]
		if l != nil && dialler != nil {
			l.dial(dialler)
		}
	}
}

func (g *Graph) place(s ari.Leg) *leg {
	l := g.leg(s.Channel)
	l.hold, l.feature, l.moved, l.seen, l.number = s.Hold, s.Feature, s.Moved, s.Seen, s.Number
	l.dialled = s.Dialled || l.last.AppData == outgoing || s.Channel.State == "Down" || s.Channel.State == "Ringing"
	return l
}

func (g *Graph) placeBridges(s *ari.Snapshot) {
	for _, b := range s.Bridges {
		br := g.bridge(b)
		if br.mixing { // its list is whole
			for len(br.members) > 0 {
				g.leave(br.members[0])
			}
		}
		for _, id := range b.Channels {
			if l := g.legs[id]; l != nil {
				g.enter(l, br)
			}
		}
		g.forgetEmpty(br.id)
	}
}

func (g *Graph) openCalls() []*call {
	calls := make([]*call, 0, len(g.calls))
	for _, c := range g.calls {
		calls = append(calls, c)
	}
	slices.SortFunc(calls, byOrder)
	return calls
}

func byOrder(a, b *call) int {
	switch {
	case a.order < b.order:
		return -1
	case a.order > b.order:
		return 1
	}
	return 0
}

// Open opens a call that evidence begins with: its arrival was judged when it happened. Unseen: nobody saw it arrive.
func (g *Graph) Open(id metering.CallID, at time.Time, unseen bool) {
	l := g.leg(ari.Channel{ID: ari.ChannelID(id)})
	c := g.add(id, l, at)
	g.replayOf = c
	if unseen {
		c.view.state = metering.Unseen
	}
}

// See credits the call with an event that its evidence holds, whether or not this graph can tell that it belongs there.
func (g *Graph) See(id metering.CallID, at time.Time) {
	if c := g.calls[id]; c != nil {
		c.sees(at)
	}
}

// Adopt takes over an open call that another graph rebuilt from evidence. It has no channel until the SnapshotTaken that must
// follow, after a Gap.
func (g *Graph) Adopt(from *Graph, id metering.CallID) {
	c := from.calls[id]
	delete(from.calls, id)
	g.order++
	c.order, c.caller = g.order, nil
	g.calls[id] = c
}

// Snapshot is everything known of the PBX: what Load needs to go on from here.
func (g *Graph) Snapshot() *ari.Snapshot {
	legs := make([]*leg, 0, len(g.legs))
	for _, l := range g.legs {
		legs = append(legs, l)
	}
	slices.SortFunc(legs, func(a, b *leg) int { return strings.Compare(string(a.id), string(b.id)) })
	return share(legs, time.Time{}, "")
}

// Load takes over, into an empty graph, what a former one knew.
func (g *Graph) Load(s *ari.Snapshot) {
	for _, l := range s.Legs {
		g.place(l).done = l.Done
	}
	g.placeDials(s)
	g.placeBridges(s)
}

// Reattach takes over an open call that another graph rebuilt from evidence, with its channels as this one knows them: nothing was lost between.
// It returns false, and takes nothing, where the two do not fit.
func (g *Graph) Reattach(from *Graph, id metering.CallID) bool {
	c := from.calls[id]
	caller := g.legs[ari.ChannelID(id)]
	if caller == nil || from.disconnected {
		return false
	}
	if op := c.view.operator; op != nil {
		if c.view.operator = g.legs[op.id]; c.view.operator == nil {
			return false
		}
	}
	delete(from.calls, id)
	g.order++
	c.order, c.caller = g.order, caller
	caller.call = c
	g.calls[id] = c
	return true
}
