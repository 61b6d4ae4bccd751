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
	caller   *leg      // nil while disconnected, and until the first snapshot after a restart
	latest   time.Time // the latest instant that its events have named
	view     view
	talk     time.Time       // when the present talk began
	talked   time.Time       // when the last talk ended
	queue    string          // where the caller waits, "" when in none
	via      string          // the queue of which the caller's Queue() still runs
	numbers  []string        // the kinds of numbers that it is known to have been led to
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
func (g *Graph) meet(c *call, connected []*leg) {
	for _, id := range c.known {
		if l := g.legs[id]; l != nil {
			l.parted = c
		}
	}
	c.known = c.known[:0]
	for _, l := range connected {
		if l.parted == c {
			l.parted = nil
		}
		c.known = append(c.known, l.id)
		c.sees(l.seen)
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
	ending := c.ending(old, ev.At)
	if old.state == metering.Talking {
		c.talked = ending
	}
	switch {
	case now.state != metering.Talking:
		out.fact(c.paused(ending, now))
	case old.state == metering.Talking: // one operator leaves, another is there: two stretches
		out.fact(c.paused(ending, view{}))
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

// breaks are the events that can end talk.
var breaks = map[ari.Kind]bool{
	ari.ChannelHold: true, ari.ChannelEnteredBridge: true, ari.ChannelLeftBridge: true, ari.BridgeMerged: true,
	ari.BridgeDestroyed: true, ari.ChannelHangupRequest: true, ari.ChannelDestroyed: true,
}

// lateWord is how late a word about one channel may come after those about others and still count. Asterisk's own are late by up to 8 ms
// (measured); what lies further back comes from a clock that was set.
const lateWord = 2 * time.Second

// late tells that the event may have ended a talk that is over already.
func (c *call) late(ev *ari.Event) bool {
	by := c.talked.Sub(ev.At)
	return breaks[ev.Kind] && by > 0 && by <= lateWord
}

// retract takes back what a stretch of talk, now over, was counted too long: one event ended it, and then comes the word of another that had
// ended it before. Whether that one lay on the path then is not known any more, so the caller wins.
func (c *call) retract(ev *ari.Event, out *Result) {
	if c.late(ev) {
		c.talked = ev.At
		out.fact(metering.Fact{Kind: metering.TalkRetracted, Call: c.id, At: ev.At})
	}
}

func (c *call) paused(at time.Time, now view) metering.Fact {
	f := metering.Fact{Kind: metering.TalkPaused, Call: c.id, At: at, State: now.state, Operator: now.endpoint()}
	if now.state == metering.Unseen {
		f.Why = ari.GapHold
	}
	return f
}

func (g *Graph) startTalk(c *call, out *Result) {
	g.leaveQueue(c, c.latest, out)
	c.talk = c.latest
	out.fact(metering.Fact{Kind: metering.TalkStarted, Call: c.id, At: c.talk, Operator: c.view.endpoint(), Queue: c.via})
}

// reach notes a kind of number that the call was led to.
func (c *call) reach(kind string, at time.Time, out *Result) {
	if kind != "" && kind != numberNone && !slices.Contains(c.numbers, kind) {
		c.numbers = append(c.numbers, kind)
		out.fact(metering.Fact{Kind: metering.NumberReached, Call: c.id, At: at, Why: kind})
	}
}

func (v view) endpoint() string {
	if v.operator == nil {
		return ""
	}
	return v.operator.last.Endpoint()
}

// updateQueue reads from the dialplan of the caller's channel which queue the caller waits in. A caller in a bridge waits in none, whatever
// the dialplan says: during a transfer Asterisk shows the new extension while Queue() of the old one still runs. After a transfer by keys it tells
// nothing of the new Queue(), which shows first where the queue dials a member, and at the latest where one answers.
func (g *Graph) updateQueue(c *call, ev *ari.Event, out *Result) {
	shown := &ev.Channel
	if ev.Kind == ari.Dial {
		shown = &ev.Caller
	}
	if shown.ID != c.caller.id {
		return
	}
	name := ""
	if shown.App == "Queue" {
		name = firstArgument(shown.AppData)
	}
	switch ev.Kind {
	case ari.ChannelDialplan:
		if c.caller.bridge != nil {
			return
		}
	case ari.Dial:
		if c.caller.bridge != nil || name == "" || name == c.queue {
			return
		}
	case ari.ChannelEnteredBridge:
		if name == "" || name == c.via {
			return
		}
	default:
		return
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
