package talkpath

import (
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// probing is what the graph of a living PBX remembers of its questions about a leg. It never
// reaches evidence: only the findings do.
type probing struct {
	holdFrom uint64 // answers to earlier questions about its hold are out of date
	appFrom  uint64 // the same about its application

	// unheld is when its hold ended by an event; zero once an answer has confirmed it, or a new hold
	// has begun.
	unheld     time.Time
	unanswered int  // heartbeats since then
	foundHold  bool // an answer says that it holds, and no event

	options    *ari.EndpointOptions // nil: not asked yet
	mediaAsked time.Time
	packets    int64 // at packetsAt; NoPackets for none
	packetsAt  time.Time
	proven     time.Time // the latest instant after which a packet is known to have come
}

// live reports whether the graph follows a PBX that it can ask.
func (g *Graph) live() bool { return g.replayOf == nil && g.rules.ProbeEvery > 0 && !g.disconnected }

// requestProbes asks, at a heartbeat, what events do not tell of the calls that are connected.
func (g *Graph) requestProbes(ev *ari.Event, out *Result) {
	if !g.live() {
		return
	}
	g.stepUnanswered(ev, out)
	g.serial++
	rooms := map[ari.BridgeID]bool{}
	for _, c := range g.openCalls() {
		if c.caller == nil || !c.caller.bridged() {
			continue
		}
		for _, l := range g.connected(c.caller) {
			if b := l.bridge; b != nil && b.conference && b.active == nil && !rooms[b.id] {
				rooms[b.id] = true
				out.Requests = append(out.Requests, b.request(g.serial))
			}
			if r := g.legRequest(c, l, ev.At); r != (ari.ProbeRequest{}) {
				r.Serial, r.Channel, r.Name = g.serial, l.id, l.last.Name
				out.Requests = append(out.Requests, r)
			}
		}
	}
}

// legRequest is what is to be asked about a leg of a call; zero for nothing.
func (g *Graph) legRequest(c *call, l *leg, at time.Time) (r ari.ProbeRequest) {
	if !l.isPJSIP() || !l.up || !l.bridged() {
		return r
	}
	r.App = l.inApp
	r.Hold = !l.unheld.IsZero() || l.foundHold || l.hold == ari.HoldUnknown || l.holdHidden && !l.hidesHolds()
	talks := c.view.state == metering.Talking && (l == c.caller || l == c.view.operator)
	if talks || l.silent {
		first := l.mediaAsked.IsZero()
		if first || l.silent || at.Sub(l.mediaAsked) >= g.rules.ProbeEvery {
			l.mediaAsked = at
			r.Options = l.options == nil
			if !first { // a count says nothing without one before it
				r.Media, r.Packets = true, l.packets
			}
		}
	}
	return r
}

// stepProbed takes in the PBX's answers.
func (g *Graph) stepProbed(ev *ari.Event, out *Result) {
	if ev.Findings != nil { // from evidence
		g.stepFindings(ev, ev.Findings, out)
		return
	}
	if g.disconnected {
		return
	}
	found := &ari.Findings{}
	for i := range ev.Answers {
		a := &ev.Answers[i]
		if a.Conference != "" {
			b := g.bridges[a.Conference]
			if b != nil && b.conference && a.Active != nil && a.Serial >= b.activeFrom {
				found.Conferences = append(found.Conferences,
					ari.ConferenceFinding{Bridge: b.id, Active: b.present(a.Active)})
			}
			continue
		}
		if l := g.legs[a.Channel]; l != nil {
			found.Legs = append(found.Legs, l.findings(a, ev.At)...)
		}
	}
	if !found.Empty() {
		g.stepFindings(ev, found, out)
	}
}

// findings are what an answer says about the leg beyond what is known.
func (l *leg) findings(a *ari.ProbeAnswer, at time.Time) (found []ari.Finding) {
	add := func(kind ari.FindingKind, since time.Time) {
		found = append(found, ari.Finding{Channel: l.id, Kind: kind, Since: since})
	}
	if o := a.Options; o != nil {
		if l.options = o; o.HidesHolds && !l.holdHidden {
			add(ari.FoundHoldUnknown, l.sinceProven())
		}
	}
	if kind, since := l.answerHold(a); kind != "" {
		add(kind, since)
	}
	if l.inApp && a.App != "" && a.App == l.home && a.Serial >= l.appFrom &&
		at.Sub(l.appSince) >= appSettle {
		add(ari.FoundAppEnded, time.Time{})
	}
	if kind := l.countPackets(a.Packets, at); kind == ari.FoundNoMedia {
		add(kind, l.sinceProven())
	} else if kind != "" {
		add(kind, time.Time{})
	}
	return found
}
