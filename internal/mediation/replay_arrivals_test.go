package mediation_test

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// callBack has the PBX call a customer, who then comes to the service.
func (p *randomPBX) callBack() {
	l := p.create("Down", false, "PJSIP/trunk-%08x")
	if l == nil {
		return
	}
	l.called, l.State = true, "Up"
	l.Context, l.Exten, l.App = "from-trunk", "1001", "Queue"
	p.send(ari.Event{Kind: ari.ChannelDialplan, Channel: l.Channel})
}

// replace puts a new leg into the place of a caller's, as INVITE with Replaces does.
func (p *randomPBX) replace() {
	old := p.pick(func(l *randomLeg) bool { return l.caller && l.in == "b1" && !l.ended })
	if old == nil {
		return
	}
	l := p.create("Ring", true, "PJSIP/trunk-%08x")
	if l == nil {
		return
	}
	l.State, l.App = "Up", ""
	p.leave(old)
	p.enter(l, "b1")
	old.ended = true
	p.send(ari.Event{Kind: ari.ChannelHangupRequest, Channel: old.Channel, Soft: true})
}

// dialServiceBehindLocal has a caller reach the service through a Local channel.
func (p *randomPBX) dialServiceBehindLocal() {
	if len(p.legs)+3 > maxRandomLegs {
		return
	}
	caller := p.create("Ring", false, "PJSIP/trunk-%08x")
	caller.App = "Dial"
	one := p.create("Down", false, "Local/1001@from-trunk-%08x;1", "Local/1001@from-trunk-%08x;2")
	two := p.legs[len(p.legs)-1]
	two.State, two.Context, two.Exten = "Ring", "from-trunk", "1001"
	two.App, two.AppData = "Queue", "support"
	steps := []ari.Event{
		{Kind: ari.Dial, Caller: caller.Channel, Channel: one.Channel, Dialled: "1001@from-trunk/n"},
		{Kind: ari.ChannelDialplan, Channel: two.Channel},
	}
	if rapid.Bool().Draw(p.t, "the far half first") {
		slices.Reverse(steps)
	}
	for _, ev := range steps {
		p.send(ev)
	}
}

// numberComes gives a caller a number that was withheld so far.
func (p *randomPBX) numberComes() {
	if l := p.pick(func(l *randomLeg) bool { return l.caller && !l.ended }); l != nil {
		l.Caller = metering.NewNumber("+390612345678")
		p.send(ari.Event{Kind: ari.ChannelCallerID, Channel: l.Channel})
	}
}
