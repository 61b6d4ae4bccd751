package mediation_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
)

// randomPBX is a PBX that says anything a PBX can: legs in every state, dials with and without
// numbers, bridge features, merged bridges, gaps. Nothing is true of it but that it is consistent.
type randomPBX struct {
	r        *rapid.T
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
	in     string // the bridge that it is in
	held   bool
	caller bool
	ended  bool
}

func newRandomPBX(t *rapid.T) *randomPBX {
	operators, err := mediation.NewGlobs("PJSIP/agent*")
	if err != nil {
		t.Fatal(err)
	}
	return &randomPBX{
		r: t, bridges: map[string]*ari.Bridge{"b1": {ID: "b1", Type: "mixing"}, "b2": {ID: "b2", Type: "mixing"}}, now: dawn,
		mediator: mediation.New(mediation.Rules{
			Service:    func(c ari.Channel) (string, bool) { return "help", c.Context == "from-trunk" && c.Exten == "1001" },
			Operators:  operators,
			Terms:      func(string, time.Time) metering.Terms { return metering.Terms{} },
			Pseudonym:  func(metering.Number) string { return "" },
			NumberKind: func(dialled string) string { return string(italy.Kind(dialled)) },
		}),
	}
}

// say feeds one event, some time after the last.
func (p *randomPBX) say(ev ari.Event) {
	p.now = p.now.Add(time.Duration(rapid.IntRange(1, 2000).Draw(p.r, "ms later")) * time.Millisecond)
	ev.At, ev.Node = p.now, "pbx"
	fmt.Fprintf(&p.log, "%7.3f %s %s %s\n", p.now.Sub(dawn).Seconds(), ev.Kind, ev.Channel.ID, ev.Bridge.ID)
	p.mediator.Feed(ari.Frame{Raw: frame(ev)}, &p.out)
}

// pick chooses a leg; the action does not apply where there is none.
func (p *randomPBX) pick(ok func(*randomLeg) bool) *randomLeg {
	var found []*randomLeg
	for _, l := range p.legs {
		if ok(l) {
			found = append(found, l)
		}
	}
	if len(found) == 0 {
		p.r.Skip("no such leg")
	}
	return rapid.SampledFrom(found).Draw(p.r, "leg")
}

const maxRandomLegs = 8

// create makes legs of one number, such as the two halves of a Local channel.
func (p *randomPBX) create(state string, caller bool, names ...string) {
	if len(p.legs)+len(names) > maxRandomLegs {
		p.r.Skip("enough legs")
	}
	p.made++
	for i, name := range names {
		id := ari.ChannelID(fmt.Sprintf("leg%d%c", p.made, 'a'+rune(i)))
		p.add(ari.Channel{ID: id, Name: fmt.Sprintf(name, p.made), State: state, Context: "agents", Exten: "s"}, caller)
	}
}

func (p *randomPBX) add(c ari.Channel, caller bool) {
	l := &randomLeg{Channel: c, caller: caller}
	if caller {
		l.Context, l.Exten = "from-trunk", "1001"
	}
	p.legs = append(p.legs, l)
	p.say(ari.Event{Kind: ari.ChannelCreated, Channel: l.Channel})
}

func (p *randomPBX) leave(l *randomLeg) {
	if l.in == "" {
		return
	}
	b := p.bridges[l.in]
	var left []ari.ChannelID
	for _, id := range b.Channels {
		if id != l.ID {
			left = append(left, id)
		}
	}
	b.Channels, l.in = left, ""
	p.say(ari.Event{Kind: ari.ChannelLeftBridge, Channel: l.Channel, Bridge: *b})
}

func (p *randomPBX) enter(l *randomLeg, bridge string) {
	b := p.bridges[bridge]
	b.Channels = append(b.Channels[:len(b.Channels):len(b.Channels)], l.ID)
	l.in = bridge
	p.say(ari.Event{Kind: ari.ChannelEnteredBridge, Channel: l.Channel, Bridge: *b})
}

func (p *randomPBX) destroy(l *randomLeg) {
	p.leave(l)
	p.say(ari.Event{Kind: ari.ChannelDestroyed, Channel: l.Channel})
	for i := range p.legs {
		if p.legs[i] == l {
			p.legs = append(p.legs[:i:i], p.legs[i+1:]...)
			return
		}
	}
}

func local(l *randomLeg) bool { return strings.HasPrefix(l.Name, "Local/") }

