//go:build live

package integration

import (
	"regexp"

	"github.com/risposta/gateway/integration/lab"
)

// Transfers, by keys and by REFER, and everything else that gives a caller another operator.
var transferShapes = []shape{
	{service: service{name: "dtmf-blind-transfer", dialplan: "Progress(); Queue(a14,t)", agents: []string{"op117", "op118"}, queues: queue("a14", "", "PJSIP/op117")},
		play: func(c *cast) {
			c.operator("op117", lab.Called(half).Pause(second).Keys("#1").Pause(half).Keys("318").WaitBye())
			c.operator("op118", lab.Called(half).WaitBye())
			c.over(c.caller(lab.Calls().Pause(9 * second).Bye()))
		}},
	{service: service{name: "dtmf-attended-transfer", dialplan: "Progress(); Queue(a15,t)", agents: []string{"op119", "op120"}, queues: queue("a15", "", "PJSIP/op119")},
		play: func(c *cast) {
			c.operator("op119", lab.Called(half).Pause(second).Keys("*2").Pause(half).Keys("320").Pause(6*second).Bye())
			c.operator("op120", lab.Called(half).WaitBye())
			c.over(c.caller(lab.Calls().Pause(14 * second).Bye()))
		}},
	{service: service{name: "dtmf-blonde-transfer", dialplan: "Progress(); Queue(a16,t)", agents: []string{"op121", "op122"}, queues: queue("a16", "", "PJSIP/op121")},
		play: func(c *cast) {
			c.operator("op121", lab.Called(half).Pause(second).Keys("*2").Pause(half).Keys("322").Pause(4*second).Bye())
			c.operator("op122", lab.Called(5*second).WaitBye())
			c.over(c.caller(lab.Calls().Pause(15 * second).Bye()))
		}},
	{service: service{name: "outside-number", dialplan: "Progress(); Queue(a17,t)", agents: []string{"op123", "outside1"}, queues: queue("a17", "", "PJSIP/op123")},
		play: func(c *cast) {
			c.operator("op123", lab.Called(half).Pause(second).Keys("#1").Pause(half).Keys("900").WaitBye())
			c.operator("outside1", lab.Called(half).WaitBye())
			c.over(c.caller(lab.Calls().Pause(9 * second).Bye()))
		}},
	{service: service{name: "parked", dialplan: "Progress(); Queue(a18,t)", agents: []string{"op127", "op128"}, queues: queue("a18", "", "PJSIP/op127")},
		play: func(c *cast) {
			c.operator("op127", lab.Called(half).Pause(second).Keys("#1").Pause(half).Keys("700").WaitBye())
			caller := c.caller(lab.Calls().WaitBye())
			c.until("parking show default", `Space\s+:\s+701`)
			c.over(c.dials("op128", "701", lab.Calls().Pause(2*second).Bye()), caller)
		}},
	{service: service{name: "redirected-by-console", dialplan: "Progress(); Queue(a21)", agents: []string{"op133", "op134"},
		queues: queue("a21", "", "PJSIP/op133")},
		play: func(c *cast) {
			c.operator("op133", lab.Called(half).WaitBye())
			c.operator("op134", lab.Called(half).WaitBye())
			caller := c.caller(lab.Calls().Pause(6 * second).Bye())
			c.until("core show channels concise", `PJSIP/op133-[0-9a-f]+![^\n]*!Up!`)
			out, err := c.r.pbx.Console(c.r.ctx, "core show channels concise")
			if err != nil {
				c.Fatal(err)
			}
			// The caller's channel is the one that runs Queue(a21).
			m := regexp.MustCompile(`(?m)^(PJSIP/trunk-[0-9a-f]+)![^\n]*!Queue!a21`).FindStringSubmatch(out)
			if m == nil {
				c.Fatalf("no caller in a21: %s", out)
			}
			if _, err := c.r.pbx.Console(c.r.ctx, "channel redirect "+m[1]+" agents,334,1"); err != nil {
				c.Fatal(err)
			}
			c.over(caller)
		}},
	{service: service{name: "refer-to-operator", dialplan: "Progress(); Queue(a27)", agents: []string{"op139", "op140"}, queues: queue("a27", "", "PJSIP/op139")},
		play: func(c *cast) {
			c.operator("op139", lab.Called(half).Pause(second).Refer("340"))
			c.operator("op140", lab.Called(second).WaitBye())
			c.over(c.caller(lab.Calls().Pause(5 * second).Bye()))
		}},
	{service: service{name: "refer-outside", dialplan: "Progress(); Queue(a28)", agents: []string{"op141", "outside2"}, queues: queue("a28", "", "PJSIP/op141")},
		play: func(c *cast) {
			c.operator("op141", lab.Called(half).Pause(second).Refer("901"))
			c.operator("outside2", lab.Called(half).WaitBye())
			c.over(c.caller(lab.Calls().Pause(4 * second).Bye()))
		}},
	{service: service{name: "dtmf-to-queue", dialplan: "Progress(); Queue(a29,t)", agents: []string{"op142", "op143"},
		queues: queue("a29", "", "PJSIP/op142") + queue("a30", "", "PJSIP/op143")},
		play: func(c *cast) {
			c.operator("op142", lab.Called(half).Pause(second).Keys("#1").Pause(half).Keys("850").WaitBye())
			c.operator("op143", lab.Called(second).WaitBye())
			c.over(c.caller(lab.Calls().Pause(9 * second).Bye()))
		}},
	{service: service{name: "refer-attended", dialplan: "Progress(); Queue(a31)", agents: []string{"op144", "op145"}, queues: queue("a31", "", "PJSIP/op144")},
		play: func(c *cast) {
			c.operator("op144", lab.Called(half).Pause(second).Hold().Consult("345").Pause(second).ReferToConsulted("345"))
			c.operator("op145", lab.Called(second).WaitBye())
			c.over(c.caller(lab.Calls().Pause(8 * second).Bye()))
		}},
	{service: service{name: "dtmf-transfer-refused", dialplan: "Progress(); Queue(a33,t)", agents: []string{"op149", "op150"}, queues: queue("a33", "", "PJSIP/op149")},
		play: func(c *cast) {
			c.operator("op149", lab.Called(half).Pause(second).Keys("*2").Pause(half).Keys("350").WaitBye())
			c.operator("op150", lab.Ringing().Refuse("486 Busy Here", ""))
			c.over(c.caller(lab.Calls().Pause(12 * second).Bye()))
		}},
	{service: service{name: "dtmf-swap", dialplan: "Progress(); Queue(a34,t)", agents: []string{"op151", "op152"}, queues: queue("a34", "", "PJSIP/op151")},
		play: func(c *cast) {
			c.operator("op151", lab.Called(half).Pause(second).Keys("*2").Pause(half).Keys("352").Pause(4*second).
				Keys("*4").Pause(2*second).Keys("*4").Pause(2*second).Keys("*4").Pause(2*second).Bye())
			c.operator("op152", lab.Called(half).WaitBye())
			c.over(c.caller(lab.Calls().Pause(20 * second).Bye()))
		}},
	{service: service{name: "three-way", dialplan: "Progress(); Queue(a32,t)", agents: []string{"op146", "op147"}, queues: queue("a32", "", "PJSIP/op146")},
		play: func(c *cast) {
			c.operator("op146", lab.Called(half).Pause(second).Keys("*2").Pause(half).Keys("347").Pause(5*second).Keys("*3").Pause(3*second).Bye())
			c.operator("op147", lab.Called(half).WaitBye())
			c.over(c.caller(lab.Calls().Pause(15 * second).Bye()))
		}},
}
