package mediation

import (
	"slices"

	"github.com/risposta/gateway/metering"
)

// SetRules puts other rules in force, between two frames: for the calls that arrive from here on. A
// call that has arrived keeps what its first frame of evidence has: terms and operators.
func (m *Mediator) SetRules(r Rules) {
	if !slices.Equal(m.rules.Operators.Patterns(), r.Operators.Patterns()) {
		m.former.add(m.rules.Operators, m)
	}
	m.rules = r
	m.graph.SetRules(r.ofGraph())
}

// former are operators of earlier rules, while calls are open that arrived under them: their phones
// are still no numbers of the outside world.
type former struct {
	operators []Globs
	calls     map[metering.CallID]bool
}

func (f *former) add(operators Globs, m *Mediator) {
	if len(m.digests) == 0 {
		return
	}
	f.operators = append(f.operators, operators)
	f.calls = map[metering.CallID]bool{}
	for call := range m.digests {
		f.calls[call] = true
	}
}

func (f *former) forget(call metering.CallID) {
	delete(f.calls, call)
	if len(f.calls) == 0 {
		f.operators = nil
	}
}

func (f *former) match(endpoint string) bool {
	return slices.ContainsFunc(f.operators, func(g Globs) bool { return g.Match(endpoint) })
}