// actions are what can happen, by the words of telephony.
func (p *randomPBX) actions() map[string]func(*rapid.T) {
	do := func(f func()) func(*rapid.T) {
		return func(t *rapid.T) { p.r = t; f() }
	}
	return map[string]func(*rapid.T){
		"a caller arrives":         do(func() { p.create("Ring", true, "PJSIP/trunk-%08x") }),
		"an operator is called":    do(func() { p.create("Down", false, "PJSIP/agent1-%08x") }),
		"an outside leg is called": do(func() { p.create("Down", false, "PJSIP/out-%08x") }),
		"a Local pair is made": do(func() {
			p.create("Down", false, "Local/x@agents-%08x;1", "Local/x@agents-%08x;2")
		}),
		"answer": do(func() {
			l := p.pick(func(l *randomLeg) bool { return !l.Up() })
			l.State = "Up"
			p.say(ari.Event{Kind: ari.ChannelStateChange, Channel: l.Channel})
		}),
		"enter or leave a bridge": do(func() {
			l := p.pick(func(l *randomLeg) bool { return !l.ended })
			if l.in != "" {
				p.leave(l)
				return
			}
			p.enter(l, rapid.SampledFrom([]string{"b1", "b2"}).Draw(p.r, "bridge"))
		}),
		"hold or unhold": do(func() {
			l := p.pick(func(l *randomLeg) bool { return l.Up() && !local(l) })
			l.held = !l.held
			kind := map[bool]ari.Kind{true: ari.ChannelHold, false: ari.ChannelUnhold}[l.held]
			p.say(ari.Event{Kind: kind, Channel: l.Channel})
		}),
		"hold by a feature": do(func() {
			l := p.pick(func(l *randomLeg) bool { return l.Up() && l.in != "" && !local(l) })
			p.say(ari.Event{Kind: ari.ChannelHold, Feature: true, Channel: l.Channel})
		}),
		"dial": do(func() {
			from := p.pick(func(l *randomLeg) bool { return l.Up() || l.State == "Ring" })
			to := p.pick(func(l *randomLeg) bool { return !l.caller && !l.Up() && l != from })
			dialled := "PJSIP/x"
			if strings.HasPrefix(to.Name, "PJSIP/out") {
				numbers := []string{"899123456@trunk", "0612345678@trunk", "3331234567@trunk"}
				dialled = rapid.SampledFrom(numbers).Draw(p.r, "number")
			}
			status := rapid.SampledFrom([]string{"", "RINGING", "ANSWER", "CANCEL"}).Draw(p.r, "status")
			p.say(ari.Event{Kind: ari.Dial, Caller: from.Channel, Channel: to.Channel, Dialled: dialled, DialStatus: status})
		}),
		"merge the bridges": do(func() {
			to, from := p.bridges["b1"], p.bridges["b2"]
			if len(to.Channels) == 0 || len(from.Channels) == 0 {
				p.r.Skip("an empty bridge")
			}
			p.say(ari.Event{Kind: ari.BridgeMerged, Bridge: *to, From: *from})
			for _, l := range p.legs {
				if l.in == "b2" {
					p.leave(l)
					p.enter(l, "b1")
				}
			}
		}),
		"hang up": do(func() {
			l := p.pick(func(*randomLeg) bool { return true })
			if !l.caller || l.ended {
				p.destroy(l)
				return
			}
			l.ended = true
			p.say(ari.Event{Kind: ari.ChannelHangupRequest, Channel: l.Channel})
			p.leave(l)
		}),
		"a gap": do(p.gap),
	}
}

// gap loses the PBX for a second, in which one leg may move unseen.
func (p *randomPBX) gap() {
	p.log.WriteString("        gap\n")
	p.mediator.Feed(ari.Frame{Event: &ari.Event{Kind: ari.Gap, Node: "pbx", Reason: ari.GapConnection}}, &p.out)
	for _, l := range p.legs {
		if l.in == "" && !l.ended && rapid.Bool().Draw(p.r, "moves unseen") {
			b := p.bridges["b1"]
			b.Channels = append(b.Channels[:len(b.Channels):len(b.Channels)], l.ID)
			l.in = "b1"
			break
		}
	}
	p.now = p.now.Add(time.Second)
	s := &ari.Snapshot{At: p.now, Node: "pbx"}
	for _, l := range p.legs {
		hold := map[bool]ari.Hold{true: ari.HoldOn, false: ari.HoldOff}[l.held]
		s.Legs = append(s.Legs, ari.Leg{Channel: l.Channel, Hold: hold, Done: l.ended})
	}
	s.Bridges = []ari.Bridge{*p.bridges["b1"], *p.bridges["b2"]}
	ev := ari.Event{Kind: ari.SnapshotTaken, At: p.now, Node: "pbx", Snapshot: s}
	p.mediator.Feed(ari.Frame{Event: &ev}, &p.out)
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

// Whatever a PBX says, each record replays from its evidence to the same bytes, and an open call to
// the same state: the same stretches, the same numbers reached.
func TestModelAnyEventsReplayToTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newRandomPBX(t)
		p.create("Ring", true, "PJSIP/trunk-%08x")
		p.create("Down", false, "PJSIP/agent1-%08x")
		actions := p.actions()
		actions[""] = func(t *rapid.T) { // after each action
			for _, l := range p.legs {
				live := p.mediator.Call(metering.CallID(l.ID))
				if live == nil {
					continue
				}
				frames := evidenceOf(&p.out, live.ID)
				again, _, err := mediation.Replay(frames)
				if err != nil || again.Call(live.ID) == nil {
					t.Fatalf("the evidence of open call %s gives none: %v\n%s", live.ID, err, p.log.String())
				}
				got, want := again.Call(live.ID), live
				if fmt.Sprint(got.Segments, got.Numbers, got.Queues) != fmt.Sprint(want.Segments, want.Numbers, want.Queues) {
					t.Fatalf("replayed, call %s has\n%v %v\nlive it has\n%v %v\n%s\n%s", live.ID,
						got.Segments, got.Numbers, want.Segments, want.Numbers, bytes.Join(frames, []byte("\n")), p.log.String())
				}
			}
		}
		t.Repeat(actions)
		p.mediator.Finish(&p.out)
		for _, r := range p.out.Records {
			frames := evidenceOf(&p.out, r.Call)
			_, again, err := mediation.Replay(frames)
			if err != nil || len(again.Records) != 1 {
				t.Fatalf("the evidence of %s gives %v and not one record\n%s", r.Call, err, p.log.String())
			}
			if got := again.Records[0].JSON(); !bytes.Equal(got, r.JSON()) {
				t.Fatalf("the evidence of %s gives\n%s, want\n%s\nfrom\n%s\n\n%s",
					r.Call, got, r.JSON(), bytes.Join(frames, []byte("\n")), p.log.String())
			}
		}
	})
}
