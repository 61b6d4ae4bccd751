package talkpath

import (
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// maxPairs bounds the Local channels between a caller and a service: more than a dialplan has that
// does not dial itself.
const maxPairs = 16

// mayOpenCall reports whether the leg can be a caller's: it called, it is not an operator's nor
// half of a Local channel, and has had no call before.
func (l *leg) mayOpenCall() bool {
	return l.call == nil && !l.done && !l.dialled && l.pair == nil && !l.operator && l.last.Name != ""
}

// findArrival opens the call of a caller who, by this event, has entered a metered service: with
// the own channel, or behind a Local channel that it dials.
func (g *Graph) findArrival(l *leg, ev *ari.Event, out *Result) {
	switch ev.Kind {
	case ari.ChannelCreated, ari.ChannelDialplan:
		g.enterService(l, ev, out)
	case ari.Dial: // the far half may be at the service already
		g.enterBehind(l, ev, out, maxPairs)
	default:
	}
}

// enterService opens a call where the dialplan position of a leg is a metered service.
func (g *Graph) enterService(l *leg, ev *ari.Event, out *Result) {
	caller := l.caller()
	if caller == nil || !caller.mayOpenCall() {
		return
	}
	if service, ok := g.rules.Service(l.positionOf(caller)); ok {
		g.arrive(caller, service, ev.Node, ev.At, out)
		return
	}
	g.noteUnmatched(caller, l)
}

// enterBehind does the same for the far half of a Local channel that is dialled, and for those that
// it dials in turn.
func (g *Graph) enterBehind(dialled *leg, ev *ari.Event, out *Result, depth int) {
	far := dialled.otherHalf()
	if far == nil || far.half != 2 || depth == 0 {
		return
	}
	g.enterService(far, ev, out)
	for _, next := range far.dials {
		g.enterBehind(next, ev, out, depth-1)
	}
}

// caller is the leg that has dialled its way to l through any number of Local channels; l itself
// where it is no half of one. It is nil where nobody is known to have dialled.
func (l *leg) caller() *leg {
	for range maxPairs {
		if l == nil || l.pair == nil {
			return l
		}
		dialled := l.otherHalf()
		if dialled == nil || l.half != 2 {
			return nil
		}
		l = dialled.dialler
	}
	return nil
}

// bridgedCaller is caller where a snapshot shows no dials: the leg in the bridge of the near half.
func (l *leg) bridgedCaller() *leg {
	if caller := l.caller(); caller != nil || l.half != 2 {
		return caller
	}
	near := l.otherHalf()
	if near == nil || !near.bridged() {
		return nil
	}
	for _, m := range near.bridge.members {
		if m.mayOpenCall() {
			return m
		}
	}
	return nil
}

// positionOf is the leg's place in the dialplan, as if the caller's own channel were there.
func (l *leg) positionOf(caller *leg) ari.Channel {
	c := l.last
	c.Name = caller.last.Name
	return c
}

// arrive opens the call of a caller's leg that has entered a metered service.
func (g *Graph) arrive(l *leg, service, node string, at time.Time, out *Result) *call {
	c := g.openCall(metering.CallID(l.id), l, at)
	l.identified = false // the arrival has the number
	out.fact(metering.Fact{
		Kind: metering.CallArrived, Call: c.id, At: at, Service: service, Node: node,
		Number: l.last.Caller, Endpoint: l.last.Endpoint(), DirectionUnknown: !l.incoming,
	})
	return c
}

// takeOver reports that the caller's leg came into its first bridge without ever having run the
// dialplan: it has taken the place of another leg, by INVITE with Replaces, in that leg's call.
func (c *call) takeOver(at time.Time, out *Result) {
	if c.bridged || !c.caller.bridged() {
		return
	}
	if c.bridged = true; c.caller.last.App == "" {
		out.fact(metering.Fact{Kind: metering.CallerTookOver, Call: c.id, At: at})
	}
}

// identify reports the caller's number where it comes after the call.
func (c *call) identify(at time.Time, out *Result) {
	if c.caller.identified {
		c.caller.identified = false
		out.fact(metering.Fact{
			Kind: metering.CallerIdentified, Call: c.id, At: at, Number: c.caller.last.Caller,
			Endpoint: c.caller.last.Endpoint(),
		})
	}
}
