package talkpath

import (
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// call is an open call on a metered service.
type call struct {
	id       metering.CallID
	order    uint64
	caller   *leg      // nil while blind, and until the first snapshot after a restart
	latest   time.Time // the latest instant that its events have named
	view     view
	talk     time.Time       // when the present talk began
	queue    string          // where the caller waits, "" when in none
	via      string          // the queue of which the caller's Queue() still runs
	known    []ari.ChannelID // the legs that its evidence knows the state of
	answered bool
}

// sees moves the call's clock: timestamps step back, the caller wins.
func (c *call) sees(at time.Time) {
	if at.After(c.latest) {
		c.latest = at
	}
}

// meet notes whom the call's evidence knows from here on: who hangs together with the caller now. Whoever left may change out of sight of
// the evidence, and is introduced anew on coming back.
func (c *call) meet(party []*leg) {
	c.known = c.known[:0]
	for _, l := range party {
		c.known = append(c.known, l.id)
	}
}

// mayOpen tells whether the leg can be a caller's: it calls, it is no operator, no Local half, and had no call before.
func (l *leg) mayOpen() bool {
	return l.call == nil && !l.done && !l.dialled && l.pair == nil && !l.operator && l.last.Name != ""
}

// open makes the call of a caller's leg that has entered a metered service.
func (g *Graph) open(l *leg, service string, ev *ari.Event, out *Result) *call {
	c := g.add(metering.CallID(l.id), l, ev.At)
	out.fact(metering.Fact{
		Kind: metering.CallArrived, Call: c.id, At: ev.At, Service: service, Node: ev.Node, Number: l.last.Caller,
	})
	return c
}

func (g *Graph) add(id metering.CallID, l *leg, at time.Time) *call {
	g.order++
	c := &call{id: id, order: g.order, caller: l, latest: at, view: view{state: metering.Waiting}}
	g.calls[id] = c
	l.call = c
	return c
}

// update says what has changed for the call, now that the event has been taken in.
func (g *Graph) update(c *call, ev *ari.Event, out *Result) {
	if c.caller.up && !c.answered {
		c.answered = true
		out.fact(metering.Fact{Kind: metering.CallerAnswered, Call: c.id, At: ev.At})
	}
	g.updateQueue(c, ev, out)
	old, now := c.view, g.look(c.caller, c.view.operator)
	if now == old {
		return
	}
	c.view = now
	switch {
	case now.state != metering.Talking:
		out.fact(c.paused(c.ending(old, ev.At), now))
	case old.state == metering.Talking: // one operator leaves, another is there: two stretches
		out.fact(c.paused(c.ending(old, ev.At), view{}))
		g.startTalk(c, out)
	default:
		g.startTalk(c, out)
	}
}

// ending is when a state ends that an event of this instant ends: talk never ends before it began.
func (c *call) ending(v view, at time.Time) time.Time {
	if v.state == metering.Talking {
		return latest(at, c.talk)
	}
	return at
}

func (c *call) paused(at time.Time, now view) metering.Fact {
	f := metering.Fact{Kind: metering.TalkPaused, Call: c.id, At: at, State: now.state, Operator: now.endpoint()}
	if now.state == metering.Unseen {
		f.Why = ari.LostHold
	}
	return f
}

func (g *Graph) startTalk(c *call, out *Result) {
	g.leaveQueue(c, c.latest, out)
	c.talk = c.latest
	out.fact(metering.Fact{Kind: metering.TalkStarted, Call: c.id, At: c.talk, Operator: c.view.endpoint(), Queue: c.via})
}

func (v view) endpoint() string {
	if v.operator == nil {
		return ""
	}
	return v.operator.last.Endpoint()
}

// updateQueue reads from the dialplan of the caller's channel which queue the caller waits in. A caller in a bridge waits in none, whatever
// the dialplan says: during a transfer Asterisk shows the new extension while Queue() of the old one still runs.
func (g *Graph) updateQueue(c *call, ev *ari.Event, out *Result) {
	if ev.Kind != ari.ChannelDialplan || ev.Channel.ID != c.caller.id || c.caller.bridge != nil {
		return
	}
	name := ""
	if ev.Channel.App == "Queue" {
		name = firstArgument(ev.Channel.AppData)
	}
	g.leaveQueue(c, ev.At, out)
	c.queue, c.via = name, name
	if name != "" {
		out.fact(metering.Fact{Kind: metering.QueueJoined, Call: c.id, At: ev.At, Queue: name})
	}
}

func (g *Graph) leaveQueue(c *call, at time.Time, out *Result) {
	if c.queue != "" {
		out.fact(metering.Fact{Kind: metering.QueueLeft, Call: c.id, At: at, Queue: c.queue})
		c.queue = ""
	}
}

// close ends the call. Its leg may live on for seconds, and opens no other call.
func (g *Graph) close(c *call, at time.Time, by string, out *Result) {
	out.fact(metering.Fact{Kind: metering.CallEnded, Call: c.id, At: c.ending(c.view, at), Why: by, Unseen: by == metering.EndedUnseen})
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

// firstArgument is the queue's name in the arguments of Queue(name,options,...).
func firstArgument(args string) string {
	for i := 0; i < len(args); i++ {
		if args[i] == ',' {
			return args[:i]
		}
	}
	return args
}
