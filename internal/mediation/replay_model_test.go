package mediation_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
)

// actions are what can happen on the PBX. An action that does not apply does nothing.
func (p *randomPBX) actions() map[string]func(*rapid.T) {
	actions := map[string]func(){
		"a caller arrives":        func() { p.create("Ring", true, "PJSIP/trunk-%08x") },
		"an operator is called":   func() { p.create("Down", false, "PJSIP/agent1-%08x") },
		"a stranger is called":    func() { p.create("Down", false, "PJSIP/out-%08x") },
		"a caller is called back": p.callBack,
		"a leg is replaced":       p.replace,
		"a service behind Local":  p.dialServiceBehindLocal,
		"a number comes late":     p.numberComes,
		"a Local pair is made":    p.createPair,
		"answer":                  p.answer,
		"enter or leave":          p.enterOrLeave,
		"move without an event":   p.moveSilently,
		"hold or unhold":          p.holdOrUnhold,
		"hold by a feature":       p.holdByFeature,
		"a bridge is set up":      p.setUpBridge,
		"dial":                    p.dial,
		"an application":          p.application,
		"blind transfer":          p.blindTransfer,
		"merge the bridges":       p.mergeBridges,
		"destroy a bridge":        p.destroyBridge,
		"hang up":                 p.hangUp,
		"a frame is unreadable":   p.unreadable,
		"the connection is lost":  func() { p.gap(ari.GapConnection) },
		"the gateway crashes":     p.crash,
		"the gateway restarts":    p.restart,
	}
	repeat := map[string]func(*rapid.T){}
	for name, act := range actions {
		repeat[name] = func(t *rapid.T) { p.t = t; act() }
	}
	return repeat
}

func (p *randomPBX) createPair() {
	p.create("Down", false, "Local/x@agents-%08x;1", "Local/x@agents-%08x;2")
}

func (p *randomPBX) answer() {
	if l := p.pick(func(l *randomLeg) bool { return !l.Up() }); l != nil {
		l.State = "Up"
		p.send(ari.Event{Kind: ari.ChannelStateChange, Channel: l.Channel})
	}
}

func (p *randomPBX) enterOrLeave() {
	l := p.pick(func(l *randomLeg) bool { return !l.ended })
	switch {
	case l == nil:
	case l.in != "":
		p.leave(l)
	default:
		p.enter(l, rapid.SampledFrom(randomBridges).Draw(p.t, "bridge"))
	}
}

// moveSilently moves a leg into the bridge that another enters: only the list shows it.
func (p *randomPBX) moveSilently() {
	moved := p.pick(func(l *randomLeg) bool { return l.in == "b1" })
	entering := p.pick(func(l *randomLeg) bool { return l.in == "" && !l.ended })
	if moved != nil && entering != nil {
		p.place(moved, "b2")
		p.enter(entering, "b2")
	}
}

func (p *randomPBX) holdOrUnhold() {
	if l := p.pick(func(l *randomLeg) bool { return l.Up() && !l.local() }); l != nil {
		l.holding = !l.holding
		kind := map[bool]ari.Kind{true: ari.ChannelHold, false: ari.ChannelUnhold}[l.holding]
		p.send(ari.Event{Kind: kind, Channel: l.Channel})
	}
}

// setUpBridge has a bridge set up anew, as after holds, at once or late, and for other reasons.
func (p *randomPBX) setUpBridge() {
	l := p.pick(func(l *randomLeg) bool { return l.in != "" })
	if l == nil {
		return
	}
	music := rapid.IntRange(0, 9).Draw(p.t, "an application's music") == 0
	in := l.in
	for _, m := range p.legs {
		if m.in == in {
			p.send(ari.Event{
				Kind: ari.ChannelVarset, Variable: ari.VarBridgePeer, Music: music, Channel: m.Channel,
			})
		}
	}
}

func (p *randomPBX) holdByFeature() {
	l := p.pick(func(l *randomLeg) bool { return l.Up() && l.in != "" && !l.local() })
	if l != nil {
		p.send(ari.Event{Kind: ari.ChannelHold, Feature: true, Channel: l.Channel})
	}
}

// application has a feature key's application begin on a leg, or end.
func (p *randomPBX) application() {
	l := p.pick(func(l *randomLeg) bool { return l.Up() && l.in != "" && !l.local() })
	switch {
	case l == nil:
	case l.App == "":
		l.App = "Playback"
		p.send(ari.Event{Kind: ari.ChannelVarset, Variable: ari.VarFeature, Channel: l.Channel})
	default:
		l.App = ""
		p.send(ari.Event{Kind: ari.ChannelDialplan, Channel: l.Channel})
	}
}

var dialledNumbers = []string{
	"899123456@trunk", "0612345678@trunk", "3331234567@trunk", "4791234567890123@trunk",
	"06xxxxxx78@trunk",
}

func (p *randomPBX) dial() {
	from := p.pick(func(l *randomLeg) bool { return l.Up() || l.State == "Ring" })
	to := p.pick(func(l *randomLeg) bool { return !l.caller && !l.Up() && l != from })
	if from == nil || to == nil {
		return
	}
	dialled := "PJSIP/x"
	if strings.HasPrefix(to.Name, "PJSIP/out") {
		dialled = rapid.SampledFrom(dialledNumbers).Draw(p.t, "number")
	}
	status := rapid.SampledFrom([]string{"", "RINGING", "ANSWER", "CANCEL"}).Draw(p.t, "status")
	p.send(ari.Event{
		Kind: ari.Dial, Caller: from.Channel, Channel: to.Channel, Dialled: dialled, DialStatus: status,
	})
}

