package talkpath

import (
	"slices"
	"strings"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// doubts are states of a leg that no hold shows. What passes a leg in one of them is not talk.
type doubts struct {
	inApp      bool // a feature key runs an application on it, in its bridge
	silent     bool // no packet comes from it
	holdHidden bool // nothing tells whether its phone holds
	music      bool // an application plays music to its bridge

	home     string    // the application that the leg runs but for the feature's
	appSince time.Time // when the feature's application began
}

// appSettle is how long after its beginning a feature's application may not show yet as the one
// that the channel runs (measured: within 60 ms).
const appSettle = 500 * time.Millisecond

// isPJSIP reports whether Asterisk can be asked about the leg's phone: about PJSIP alone.
func (l *leg) isPJSIP() bool { return strings.HasPrefix(l.last.Name, "PJSIP/") }

// bridged reports whether the leg is in a mixing bridge.
func (l *leg) bridged() bool { return l.bridge != nil && l.bridge.mixing }

// startApp notes that an application runs on the leg while it stays in its bridge.
func (l *leg) startApp(home string, at time.Time) {
	if l.inApp || !l.bridged() {
		return
	}
	l.inApp, l.home, l.appSince = true, home, at
}

// followApp notes from the application that an event of the leg shows, before the leg takes the
// event in, whether a feature's application begins or is over.
func (l *leg) followApp(ev *ari.Event) {
	app := ev.Channel.App
	switch {
	case l.inApp:
		if app == l.home && ev.At.Sub(l.appSince) >= appSettle {
			l.inApp = false
		}
	case ev.Kind == ari.ChannelDialplan && app != l.last.App:
		l.startApp(l.last.App, ev.At)
	}
}

// setVariable follows the variables that count.
func (l *leg) setVariable(ev *ari.Event) {
	switch ev.Variable {
	case ari.VarFeature:
		l.startApp(ev.Channel.App, ev.At)
	case ari.VarGosubEnds:
		// Asterisk does not put the old application back: from here on the leg shows this one.
		if l.inApp && ev.Channel.App == "Return" {
			l.inApp, l.home = false, "Return"
		}
	case ari.VarBridgePeer:
		l.music = ev.Music
	}
}

// leaveDoubts forgets what held for the bridge that the leg leaves.
func (l *leg) leaveDoubts() { l.inApp, l.music = false, false }

// obstacle is what keeps the leg from talking or listening: a hold, or with a reason of a gap that
// it is not known whether it does either.
func (l *leg) obstacle() obstacle {
	switch {
	case l.feature != ari.NoFeatureHold || l.hold == ari.HoldOn || l.music:
		return obstacle{hold: ari.HoldOn}
	case l.inApp:
		return obstacle{ari.HoldUnknown, ari.GapApplication}
	case l.silent:
		return obstacle{ari.HoldUnknown, ari.GapNoMedia}
	case l.hold == ari.HoldUnknown || l.holdHidden:
		return obstacle{ari.HoldUnknown, ari.GapHold}
	}
	return obstacle{hold: ari.HoldOff}
}

// obstacle is what keeps a path from being talk.
type obstacle struct {
	hold ari.Hold
	why  string // of HoldUnknown
}

// and is the obstacle of a path with both: a known hold is a hold, whatever else is not known.
func (o obstacle) and(p obstacle) obstacle {
	switch {
	case o.hold == ari.HoldOn || p.hold == ari.HoldOn:
		return obstacle{hold: ari.HoldOn}
	case o.hold == ari.HoldUnknown:
		return o
	}
	return p
}

// carryDoubts takes over, from a leg as it was before a gap, what no list of the PBX shows. An
// application that began in the gap shows by its name alone.
func (l *leg) carryDoubts(old *leg) {
	d := old.doubts
	if !d.inApp && old.bridged() && l.last.App != old.last.App {
		d.inApp, d.home, d.appSince = true, old.last.App, old.lastEvent
	}
	if !l.bridged() {
		d.inApp, d.music = false, false
	}
	l.doubts = d
}

// showDoubts puts the doubts into a leg of a snapshot.
func (d *doubts) showDoubts(s *ari.Leg) {
	for doubt, has := range map[ari.Doubt]bool{
		ari.DoubtApplication: d.inApp, ari.DoubtNoMedia: d.silent,
		ari.DoubtHoldHidden: d.holdHidden, ari.DoubtMusic: d.music,
	} {
		if has {
			s.Doubts = append(s.Doubts, doubt)
		}
	}
	slices.Sort(s.Doubts)
	if d.inApp {
		s.HomeApp, s.AppSince = d.home, d.appSince
	}
}

// setDoubts takes over the doubts of a leg in a snapshot.
func (d *doubts) setDoubts(s *ari.Leg) {
	d.inApp = slices.Contains(s.Doubts, ari.DoubtApplication)
	d.home, d.appSince = s.HomeApp, s.AppSince
	d.silent = slices.Contains(s.Doubts, ari.DoubtNoMedia)
	d.holdHidden = slices.Contains(s.Doubts, ari.DoubtHoldHidden)
	d.music = slices.Contains(s.Doubts, ari.DoubtMusic)
}

// whyUnproven is why talk before a finding was none.
var whyUnproven = map[ari.FindingKind]string{
	ari.FoundHold: ari.GapHold, ari.FoundHoldUnknown: ari.GapHold, ari.FoundNoMedia: ari.GapNoMedia,
	ari.FoundTimeout: ari.GapRTPTimeout, ari.FoundMusic: ari.GapMusic,
}

// apply changes the leg as a finding says.
func (l *leg) apply(kind ari.FindingKind) {
	switch kind {
	case ari.FoundHold:
		l.hold = ari.HoldOn
	case ari.FoundNoHold:
		l.hold, l.holdHidden = ari.HoldOff, false
	case ari.FoundHoldUnknown:
		l.holdHidden = true
	case ari.FoundNoMedia, ari.FoundTimeout:
		l.silent = true
	case ari.FoundMedia:
		l.silent = false
	case ari.FoundAppEnded:
		l.inApp = false
	case ari.FoundMusic, ari.FoundHeld: // they concern the past alone
	}
}

// stepFindings takes in what was found about legs and conferences.
func (g *Graph) stepFindings(ev *ari.Event, found *ari.Findings, out *Result) {
	var named []*leg
	for _, f := range found.Legs {
		if l := g.legs[f.Channel]; l != nil {
			l.apply(f.Kind)
			named = append(named, l)
		}
	}
	for _, f := range found.Conferences {
		if b := g.bridges[f.Bridge]; b != nil && f.Active != nil {
			b.active = f.Active
			named = append(named, b.members...)
		}
	}
	for _, c := range g.callsOf(named) {
		c.noteInstant(ev.At)
		share := g.findingsShare(c, found)
		out.Shares = append(out.Shares, EvidenceShare{Call: c.id, Event: &ari.Event{
			Kind: ari.Probed, At: ev.At, Node: ev.Node, Findings: share,
		}})
		for _, f := range share.Legs {
			g.takeBack(c, f, out)
		}
		g.update(c, ev, out)
	}
}

// callsOf are the open calls that are connected with some legs, in the order of their arrival.
func (g *Graph) callsOf(legs []*leg) (calls []*call) {
	for _, l := range g.connected(legs...) {
		if l.call != nil && !slices.Contains(calls, l.call) {
			calls = append(calls, l.call)
		}
	}
	slices.SortFunc(calls, byOrder)
	return calls
}

// findingsShare is a call's share of what was found.
func (g *Graph) findingsShare(c *call, found *ari.Findings) *ari.Findings {
	connected := g.connected(c.caller)
	has := func(id ari.ChannelID) bool {
		return slices.ContainsFunc(connected, func(l *leg) bool { return l.id == id })
	}
	share := &ari.Findings{}
	for _, f := range found.Legs {
		if has(f.Channel) {
			share.Legs = append(share.Legs, f)
		}
	}
	for _, f := range found.Conferences {
		b := g.bridges[f.Bridge]
		if b != nil && slices.ContainsFunc(b.members, func(l *leg) bool { return has(l.id) }) {
			share.Conferences = append(share.Conferences, f)
		}
	}
	return share
}

// takeBack takes back the talk that a finding shows to have been none: with the operator of the leg,
// or where the leg is the caller's or joins others, with any.
func (g *Graph) takeBack(c *call, f ari.Finding, out *Result) {
	fact := metering.Fact{
		Kind: metering.TalkUnproven, Call: c.id, At: c.latest, Since: f.Since, Why: whyUnproven[f.Kind],
	}
	if f.Kind == ari.FoundHeld {
		fact.Kind = metering.TalkHeld
	}
	talking := c.view.state == metering.Talking
	concerns := fact.Kind == metering.TalkHeld || fact.Why != ""
	if f.Since.IsZero() || !concerns || !talking && !c.talked.After(f.Since) {
		return
	}
	if l := g.legs[f.Channel]; l != c.caller && c.operator(l.last.Endpoint()) {
		fact.Operator = l.last.Endpoint()
	}
	if talking && (fact.Operator == "" || fact.Operator == c.view.endpoint()) {
		c.talk = latest(c.talk, c.latest)
	}
	out.fact(fact)
}
