package talkpath

import (
	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// view is what a caller has at an instant. The operator is set for Talking and Held.
type view struct {
	state    metering.State
	operator *leg
}

func (v view) endpoint() string {
	if v.operator == nil {
		return ""
	}
	return v.operator.last.Endpoint()
}

// rank orders what several operators on one path give: talking with one of them is talking.
var rank = map[metering.State]int{
	metering.Waiting: 0, metering.Held: 1, metering.Unseen: 2, metering.Talking: 3,
}

// view walks the path from the caller's leg. Among operators of equal rank it prefers the one who
// already talks with the caller, then the one nearest on the path.
func (g *Graph) view(c *call, current *leg) view {
	caller := c.caller
	best := view{state: metering.Waiting}
	if !caller.up || caller.bridge == nil || !caller.bridge.mixing {
		return best
	}
	g.stamp++
	type step struct {
		b    *bridge
		from *leg
		hold ari.Hold // the worst so far
	}
	caller.bridge.stamp = g.stamp
	steps := []step{{caller.bridge, caller, caller.holdState()}}
	for i := 0; i < len(steps); i++ {
		s := steps[i]
		for _, m := range s.b.members {
			if m == s.from || m == caller || !m.up {
				continue
			}
			hold := worse(s.hold, m.holdState())
			if o := m.otherHalf(); o != nil {
				if o.up && o.bridge != nil && o.bridge.mixing && o.bridge.stamp != g.stamp {
					o.bridge.stamp = g.stamp
					steps = append(steps, step{o.bridge, o, worse(hold, o.holdState())})
				}
				continue
			}
			if !c.operator(m.last.Endpoint()) {
				continue
			}
			v := view{state: stateByHold[hold], operator: m}
			better := rank[v.state] > rank[best.state]
			if better || rank[v.state] == rank[best.state] && m == current {
				best = v
			}
		}
	}
	return best
}

// stateByHold is the state of a caller whose path to an operator has such a hold.
var stateByHold = [...]metering.State{
	ari.HoldOff: metering.Talking, ari.HoldOn: metering.Held, ari.HoldUnknown: metering.Unseen,
}

// worse is the hold of a path with both: a known hold is a hold, whatever else is not known.
func worse(a, b ari.Hold) ari.Hold {
	switch {
	case a == ari.HoldOn || b == ari.HoldOn:
		return ari.HoldOn
	case a == ari.HoldUnknown || b == ari.HoldUnknown:
		return ari.HoldUnknown
	default:
		return ari.HoldOff
	}
}

// connected collects everything that is connected with the given legs: through mixing bridges,
// Local pairs and dials. It is wider than the path: it is what the evidence of a call is about.
func (g *Graph) connected(from ...*leg) []*leg {
	g.stamp++
	var found []*leg
	visit := func(l *leg) {
		if l != nil && l.stamp != g.stamp {
			l.stamp = g.stamp
			found = append(found, l)
		}
	}
	for _, l := range from {
		visit(l)
	}
	for i := 0; i < len(found); i++ {
		l := found[i]
		visit(l.otherHalf())
		visit(l.dialler)
		for _, d := range l.dials {
			visit(d)
		}
		if b := l.bridge; b != nil && b.mixing && b.stamp != g.stamp {
			b.stamp = g.stamp
			for _, m := range b.members {
				visit(m)
			}
		}
	}
	return found
}
