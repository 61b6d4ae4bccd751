//go:build live

package integration

import (
	"time"

	"github.com/risposta/gateway/integration/lab"
)

const (
	second = time.Second
	half   = 500 * time.Millisecond
	rings  = 2 * second
)

// The six shapes of the calls that were recorded first, and a caller who cancels.
var firstShapes = []shape{
	{service: service{name: "answered", dialplan: "Answer(); Wait(0.5); Queue(answered)",
		agents: []string{"op1"}, queues: queue("answered", "", "PJSIP/op1")},
		play: func(p *people) {
			p.operator("op1", lab.Called(rings).WaitBye())
			p.over(p.caller(lab.Calls().Pause(8 * second).Bye()))
		}},
	{service: service{name: "early-media", dialplan: "Progress(); Queue(early)",
		agents: []string{"op2"}, queues: queue("early", "", "PJSIP/op2")},
		play: func(p *people) {
			p.operator("op2", lab.Called(rings).WaitBye())
			p.over(p.caller(lab.Calls().Pause(6 * second).Bye()))
		}},
	{service: service{name: "local-member", dialplan: "Answer(); Wait(0.5); Queue(localq)",
		agents: []string{"op3"}, queues: queue("localq", "", "Local/op3@local-agents/n")},
		play: func(p *people) {
			p.operator("op3", lab.Called(rings).WaitBye())
			p.over(p.caller(lab.Calls().Pause(9 * second).Bye()))
		}},
	{service: service{name: "announced", dialplan: "Progress(); Queue(ann)",
		agents: []string{"op4"}, queues: queue("ann", "announce = vm-goodbye", "PJSIP/op4")},
		play: func(p *people) {
			p.operator("op4", lab.Called(rings).WaitBye())
			p.over(p.caller(lab.Calls().Pause(8 * second).Bye()))
		}},
	{service: service{name: "hold-transfer", dialplan: "Progress(); Queue(first)",
		agents: []string{"op5", "op6"},
		queues: queue("first", "", "PJSIP/op5") + queue("second", "", "PJSIP/op6")},
		with: []service{{name: "transfer-target", dialplan: "Queue(second)"}},
		play: func(p *people) {
			op5 := p.operator("op5", holdsAndTransfers(rings, numberOf(p.i+1)))
			p.operator("op6", lab.Called(rings).WaitBye())
			p.over(op5, p.caller(lab.Calls().Pause(13*second).Bye()))
		}},
	{service: service{name: "abandoned", dialplan: "Answer(); Wait(0.5); Queue(never)",
		agents: []string{"op7"}, queues: queue("never", "", "PJSIP/op7")}, free: true,
		play: func(p *people) {
			p.operator("op7", lab.Ringing().Cancelled())
			p.over(p.caller(lab.Calls().Pause(1700 * time.Millisecond).Bye()))
		}},
	{service: service{name: "abandoned-unanswered", dialplan: "Progress(); Queue(neverup)",
		agents: []string{"op8"}, queues: queue("neverup", "", "PJSIP/op8")}, free: true,
		play: func(p *people) {
			p.operator("op8", lab.Ringing().Cancelled())
			p.over(p.caller(lab.GivesUp(1200 * time.Millisecond)))
		}},
}

// holdsAndTransfers talks 2 s, holds 2 s, talks 1.5 s, transfers.
func holdsAndTransfers(rings time.Duration, target string) *lab.Script {
	return lab.Called(rings).Pause(2 * second).Hold().Pause(2 * second).Unhold().
		Pause(1500 * time.Millisecond).Refer(target)
}
