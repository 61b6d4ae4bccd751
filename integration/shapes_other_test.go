//go:build live

package integration

import (
	"github.com/risposta/gateway/integration/lab"
)

// Conferences, agent pools, machines, and applications that bridge calls in other ways.
var otherShapes = []shape{
	{service: service{name: "conference", dialplan: "Progress(); ConfBridge(room1)",
		agents: []string{"op124"}},
		play: func(p *people) {
			caller := p.caller(lab.Calls().Pause(14 * second).Bye())
			p.until("confbridge list room1", "PJSIP/trunk")
			// both hear announcements first
			p.over(p.dials("op124", "8800", lab.Calls().Pause(9*second).Bye()), caller)
		}},
	{service: service{name: "conference-alone", dialplan: "Progress(); ConfBridge(room2)"},
		free: true,
		play: func(p *people) { p.over(p.caller(lab.Calls().Pause(2 * second).Bye())) }},
	{service: service{name: "dial-macro-u", dialplan: "Progress(); Dial(PJSIP/op125,30,U(screen))",
		agents: []string{"op125"}},
		play: func(p *people) {
			p.operator("op125", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(4 * second).Bye()))
		}},
	{service: service{name: "dial-announce-a",
		dialplan: "Progress(); Dial(PJSIP/op126,30,A(vm-goodbye))", agents: []string{"op126"}},
		play: func(p *people) {
			p.operator("op126", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(4 * second).Bye()))
		}},
	{service: service{name: "voicemail",
		dialplan: "Progress(); Answer(); Playback(vm-intro); Record(/tmp/x%d.wav,1,2)"}, free: true,
		play: func(p *people) { p.over(p.caller(lab.Calls().Pause(3 * second).Bye())) }},
	{service: service{name: "bot", dialplan: "Progress(); Dial(PJSIP/bot1,30)",
		agents: []string{"bot1"}}, free: true,
		play: func(p *people) {
			p.operator("bot1", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(2 * second).Bye()))
		}},
	{service: service{name: "agent-pool", dialplan: "Progress(); AgentRequest(1131); Hangup()",
		agents: []string{"op131"}},
		play: func(p *people) {
			agent := p.dials("op131", "8131", lab.Calls().Pause(12*second).Bye())
			p.until("agent show all", `1131 [^\n]*\bNOT_INUSE\b`)
			p.over(p.caller(lab.Calls().Pause(3 * second).Bye()))
			p.over(agent)
		}},
	{service: service{name: "agent-pool-ack", dialplan: "Progress(); AgentRequest(1132); Hangup()",
		agents: []string{"op132"}},
		play: func(p *people) {
			agent := p.dials("op132", "8132",
				lab.Calls().Pause(7*second).Keys("#").Pause(8*second).Bye())
			p.until("agent show all", `1132 [^\n]*\bNOT_INUSE\b`)
			p.over(p.caller(lab.Calls().Pause(5 * second).Bye()))
			p.over(agent)
		}},
	{service: service{name: "two-callers",
		dialplan: "Progress(); Answer(); Set(GLOBAL(waiting)=${CHANNEL}); Wait(30)"}, free: true,
		with: []service{{name: "second-caller",
			dialplan: "Progress(); Answer(); Bridge(${waiting})"}},
		play: func(p *people) {
			first := p.caller(lab.Calls().WaitBye())
			p.until("dialplan show globals", `waiting=PJSIP/trunk-`)
			other := p.h.caller(p.T, p.i+1, lab.Calls().Pause(2*second).Bye())
			p.over(other, first)
			if rec := p.h.record(p.T, "second-caller"); rec.TalkMs != 0 ||
				rec.Charge.Amount != "0.00" {
				p.Errorf("the second caller: talk %d ms, charged %s; only callers talked",
					rec.TalkMs, rec.Charge.Amount)
			}
		}},
	{service: service{name: "other-application", dialplan: "Progress(); Stasis(other)",
		agents: []string{"op148"}},
		play: func(p *people) {
			p.operator("op148", lab.Called(half).WaitBye())
			app, err := lab.StartApp(p.h.ctx, p.h.pbx.URL(), "other")
			if err != nil {
				p.Fatal(err)
			}
			p.Cleanup(app.Stop)
			caller := p.caller(lab.Calls().Pause(4 * second).Bye())
			if err := app.Connect(p.h.ctx, "PJSIP/op148"); err != nil {
				p.Fatal(err)
			}
			p.over(caller)
			if err := app.HangUp(p.h.ctx); err != nil {
				p.Error(err)
			}
		}},
}
