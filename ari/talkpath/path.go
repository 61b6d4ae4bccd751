package talkpath

import (
	"slices"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// view is what a caller has at an instant. The operator is set for Talking and Held, and why for
// Unseen where the PBX was seen.
type view struct {
	state    metering.State
	operator *leg
	why      string
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
		b        *bridge
		from     *leg
		obstacle obstacle // the worst so far
	}
	caller.bridge.stamp = g.stamp
	steps := []step{{caller.bridge, caller, caller.obstacle()}}
	for i := 0; i < len(steps); i++ {
		s := steps[i]
		if !s.b.hears(s.from) {
			continue
		}
		for _, m := range s.b.members {
			if m == s.from || m == caller || !m.up || !s.b.hears(m) {
				continue
			}
			path := s.obstacle.and(s.b.obstacle()).and(m.obstacle())
			if o := m.otherHalf(); o != nil {
				if o.up && o.bridge != nil && o.bridge.mixing && o.bridge.stamp != g.stamp {
					o.bridge.stamp = g.stamp
					steps = append(steps, step{o.bridge, o, path.and(o.obstacle())})
				}
				continue
			}
			if !c.operator(m.last.Endpoint()) {
				continue
			}
			v := view{state: stateByHold[path.hold], operator: m, why: path.why}
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

// hears reports whether a member hears and speaks, or may do so.
func (b *bridge) hears(l *leg) bool {
	return !b.conference || b.active == nil || slices.Contains(b.active, l.id)
}

// obstacle is what the bridge itself puts in the way: a conference of which it is not known who
// hears and speaks.
func (b *bridge) obstacle() obstacle {
	if b.conference && b.active == nil {
		return obstacle{ari.HoldUnknown, ari.GapConference}
	}
	return obstacle{hold: ari.HoldOff}
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
