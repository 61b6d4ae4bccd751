package mediation_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
)

// randomPBX sends anything a PBX can send: legs in every state, dials with and without numbers,
// features, merged bridges, gaps, unreadable frames. It is consistent, and nothing else.
type randomPBX struct {
	t        *rapid.T
	rules    mediation.Rules
	mediator *mediation.Mediator
	out      mediation.Output
	legs     []*randomLeg
	bridges  map[string]*ari.Bridge
	now      time.Time
	made     int
	log      strings.Builder
}

type randomLeg struct {
	ari.Channel
	in      string // the bridge that it is in
	holding bool
	caller  bool
	called  bool // back, by the PBX
	ended   bool
}

func (l *randomLeg) local() bool { return strings.HasPrefix(l.Name, "Local/") }

var randomBridges = []string{"b1", "b2", "holding1"}

func newRandomPBX(t *rapid.T) *randomPBX {
	rules := modelRules(t)
	rules.NumberKind = numberKind
	p := &randomPBX{
		t: t, rules: rules, mediator: mediation.New(rules), now: dawn, bridges: map[string]*ari.Bridge{},
	}
	for _, id := range randomBridges {
		p.bridges[id] = &ari.Bridge{ID: ari.BridgeID(id), Type: "mixing"}
	}
	p.bridges["holding1"].Type = "holding"
	p.create("Ring", true, "PJSIP/trunk-%08x")
	p.create("Down", false, "PJSIP/agent1-%08x")
	return p
}

// send feeds one event, some time after the last.
func (p *randomPBX) send(ev ari.Event) {
	p.now = p.now.Add(time.Duration(rapid.IntRange(1, 2000).Draw(p.t, "ms later")) * time.Millisecond)
	ev.At, ev.Node = p.now, "pbx"
	p.note("%s %s %s", ev.Kind, ev.Channel.ID, ev.Bridge.ID)
	p.mediator.Feed(ari.Frame{Raw: aritest.Frame(ev)}, &p.out)
}

// note adds a line to the log that a failure shows.
func (p *randomPBX) note(format string, args ...any) {
	fmt.Fprintf(&p.log, "%7.3f ", p.now.Sub(dawn).Seconds())
	fmt.Fprintf(&p.log, format+"\n", args...)
}

