package talkpath

import (
	"slices"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// call is an open call on a metered service.
type call struct {
	id       metering.CallID
	order    uint64
	caller   *leg      // nil after a restart, until the first snapshot
	latest   time.Time // the latest instant that its events have named
	view     view
	talk     time.Time       // start of the present talk
	talked   time.Time       // end of the last talk
	queue    string          // in which the caller waits, "" for none
	via      string          // the queue whose Queue() the caller's channel still runs
	queueLeg ari.ChannelID   // which runs that Queue(): the caller's, or a Local half behind it
	bridged  bool            // its caller's leg has been in a bridge
	numbers  []string        // the kinds of numbers that it has reached
	known    []ari.ChannelID // the legs whose state its evidence has
	answered bool
	chosen   bool // the dialplan has marked that the caller chose an operator
	// operator reports whose endpoints are operators' for this call: those of the configuration that
	// it arrived under.
	operator func(endpoint string) bool
	inGap    bool      // a gap was reported that has not ended
	gapAt    time.Time // inGap: the last instant that was seen
	adopted  bool      // taken over from a replay, and not seen since
}

// noteInstant moves the call's clock, which never steps back.
func (c *call) noteInstant(at time.Time) {
	if at.After(c.latest) {
		c.latest = at
	}
}

// noteKnown notes the legs whose state the call's evidence has from here on: those connected with
// the caller. A leg that left may change without an event in the evidence, so a LegSnapshot shows
// it anew when it comes back.
func (g *Graph) noteKnown(c *call, connected []*leg) {
	for _, id := range c.known {
		if l := g.legs[id]; l != nil {
			l.formerCall = c
		}
	}
	c.known = c.known[:0]
	for _, l := range connected {
		if l.formerCall == c {
			l.formerCall = nil
		}
		c.known = append(c.known, l.id)
		c.noteInstant(l.lastEvent)
	}
}

func (g *Graph) openCall(id metering.CallID, l *leg, at time.Time) *call {
	g.arrivals++
	c := &call{
		id: id, order: g.arrivals, caller: l, latest: at, view: view{state: metering.Waiting},
		operator: g.rules.Operator,
	}
	g.calls[id] = c
	l.call = c
	return c
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

// update reports what an event, already taken into the graph, has changed for the call.
func (g *Graph) update(c *call, ev *ari.Event, out *Result) {
	if c.caller.up && !c.answered {
		c.answered = true
		out.fact(metering.Fact{Kind: metering.CallerAnswered, Call: c.id, At: ev.At})
	}
	c.identify(ev.At, out)
	c.takeOver(ev.At, out)
	g.updateChoice(c, ev, out)
	g.updateQueue(c, ev, out)
	old, now := c.view, g.view(c, c.view.operator)
	if now == old {
		return
	}
	c.view = now
	end := c.endOf(old, ev.At)
	if old.state == metering.Talking {
		c.talked = end
	}
	switch {
	case now.state != metering.Talking:
		out.fact(c.paused(end, now))
	case old.state == metering.Talking: // one operator leaves, another is there: two stretches
		out.fact(c.paused(end, view{}))
		g.startTalk(c, out)
	default:
		g.startTalk(c, out)
	}
}

// endOf is the end of a state that an event at an instant ends: talk never ends before it started.
func (c *call) endOf(v view, at time.Time) time.Time {
	if v.state == metering.Talking {
		return latest(at, c.talk)
	}
	return at
}

// breaks are the events that can end talk.
var breaks = map[ari.Kind]bool{
	ari.ChannelHold: true, ari.ChannelEnteredBridge: true, ari.ChannelLeftBridge: true,
	ari.BridgeMerged: true, ari.BridgeDestroyed: true, ari.ChannelHangupRequest: true,
	ari.ChannelDestroyed: true,
}

// maxLate is how late an event about one channel may come after those about others and still count.
// Asterisk's own are late by up to 8 ms (measured). A timestamp further back comes from a clock
// that was set.
const maxLate = 2 * time.Second

// late reports whether the event may have ended a talk that is over already.
func (c *call) late(ev *ari.Event) bool {
	by := c.talked.Sub(ev.At)
	ends := breaks[ev.Kind] || ev.Variable == ari.VarFeature || ev.Music
	return ends && by > 0 && by <= maxLate
}

// retract subtracts what was counted too long of a talk that is over: after the event that ended it
// comes another, with an earlier timestamp, that could have ended it. Whether that one was on the
// path at the time is no longer known, so the caller is favoured.
func (c *call) retract(ev *ari.Event, out *Result) {
	if c.late(ev) {
		c.talked = ev.At
		out.fact(metering.Fact{Kind: metering.TalkRetracted, Call: c.id, At: ev.At})
	}
}

func (c *call) paused(at time.Time, now view) metering.Fact {
	f := metering.Fact{
		Kind: metering.TalkPaused, Call: c.id, At: at, State: now.state, Operator: now.endpoint(),
	}
	if now.state == metering.Unseen {
		f.Why = now.why
	}
	return f
}

func (g *Graph) startTalk(c *call, out *Result) {
	g.leaveQueue(c, c.latest, out)
	c.talk = c.latest
	out.fact(metering.Fact{
		Kind: metering.TalkStarted, Call: c.id, At: c.talk, Operator: c.view.endpoint(), Queue: c.via,
	})
}

// closeCall ends the call. Its leg may live on for seconds, and opens no other call.
func (g *Graph) closeCall(c *call, at time.Time, by string, out *Result) {
	out.fact(metering.Fact{
		Kind: metering.CallEnded, Call: c.id, At: c.endOf(c.view, at), Why: by,
		Unseen: by == metering.EndedUnseen,
	})
	delete(g.calls, c.id)
	if c.caller != nil {
		c.caller.call, c.caller.done = nil, true
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
