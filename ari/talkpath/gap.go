package talkpath

import (
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// startGap makes every open call unseen from the last instant that was seen. A second gap before
// the end of the first adds nothing, but for calls that were adopted between the two.
func (g *Graph) startGap(ev *ari.Event, out *Result) {
	if !g.disconnected {
		for _, c := range g.openCalls() {
			if g.replayOf == nil {
				g.takeBackMusic(c, ev, out, c.caller, c.view.operator)
			}
		}
		g.disconnected, g.watermark = true, ev.At
	}
	for _, c := range g.openCalls() {
		if c.inGap {
			continue
		}
		out.Shares = append(out.Shares, EvidenceShare{Call: c.id})
		g.startCallGap(c, ev, out)
	}
}

// endGap makes the graph anew from a snapshot. A call whose channel is gone ends at the last
// instant that was seen before the gap. A call whose channel is there goes on from the snapshot. A
// caller on a service whose arrival was not seen gets a call, unseen up to now.
func (g *Graph) endGap(ev *ari.Event, out *Result) {
	old := g.legs
	g.legs, g.bridges = map[ari.ChannelID]*leg{}, map[ari.BridgeID]*bridge{}
	g.pairs, g.gone = map[string]*pair{}, map[ari.ChannelID]bool{}
	lastSeen := g.watermark
	if !g.disconnected {
		lastSeen = ev.At // the first snapshot of this source
	}
	g.disconnected = false
	g.placeAll(ev.Snapshot)
	for _, s := range ev.Snapshot.Legs {
		g.legs[s.Channel.ID].done = s.Done
	}
	if g.replayOf == nil { // a snapshot in evidence has it all
		for _, s := range ev.Snapshot.Legs {
			g.carryOver(g.legs[s.Channel.ID], old[s.Channel.ID])
		}
	}
	for _, c := range g.openCalls() {
		g.resume(c, ev, lastSeen, out)
	}
	for _, s := range ev.Snapshot.Legs {
		g.discover(g.legs[s.Channel.ID], ev, out)
	}
}

// carryOver takes over, from a leg as it was before a gap, what no list of the PBX shows. old is
// nil where the leg was not known.
func (g *Graph) carryOver(l, old *leg) {
	if old == nil {
		if l.number == "" && l.dialled && l.pair == nil {
			l.number = numberUnseen // but to the calls whose operator it is
		}
		l.operator = l.pair == nil && g.rulesAt(l.last.Created).Operator(l.last.Endpoint())
		return
	}
	l.operator = old.operator // it keeps what it was taken for
	l.number = old.number
	l.heard() // it may have been, in the gap
	l.done = l.done || old.done
	l.dialled, l.incoming = l.dialled || old.dialled, l.incoming || old.incoming
	l.stray, l.strayTalk = old.stray, old.strayTalk
	// A hold by a feature of the bridge does not show in the channel. Only an Unhold, perhaps an
	// unseen one, has ended it.
	if old.feature != ari.NoFeatureHold && l.hold == ari.HoldOff {
		l.hold = ari.HoldUnknown
	}
	l.carryDoubts(old)
	// A leg that has not answered is still dialled.
	if old.dialler != nil && !l.up {
		if dialler := g.legs[old.dialler.id]; dialler != nil {
			l.dialBy(dialler)
		}
	}
}

// resume brings an open call back to what the snapshot shows.
func (g *Graph) resume(c *call, ev *ari.Event, lastSeen time.Time, out *Result) {
	if c.adopted && !c.inGap { // no gap was reported of it: it was not seen since its last event
		end := c.endOf(c.view, c.latest)
		out.fact(metering.Fact{Kind: metering.GapStarted, Call: c.id, At: end, Why: ari.GapRestart})
		c.view = view{state: metering.Unseen}
	}
	if c.inGap {
		lastSeen = c.gapAt
	}
	c.caller, c.known = g.legs[ari.ChannelID(c.id)], nil
	if c.caller == nil {
		empty := &ari.Snapshot{At: ev.At, Node: ev.Node}
		out.Shares = append(out.Shares, EvidenceShare{Call: c.id, Snapshot: empty})
		g.closeCall(c, lastSeen, metering.EndedUnseen, out)
		g.gone[ari.ChannelID(c.id)] = true
		return
	}
	c.caller.call = c
	g.endCallGap(c, ev, out)
}

// endCallGap reports what a call has now that it is seen again.
func (g *Graph) endCallGap(c *call, ev *ari.Event, out *Result) {
	c.inGap, c.adopted = false, false
	c.noteInstant(ev.At)
	out.Shares = append(out.Shares, g.snapshotShare(c, ev, out))
	c.answered = c.answered || c.caller.up
	now := g.view(c, nil)
	c.view = now
	c.takeOver(c.latest, out)
	f := metering.Fact{
		Kind: metering.GapEnded, Call: c.id, At: c.latest, State: now.state, Operator: now.endpoint(),
	}
	switch now.state {
	case metering.Talking:
		f.State, f.Operator = metering.Waiting, ""
	case metering.Unseen:
		f.Why = now.why
	case metering.Waiting, metering.Held:
	}
	out.fact(f)
	if now.state == metering.Talking {
		g.startTalk(c, out)
	}
}

// discover opens the call of a caller whose arrival was not seen.
func (g *Graph) discover(at *leg, ev *ari.Event, out *Result) {
	l := at.bridgedCaller()
	if l == nil || !l.mayOpenCall() {
		return
	}
	arrived := ev.At
	if created := l.last.Created; !created.IsZero() && created.Before(arrived) {
		arrived = created
	}
	rules := g.rulesAt(arrived)
	service, ok := rules.Service(at.positionOf(l))
	if !ok {
		g.noteUnmatched(l, at)
		return
	}
	c := g.arrive(l, service, ev.Node, arrived, out)
	c.operator = rules.Operator
	out.fact(metering.Fact{
		Kind: metering.GapStarted, Call: c.id, At: arrived, Why: ari.GapNotWatching,
	})
	g.endCallGap(c, ev, out)
}
