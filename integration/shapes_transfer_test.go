//go:build live

package integration

import (
	"regexp"

	"github.com/risposta/gateway/integration/lab"
)

// Transfers, by keys and by REFER, and other ways in which a caller gets another operator.
var transferShapes = []shape{
	{service: service{name: "dtmf-blind-transfer", dialplan: "Progress(); Queue(a14,t)",
		agents: []string{"op117", "op118"}, queues: queue("a14", "", "PJSIP/op117")},
		play: func(p *people) {
			p.operator("op117",
				lab.Called(half).Pause(second).Keys("#1").Pause(half).Keys("318").WaitBye())
			p.operator("op118", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(9 * second).Bye()))
		}},
	{service: service{name: "dtmf-attended-transfer", dialplan: "Progress(); Queue(a15,t)",
		agents: []string{"op119", "op120"}, queues: queue("a15", "", "PJSIP/op119")},
		play: func(p *people) {
			p.operator("op119",
				lab.Called(half).Pause(second).Keys("*2").Pause(half).Keys("320").
					Pause(6*second).Bye())
			p.operator("op120", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(14 * second).Bye()))
		}},
	{service: service{name: "dtmf-blonde-transfer", dialplan: "Progress(); Queue(a16,t)",
		agents: []string{"op121", "op122"}, queues: queue("a16", "", "PJSIP/op121")},
		play: func(p *people) {
			p.operator("op121",
				lab.Called(half).Pause(second).Keys("*2").Pause(half).Keys("322").
					Pause(4*second).Bye())
			p.operator("op122", lab.Called(5*second).WaitBye())
			p.over(p.caller(lab.Calls().Pause(15 * second).Bye()))
		}},
	{service: service{name: "outside-number", dialplan: "Progress(); Queue(a17,t)",
		agents: []string{"op123", "outside1"}, queues: queue("a17", "", "PJSIP/op123")},
		play: func(p *people) {
			p.operator("op123",
				lab.Called(half).Pause(second).Keys("#1").Pause(half).Keys("900").WaitBye())
			p.operator("outside1", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(9 * second).Bye()))
		}},
	{service: service{name: "parked", dialplan: "Progress(); Queue(a18,t)",
		agents: []string{"op127", "op128"}, queues: queue("a18", "", "PJSIP/op127")},
		play: func(p *people) {
			p.operator("op127",
				lab.Called(half).Pause(second).Keys("#1").Pause(half).Keys("700").WaitBye())
			caller := p.caller(lab.Calls().WaitBye())
			p.until("parking show default", `Space\s+:\s+701`)
			p.over(p.dials("op128", "701", lab.Calls().Pause(2*second).Bye()), caller)
		}},
	{service: service{name: "redirected-by-console", dialplan: "Progress(); Queue(a21)",
		agents: []string{"op133", "op134"},
		queues: queue("a21", "", "PJSIP/op133")},
		play: func(p *people) {
			p.operator("op133", lab.Called(half).WaitBye())
			p.operator("op134", lab.Called(half).WaitBye())
			caller := p.caller(lab.Calls().Pause(6 * second).Bye())
			p.until("core show channels concise", `PJSIP/op133-[0-9a-f]+![^\n]*!Up!`)
			out, err := p.h.pbx.Console(p.h.ctx, "core show channels concise")
			if err != nil {
				p.Fatal(err)
			}
			// The caller's channel is the one that runs Queue(a21).
			m := regexp.MustCompile(`(?m)^(PJSIP/trunk-[0-9a-f]+)![^\n]*!Queue!a21`).
				FindStringSubmatch(out)
			if m == nil {
				p.Fatalf("no caller in a21: %s", out)
			}
			if _, err := p.h.pbx.Console(p.h.ctx,
				"channel redirect "+m[1]+" agents,334,1"); err != nil {
				p.Fatal(err)
			}
			p.over(caller)
		}},
	{service: service{name: "refer-to-operator", dialplan: "Progress(); Queue(a27)",
		agents: []string{"op139", "op140"}, queues: queue("a27", "", "PJSIP/op139")},
		play: func(p *people) {
			p.operator("op139", lab.Called(half).Pause(second).Refer("340"))
			p.operator("op140", lab.Called(second).WaitBye())
			p.over(p.caller(lab.Calls().Pause(5 * second).Bye()))
		}},
	{service: service{name: "refer-outside", dialplan: "Progress(); Queue(a28)",
		agents: []string{"op141", "outside2"}, queues: queue("a28", "", "PJSIP/op141")},
		play: func(p *people) {
			p.operator("op141", lab.Called(half).Pause(second).Refer("901"))
			p.operator("outside2", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(4 * second).Bye()))
		}},
	{service: service{name: "dtmf-to-queue", dialplan: "Progress(); Queue(a29,t)",
		agents: []string{"op142", "op143"},
		queues: queue("a29", "", "PJSIP/op142") + queue("a30", "", "PJSIP/op143")},
		play: func(p *people) {
			p.operator("op142",
				lab.Called(half).Pause(second).Keys("#1").Pause(half).Keys("850").WaitBye())
			p.operator("op143", lab.Called(second).WaitBye())
			p.over(p.caller(lab.Calls().Pause(9 * second).Bye()))
		}},
	{service: service{name: "refer-attended", dialplan: "Progress(); Queue(a31)",
		agents: []string{"op144", "op145"}, queues: queue("a31", "", "PJSIP/op144")},
		play: func(p *people) {
			p.operator("op144",
				lab.Called(half).Pause(second).Hold().Consult("345").Pause(second).
					ReferToConsulted("345"))
			p.operator("op145", lab.Called(second).WaitBye())
			p.over(p.caller(lab.Calls().Pause(8 * second).Bye()))
		}},
	{service: service{name: "dtmf-transfer-refused", dialplan: "Progress(); Queue(a33,t)",
		agents: []string{"op149", "op150"}, queues: queue("a33", "", "PJSIP/op149")},
		play: func(p *people) {
			p.operator("op149",
				lab.Called(half).Pause(second).Keys("*2").Pause(half).Keys("350").WaitBye())
			p.operator("op150", lab.Ringing().Refuse("486 Busy Here", ""))
			p.over(p.caller(lab.Calls().Pause(12 * second).Bye()))
		}},
	{service: service{name: "dtmf-swap", dialplan: "Progress(); Queue(a34,t)",
		agents: []string{"op151", "op152"}, queues: queue("a34", "", "PJSIP/op151")},
		play: func(p *people) {
			p.operator("op151",
				lab.Called(half).Pause(second).Keys("*2").Pause(half).Keys("352").Pause(4*second).
					Keys("*4").Pause(2*second).Keys("*4").Pause(2*second).Keys("*4").
					Pause(2*second).Bye())
			p.operator("op152", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(20 * second).Bye()))
		}},
	{service: service{name: "three-way", dialplan: "Progress(); Queue(a32,t)",
		agents: []string{"op146", "op147"}, queues: queue("a32", "", "PJSIP/op146")},
		play: func(p *people) {
			p.operator("op146",
				lab.Called(half).Pause(second).Keys("*2").Pause(half).Keys("347").
					Pause(5*second).Keys("*3").Pause(3*second).Bye())
			p.operator("op147", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(15 * second).Bye()))
		}},
}
