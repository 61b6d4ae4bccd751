package mediation_test

import (
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
)

// homeApp is the application that every channel of a call center runs.
const homeApp = "Dial"

// The lists of operators under which a caller can arrive.
const (
	agentsAreOperators = iota
	botsAreOperators
)

// operatorLists are the patterns of each.
var operatorLists = [][]string{
	agentsAreOperators: {"PJSIP/agent*"},
	botsAreOperators:   {"PJSIP/agent*", "PJSIP/voicebot*"},
}

// dialled are numbers of the outside world, each with whether a service may lead a paying caller
// there, as the Italian plan has it.
var dialled = map[string]bool{
	"0612345678@trunk":                     true,  // Rome
	"PJSIP/trunk/sip:3331234567@192.0.2.1": true,  // a mobile telephone, dialled by contact
	"899123456@trunk":                      false, // premium
	"PJSIP/trunk/sip:89212345@192.0.2.1":   false,
	"4791234567890123@trunk":               false, // no number of the plan
	"06xxxxxx78@trunk":                     false, // masked: it may be any
}

// anyNumber are those of no known kind.
var anyNumber = map[string]bool{"4791234567890123@trunk": true, "06xxxxxx78@trunk": true}

// allDialled are the numbers in a fixed order.
var allDialled = []string{
	"0612345678@trunk", "PJSIP/trunk/sip:3331234567@192.0.2.1", "899123456@trunk",
	"PJSIP/trunk/sip:89212345@192.0.2.1", "4791234567890123@trunk", "06xxxxxx78@trunk",
}

// features are what can happen besides, some of it seldom.
func (w *callCenter) features() map[string]func() {
	return map[string]func(){
		"an ordinary number is dialled": func() { w.dial(allDialled[:2]) },
		"a premium number is dialled":   func() { w.dial(allDialled[2:4]) },
		"an unknown number is dialled":  func() { w.dial(allDialled[4:5]) },
		"a masked number is dialled":    func() { w.dial(allDialled[5:]) },
		"an application starts":         w.startApp,
		"an application ends":           w.endApp,
	}
}

// dial has a channel call a telephone of the outside world.
func (w *callCenter) dial(numbers []string) {
	from := w.pick(func(p *person) bool { return p.twin == nil && !p.outside && !p.ended })
	if from == nil {
		return
	}
	number := rapid.SampledFrom(numbers).Draw(w.t, "number")
	to := w.add(&person{outside: true}, "PJSIP/out-%08x")
	w.emit(ari.Dial, to, nil)
	ev := &w.events[len(w.events)-1]
	ev.Caller, ev.Dialled = from.shown(), number
	if dialled[number] {
		return
	}
	w.badNumbers = true
	switch {
	case !from.caller:
	case anyNumber[number]:
		to.refuses = from
	default:
		w.refused[from.id] = true
	}
}

// heard: more than ringing may have come from a telephone whose number may be any. A telephone that
// only rings costs nothing, as those do that a queue calls side by side.
func (w *callCenter) heard(p *person) {
	if p.refuses != nil && !p.refuses.ended {
		w.refused[p.refuses.id] = true
	}
}

// settles is how long an application is expected to run: while it starts, its channel may show the
// one before (measured: for 60 ms).
const settles = 500 * time.Millisecond

// startApp has a key of features.conf run an application on a channel that stays in its bridge. No
// event tells of its end.
func (w *callCenter) startApp() {
	p := w.pick(func(p *person) bool {
		return w.withApps() && p.twin == nil && !p.ended && p.at != nil && p.at.mixing && p.inApp.IsZero()
	})
	if p != nil {
		w.emit(ari.ChannelVarset, p, nil) // it still shows the application from before
		w.events[len(w.events)-1].Variable = ari.VarFeature
		p.inApp = w.now
	}
}

// withApps reports whether what is seen of applications suffices for the truth: an event about their
// begin must neither be lost nor late.
func (w *callCenter) withApps() bool { return !w.hectic && !w.appsHidden }

// endApp: the next event of the channel shows the application from before.
func (w *callCenter) endApp() {
	p := w.pick(func(p *person) bool { return !p.inApp.IsZero() && w.now.Sub(p.inApp) >= settles })
	if p != nil {
		p.inApp = time.Time{}
		w.emit(ari.ChannelDialplan, p, nil)
	}
}
