//go:build live

package integration

import (
	"github.com/risposta/gateway/integration/lab"
)

// Conferences, agent pools, machines, and applications that bridge calls in other ways.
var otherShapes = []shape{
	{service: service{name: "conference", dialplan: "Progress(); ConfBridge(room1)", agents: []string{"op124"}},
		play: func(c *cast) {
			caller := c.caller(lab.Calls().Pause(14 * second).Bye())
			c.until("confbridge list room1", "PJSIP/trunk")
			c.over(c.dials("op124", "8800", lab.Calls().Pause(9*second).Bye()), caller) // both hear announcements first
		}},
	{service: service{name: "conference-alone", dialplan: "Progress(); ConfBridge(room2)"}, free: true,
		play: func(c *cast) { c.over(c.caller(lab.Calls().Pause(2 * second).Bye())) }},
	{service: service{name: "dial-macro-u", dialplan: "Progress(); Dial(PJSIP/op125,30,U(screen))", agents: []string{"op125"}},
		play: func(c *cast) {
			c.operator("op125", lab.Called(half).WaitBye())
			c.over(c.caller(lab.Calls().Pause(4 * second).Bye()))
		}},
	{service: service{name: "dial-announce-a", dialplan: "Progress(); Dial(PJSIP/op126,30,A(vm-goodbye))", agents: []string{"op126"}},
		play: func(c *cast) {
			c.operator("op126", lab.Called(half).WaitBye())
			c.over(c.caller(lab.Calls().Pause(4 * second).Bye()))
		}},
	{service: service{name: "voicemail", dialplan: "Progress(); Answer(); Playback(vm-intro); Record(/tmp/x%d.wav,1,2)"}, free: true,
		play: func(c *cast) { c.over(c.caller(lab.Calls().Pause(3 * second).Bye())) }},
	{service: service{name: "bot", dialplan: "Progress(); Dial(PJSIP/bot1,30)", agents: []string{"bot1"}}, free: true,
		play: func(c *cast) {
			c.operator("bot1", lab.Called(half).WaitBye())
			c.over(c.caller(lab.Calls().Pause(2 * second).Bye()))
		}},
	{service: service{name: "agent-pool", dialplan: "Progress(); AgentRequest(1131); Hangup()", agents: []string{"op131"}},
		play: func(c *cast) {
			agent := c.dials("op131", "8131", lab.Calls().Pause(12*second).Bye())
			c.until("agent show all", `1131 [^\n]*\bNOT_INUSE\b`)
			c.over(c.caller(lab.Calls().Pause(3 * second).Bye()))
			c.over(agent)
		}},
	{service: service{name: "agent-pool-ack", dialplan: "Progress(); AgentRequest(1132); Hangup()", agents: []string{"op132"}},
		play: func(c *cast) {
			agent := c.dials("op132", "8132", lab.Calls().Pause(7*second).Keys("#").Pause(8*second).Bye())
			c.until("agent show all", `1132 [^\n]*\bNOT_INUSE\b`)
			c.over(c.caller(lab.Calls().Pause(5 * second).Bye()))
			c.over(agent)
		}},
	{service: service{name: "two-callers", dialplan: "Progress(); Answer(); Set(GLOBAL(waiting)=${CHANNEL}); Wait(30)"}, free: true,
		with: []service{{name: "second-caller", dialplan: "Progress(); Answer(); Bridge(${waiting})"}},
		play: func(c *cast) {
			first := c.caller(lab.Calls().WaitBye())
			c.until("dialplan show globals", `waiting=PJSIP/trunk-`)
			other := c.r.caller(c.T, c.i+1, lab.Calls().Pause(2*second).Bye())
			c.over(other, first)
			if rec := c.r.record(c.T, "second-caller"); rec.TalkMs != 0 || rec.Charge.Amount != "0.00" {
				c.Errorf("the second caller: talk %d ms, charged %s; callers talked with each other", rec.TalkMs, rec.Charge.Amount)
			}
		}},
	{service: service{name: "other-application", dialplan: "Progress(); Stasis(other)", agents: []string{"op148"}},
		play: func(c *cast) {
			c.operator("op148", lab.Called(half).WaitBye())
			app, err := lab.StartApp(c.r.ctx, c.r.pbx.URL(), "other")
			if err != nil {
				c.Fatal(err)
			}
			c.Cleanup(app.Stop)
			caller := c.caller(lab.Calls().Pause(4 * second).Bye())
			if err := app.Connect(c.r.ctx, "PJSIP/op148"); err != nil {
				c.Fatal(err)
			}
			c.over(caller)
			if err := app.HangUp(c.r.ctx); err != nil {
				c.Error(err)
			}
		}},
}
