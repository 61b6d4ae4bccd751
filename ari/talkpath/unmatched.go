package talkpath

import (
	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// Unmatched is a call that has ended without ever having been on a metered service, although it
// came into a service's context or talked with an operator.
type Unmatched struct {
	Exten, Context string // where it first was in the dialplan. The extension may be a number
	Talked         bool   // with an operator
}

// unmatched is what is remembered of a caller's leg without a call.
type unmatched struct{ exten, context string }

// noteUnmatched notes that a caller's leg, or the Local half that it dialled, is in a service's
// context and on no service. It may yet come to one.
func (g *Graph) noteUnmatched(caller, at *leg) {
	known := g.rules.ServiceContext != nil && g.rules.ServiceContext(at.last.Context)
	if known && caller.incoming && caller.stray == (unmatched{}) {
		caller.stray = unmatched{at.last.Exten, at.last.Context}
	}
}

// noteStrayTalk notes which callers without a call talk with an operator, after an event that may
// have connected them.
func (g *Graph) noteStrayTalk(l *leg, ev *ari.Event) {
	if g.replayOf != nil || ev.Kind != ari.ChannelEnteredBridge && ev.Kind != ari.ChannelStateChange {
		return
	}
	for _, caller := range g.connected(l) {
		if caller.strayTalk || !caller.incoming || !caller.mayOpenCall() {
			continue
		}
		as := &call{caller: caller, operator: g.rules.Operator}
		if g.view(as, nil).state == metering.Talking {
			caller.strayTalk = true
			if caller.stray == (unmatched{}) {
				caller.stray = unmatched{caller.last.Exten, caller.last.Context}
			}
		}
	}
}

// reportUnmatched reports a caller's leg that ends without having had a call.
func (l *leg) reportUnmatched(out *Result) {
	if l.stray != (unmatched{}) && l.mayOpenCall() {
		out.Unmatched = append(out.Unmatched, Unmatched{
			Exten: l.stray.exten, Context: l.stray.context, Talked: l.strayTalk,
		})
	}
}
