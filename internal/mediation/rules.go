package mediation

import (
	"cmp"
	"slices"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/talkpath"
	"github.com/risposta/gateway/metering"
)

// maxReplaced bounds the rules that are remembered: more reloads than anybody makes in one gap. The
// oldest are forgotten.
const maxReplaced = 16

// replaced are rules that others took the place of, while a gap may hide calls that arrived before.
type replaced struct {
	rules Rules
	until time.Time
}

// SetRules puts other rules in force, between two frames: for the calls that arrive from an instant
// of the PBX's clock on. A call that has arrived keeps what its first frame of evidence has: terms and
// operators. One that the end of a gap shows is taken to have arrived when its channel was made.
func (m *Mediator) SetRules(r Rules, at time.Time) {
	m.replaced = append(m.replaced, replaced{m.rules, at})
	m.replaced = m.replaced[max(0, len(m.replaced)-maxReplaced):]
	operators := map[metering.CallID]Globs{}
	for call := range m.digests {
		operators[call] = m.operatorsOf(call)
	}
	m.rules = r
	for call, of := range operators {
		m.keepOperators(call, of)
	}
	m.setGraphRules()
}

// keepOperators notes whose phones are operators' to a call, where the present rules have others.
func (m *Mediator) keepOperators(call metering.CallID, operators Globs) {
	if slices.Equal(operators.Patterns(), m.rules.Operators.Patterns()) {
		delete(m.former, call)
		return
	}
	m.former[call] = operators
}

// operatorsOf are the operators under whom a call arrived.
func (m *Mediator) operatorsOf(call metering.CallID) Globs {
	if former, ok := m.former[call]; ok {
		return former
	}
	return m.rules.Operators
}

// rulesAt are the rules that a call has which a snapshot shows and which arrived at an instant.
func (m *Mediator) rulesAt(at time.Time) Rules {
	for _, r := range m.replaced {
		if at.Before(r.until) {
			return r.rules
		}
	}
	return m.rules
}

// forgetReplaced drops the former rules once the PBX has been seen past their end: no gap can hide
// any more what arrived under them.
func (m *Mediator) forgetReplaced(ev ari.Event) {
	if n := len(m.replaced); n > 0 && !m.graph.Disconnected() && ev.At.After(m.replaced[n-1].until) {
		m.replaced = nil
		m.setGraphRules()
	}
}

// rulesFor are the rules of a call that an event shows.
func (m *Mediator) rulesFor(ev *ari.Event, arrived time.Time) Rules {
	if ev.Kind == ari.SnapshotTaken {
		return m.rulesAt(arrived)
	}
	return m.rules
}

func (m *Mediator) setGraphRules() {
	r := m.rules.ofGraph()
	if m.replaced != nil {
		r.At = func(at time.Time) talkpath.Rules { return m.rulesAt(at).ofGraph() }
	}
	m.graph.SetRules(r)
}

// unnamed stands for the endpoint of a channel without a name.
const unnamed = "?"

// classifyNumber sets the kind of the dialled number, and drops the number itself. An operator's
// phone is no number of the outside world to the calls whose operator it is.
func (m *Mediator) classifyNumber(ev *ari.Event) {
	dialled := ev.Dialled
	ev.Dialled = ""
	if dialled == "" || m.rules.NumberKind == nil {
		return
	}
	endpoint := ""
	ev.Phone = "PJSIP/" + dialled
	if ev.Kind == ari.Dial {
		endpoint = cmp.Or(ev.Channel.Endpoint(), unnamed)
		ev.Phone = endpoint
	}
	everybodys := m.rules.Operators.Match(ev.Phone)
	for _, former := range m.former {
		everybodys = everybodys && former.Match(ev.Phone)
	}
	if !everybodys {
		ev.NumberKind = m.rules.NumberKind(endpoint, dialled)
	}
}
