package talkpath

import (
	"time"

	"github.com/risposta/gateway/ari"
)

// unhold takes in the end of a hold. Asterisk also reports one where a re-INVITE without an offer is
// answered, whatever the phone then does; so the phone's state is asked for. Talk from here on
// counts until an answer takes it back.
func (g *Graph) unhold(l *leg, ev *ari.Event, out *Result) {
	held := l.hold == ari.HoldOn // not by a feature of the bridge, whose end sets up no bridge
	l.unhold()
	if !l.isPJSIP() {
		return
	}
	if held && l.bridged() {
		l.musicEnd.holdEnds(ev.At)
		l.noteOthers(ev.At)
	}
	if g.live() && l.bridged() {
		g.serial++
		l.holdFrom, l.unheld, l.unanswered, l.foundHold = g.serial, ev.At, 0, false
		out.Requests = append(out.Requests, ari.ProbeRequest{
			Serial: g.serial, Channel: l.id, Name: l.last.Name, Hold: true,
		})
	}
}

// holdBegins takes in a hold of the phone.
func (g *Graph) holdBegins(l *leg, at time.Time) {
	l.hold = ari.HoldOn
	l.holdFrom, l.unheld, l.foundHold = g.serial+1, time.Time{}, false
	l.musicEnd.holdBegins(at)
	l.noteOthers(at)
}

// answerLimit is for how many heartbeats, one a second, talk counts after the end of a hold without
// the answer that confirms it.
const answerLimit = 5

// stepUnanswered takes back the talk after the end of a hold that no answer has confirmed in time.
func (g *Graph) stepUnanswered(ev *ari.Event, out *Result) {
	found := &ari.Findings{}
	for _, c := range g.openCalls() {
		for _, l := range []*leg{c.caller, c.view.operator} {
			if l == nil || l.unheld.IsZero() {
				continue
			}
			if l.unanswered++; l.unanswered < answerLimit {
				continue
			}
			found.Legs = append(found.Legs, ari.Finding{
				Channel: l.id, Kind: ari.FoundHoldUnknown, Since: l.unheld,
			})
			l.unheld = time.Time{}
		}
	}
	if !found.Empty() {
		g.stepFindings(ev, found, out)
	}
}

// answerHold takes in the answer whether the leg's phone holds the others.
func (l *leg) answerHold(a *ari.ProbeAnswer) (found ari.FindingKind, since time.Time) {
	if !a.Asked || a.Serial < l.holdFrom {
		return "", since
	}
	since, l.unheld = l.unheld, time.Time{}
	hidden := l.holdHidden && !l.hidesHolds()
	switch {
	case a.Hold == ari.HoldOff && (l.hold == ari.HoldUnknown || l.foundHold || hidden):
		l.foundHold = false
		return ari.FoundNoHold, time.Time{}
	case a.Hold == ari.HoldOn && l.hold != ari.HoldOn:
		l.foundHold = true
		return ari.FoundHold, since
	case a.Hold == ari.HoldUnknown && !since.IsZero():
		return ari.FoundHoldUnknown, since
	}
	return "", since
}

// hidesHolds reports whether the leg's endpoint never tells of a hold.
func (l *leg) hidesHolds() bool { return l.options != nil && l.options.HidesHolds }
