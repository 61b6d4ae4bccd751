//go:build live

package integration

import (
	"github.com/risposta/gateway/integration/lab"
)

// Holds, by the caller, by the operator, by both.
var holdShapes = []shape{
	{service: service{name: "hold-by-caller", dialplan: "Progress(); Queue(a10)",
		agents: []string{"op113"}, queues: queue("a10", "", "PJSIP/op113")},
		play: func(p *people) {
			p.operator("op113", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(second).Hold().
				Pause(second).Unhold().Pause(second).Bye()))
		}},
	{service: service{name: "hold-by-both", dialplan: "Progress(); Queue(a11)",
		agents: []string{"op114"}, queues: queue("a11", "", "PJSIP/op114")},
		play: func(p *people) {
			p.operator("op114",
				lab.Called(half).Pause(second).Hold().Pause(2*second).Unhold().WaitBye())
			p.over(p.caller(lab.Calls().Pause(2 * second).Hold().
				Pause(2 * second).Unhold().Pause(second).Bye()))
		}},
	{service: service{name: "held-at-hangup", dialplan: "Progress(); Queue(a12)",
		agents: []string{"op115"}, queues: queue("a12", "", "PJSIP/op115")},
		play: func(p *people) {
			p.operator("op115", lab.Called(half).Pause(second).Hold().WaitBye())
			p.over(p.caller(lab.Calls().Pause(3 * second).Bye()))
		}},
	{service: service{name: "hold-by-operator", dialplan: "Progress(); Queue(a25)",
		agents: []string{"op137"}, queues: queue("a25", "", "PJSIP/op137")},
		play: func(p *people) {
			p.operator("op137",
				lab.Called(half).Pause(second).Hold().Pause(second).Unhold().WaitBye())
			p.over(p.caller(lab.Calls().Pause(3 * second).Bye()))
		}},
	{service: service{name: "hold-nested", dialplan: "Progress(); Queue(a26)",
		agents: []string{"op138"}, queues: queue("a26", "", "PJSIP/op138")},
		play: func(p *people) {
			p.operator("op138",
				lab.Called(half).Pause(second).Hold().Pause(3*second).Unhold().WaitBye())
			p.over(p.caller(lab.Calls().Pause(2 * second).Hold().
				Pause(second).Unhold().Pause(2 * second).Bye()))
		}},
}