// pick chooses a leg; nil where there is none.
func (p *randomPBX) pick(ok func(*randomLeg) bool) *randomLeg {
	var found []*randomLeg
	for _, l := range p.legs {
		if ok(l) {
			found = append(found, l)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return rapid.SampledFrom(found).Draw(p.t, "leg")
}

const maxRandomLegs = 8

// create makes legs of one number, such as the two halves of a Local channel, and returns the first.
func (p *randomPBX) create(state string, caller bool, names ...string) *randomLeg {
	if len(p.legs)+len(names) > maxRandomLegs {
		return nil
	}
	p.made++
	for i, name := range names {
		l := &randomLeg{caller: caller, Channel: ari.Channel{
			ID:   ari.ChannelID(fmt.Sprintf("leg%d%c", p.made, 'a'+rune(i))),
			Name: fmt.Sprintf(name, p.made), State: state, Context: "agents", Exten: "s",
		}}
		if caller {
			l.Context, l.Exten, l.App = "from-trunk", "1001", "Dial"
			if rapid.Bool().Draw(p.t, "gives a number") {
				l.Caller = metering.NewNumber("+390612345678")
			}
		}
		p.legs = append(p.legs, l)
		p.send(ari.Event{Kind: ari.ChannelCreated, Channel: l.Channel})
	}
	return p.legs[len(p.legs)-len(names)]
}

func (p *randomPBX) enter(l *randomLeg, bridge string) {
	b := p.bridges[bridge]
	p.place(l, bridge)
	p.send(ari.Event{Kind: ari.ChannelEnteredBridge, Channel: l.Channel, Bridge: *b})
}

// place moves a leg without an event: into a bridge, or nowhere for "".
func (p *randomPBX) place(l *randomLeg, bridge string) {
	if b := p.bridges[l.in]; b != nil {
		b.Channels = slices.DeleteFunc(slices.Clone(b.Channels), func(id ari.ChannelID) bool {
			return id == l.ID
		})
	}
	l.in = bridge
	if b := p.bridges[bridge]; b != nil {
		b.Channels = append(slices.Clone(b.Channels), l.ID)
	}
}

func (p *randomPBX) leave(l *randomLeg) {
	if l.in == "" {
		return
	}
	b := p.bridges[l.in]
	p.place(l, "")
	p.send(ari.Event{Kind: ari.ChannelLeftBridge, Channel: l.Channel, Bridge: *b})
}

func (p *randomPBX) destroy(l *randomLeg) {
	p.leave(l)
	p.send(ari.Event{Kind: ari.ChannelDestroyed, Channel: l.Channel})
	p.legs = slices.DeleteFunc(p.legs, func(have *randomLeg) bool { return have == l })
}

// snapshot is what a snapshot of the PBX shows.
func (p *randomPBX) snapshot() *ari.Snapshot {
	s := &ari.Snapshot{At: p.now, Node: "pbx"}
	for _, l := range p.legs {
		hold := map[bool]ari.Hold{true: ari.HoldOn, false: ari.HoldOff}[l.holding]
		s.Legs = append(s.Legs, ari.Leg{
			Channel: l.Channel, Hold: hold, Done: l.ended, Incoming: l.caller, Dialled: l.called,
		})
	}
	for _, id := range randomBridges {
		s.Bridges = append(s.Bridges, *p.bridges[id])
	}
	return s
}

// gap loses the PBX for a second, in which one leg may move unseen.
func (p *randomPBX) gap(reason string) {
	p.note("gap %s", reason)
	lost := ari.Event{Kind: ari.Gap, Node: "pbx", Reason: reason}
	p.mediator.Feed(ari.Frame{Event: &lost}, &p.out)
	for _, l := range p.legs {
		if l.in == "" && !l.ended && rapid.Bool().Draw(p.t, "moves unseen") {
			p.place(l, "b1")
			break
		}
	}
	p.now = p.now.Add(time.Second)
	found := ari.Event{Kind: ari.SnapshotTaken, At: p.now, Node: "pbx", Snapshot: p.snapshot()}
	p.mediator.Feed(ari.Frame{Event: &found}, &p.out)
}

// changeOperators has the next run start under another list of operators.
func (p *randomPBX) changeOperators() {
	list := rapid.SampledFrom([]string{"PJSIP/agent*", "PJSIP/out*", "PJSIP/[ao]*"}).Draw(p.t, "operators")
	operators, err := mediation.NewGlobs(list)
	if err != nil {
		p.t.Fatal(err)
	}
	p.rules.Operators = operators
}

// crash starts the gateway anew from the evidence of the open calls.
func (p *randomPBX) crash() {
	p.note("crash")
	p.changeOperators()
	next := mediation.New(p.rules)
	for _, call := range p.openCalls() {
		next.Adopt(p.replay(call), call)
	}
	next.SetWatermark(p.mediator.Watermark())
	p.mediator = next
	p.gap(ari.GapRestart)
}

// restart starts the gateway anew from a checkpoint, while the PBX queues its events.
func (p *randomPBX) restart() {
	p.note("restart")
	p.changeOperators()
	next := mediation.New(p.rules)
	saved := ari.EncodeEvidence(ari.Event{
		Kind: ari.SnapshotTaken, At: p.now, Node: "pbx", Snapshot: p.mediator.Snapshot(),
	})
	known, err := ari.DecodeEvidence(saved)
	if err != nil {
		p.t.Fatal(err)
	}
	for i := range known.Snapshot.Legs { // as the gateway does, for calls that have their record
		leg := &known.Snapshot.Legs[i]
		leg.Done = slices.ContainsFunc(p.out.Records, func(r metering.Record) bool {
			return r.Call == metering.CallID(leg.Channel.ID)
		})
	}
	next.Load(known.Snapshot, p.mediator.Watermark())
	for _, call := range p.openCalls() {
		if !next.Reattach(p.replay(call), call) {
			p.t.Fatalf("call %s does not fit the checkpoint %s\n%s", call, saved, p.log.String())
		}
	}
	p.mediator = next
}

// openCalls are the open calls in the order of arrival.
func (p *randomPBX) openCalls() (open []metering.CallID) {
	for _, opened := range p.out.Opened {
		if p.mediator.Call(opened.Call) != nil {
			open = append(open, opened.Call)
		}
	}
	return open
}

func (p *randomPBX) replay(call metering.CallID) *mediation.Mediator {
	m, _, err := mediation.Replay(evidenceOf(&p.out, call))
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.log.String())
	}
	return m
}