func (p *randomPBX) blindTransfer() {
	if l := p.pick(func(l *randomLeg) bool { return l.in != "" }); l != nil {
		number := rapid.SampledFrom([]string{"agent2", "1007", "900"}).Draw(p.t, "target")
		p.send(ari.Event{Kind: ari.BridgeBlindTransfer, Channel: l.Channel, Dialled: number})
	}
}

func (p *randomPBX) mergeBridges() {
	to, from := p.bridges["b1"], p.bridges["b2"]
	if len(to.Channels) == 0 || len(from.Channels) == 0 {
		return
	}
	p.send(ari.Event{Kind: ari.BridgeMerged, Bridge: *to, From: *from})
	for _, l := range p.legs {
		if l.in == "b2" {
			p.leave(l)
			p.enter(l, "b1")
		}
	}
}

// destroyBridge ends a bridge with all that are in it.
func (p *randomPBX) destroyBridge() {
	b := p.bridges[rapid.SampledFrom(randomBridges).Draw(p.t, "bridge")]
	for _, l := range p.legs {
		if l.in == string(b.ID) {
			p.place(l, "")
		}
	}
	p.send(ari.Event{Kind: ari.BridgeDestroyed, Bridge: *b})
}

func (p *randomPBX) hangUp() {
	l := p.pick(func(*randomLeg) bool { return true })
	switch {
	case l == nil:
	case l.caller && !l.ended:
		l.ended = true
		p.send(ari.Event{Kind: ari.ChannelHangupRequest, Channel: l.Channel})
		p.leave(l)
	default:
		p.destroy(l)
	}
}

func (p *randomPBX) unreadable() {
	if l := p.pick(func(*randomLeg) bool { return true }); l != nil {
		p.note("unreadable %s", l.ID)
		raw := `{"type":"ChannelHold","channel":{"id":"` + string(l.ID) + `"`
		p.mediator.Feed(ari.Frame{Raw: []byte(raw)}, &p.out)
	}
}

// evidenceOf are the frames of one call.
func evidenceOf(out *mediation.Output, call metering.CallID) (frames [][]byte) {
	for _, e := range out.Evidence {
		if e.Call == call {
			frames = append(frames, e.Frame)
		}
	}
	return frames
}

// followers replay the evidence of each call as it grows.
type followers struct {
	calls map[metering.CallID]mediation.Replayed
	seen  int // frames of evidence so far
}

func (f *followers) follow(p *randomPBX) {
	for _, e := range p.out.Evidence[f.seen:] {
		r, known := f.calls[e.Call]
		var err error
		if known {
			err = r.Next(e.Frame)
		} else {
			r, err = mediation.NewReplayed(e.Frame)
			f.calls[e.Call] = r
		}
		if err != nil {
			p.t.Fatalf("%v\n%s", err, p.log.String())
		}
	}
	f.seen = len(p.out.Evidence)
}

// Whatever a PBX sends, the evidence of an open call replays to the same state after each event:
// the same legs with the same relations, the same stretches, the same numbers. The evidence of an
// ended call replays to the same record.
func TestModelReplayedStateIsTheLiveState(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := newRandomPBX(t)
		f := followers{calls: map[metering.CallID]mediation.Replayed{}}
		actions := p.actions()
		actions[""] = func(t *rapid.T) { // after each action
			f.follow(p)
			for _, call := range p.openCalls() {
				replayed := f.calls[call].Mediator()
				fail := func(diff string) {
					frames := bytes.Join(evidenceOf(&p.out, call), []byte("\n"))
					t.Fatalf("%s: (-live +replayed)\n%s\n%s\n%s", call, diff, p.log.String(), frames)
				}
				if diff := cmp.Diff(p.mediator.Call(call), replayed.Call(call)); diff != "" {
					fail(diff)
				}
				live, again := evidenceForm(p.mediator, call), evidenceForm(replayed, call)
				if diff := cmp.Diff(live, again); diff != "" {
					fail(diff)
				}
			}
		}
		t.Repeat(actions)
		p.mediator.Finish(&p.out)
		f.follow(p)
		for _, r := range p.out.Records {
			again := f.calls[r.Call].Output().Records
			if len(again) != 1 || !bytes.Equal(again[0].JSON(), r.JSON()) {
				t.Fatalf("the evidence of %s gives\n%+v, want\n%s\n%s",
					r.Call, again, r.JSON(), p.log.String())
			}
		}
	})
}

// evidenceForm is what is connected with a call, as evidence shows it, but for the mark of a dial
// without a number: whether a leg needs that depends on the present list of operators, not on the
// call's.
func evidenceForm(m *mediation.Mediator, call metering.CallID) string {
	s := m.CallSnapshot(call)
	if s == nil {
		return ""
	}
	line := ari.EncodeEvidence(ari.Event{Kind: ari.LegSnapshot, Snapshot: s})
	return strings.NewReplacer("},{", "},\n{", `,"number_kind":"none"`, "").Replace(string(line))
}
