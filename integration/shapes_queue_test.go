//go:build live

package integration

import (
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// What happens in and around a queue until an operator talks.
var queueShapes = []shape{
	{service: service{name: "operator-leaves-announcement", dialplan: "Progress(); Queue(a1,,,,4)",
		agents: []string{"op101"},
		queues: queue("a1", "announce = vm-goodbye", "PJSIP/op101")}, free: true,
		play: func(p *people) {
			p.operator("op101", lab.Called(half).Pause(400*time.Millisecond).Bye())
			p.over(p.caller(lab.GivesUp(3 * second)))
		}},
	{service: service{name: "caller-leaves-announcement", dialplan: "Progress(); Queue(a2)",
		agents: []string{"op102"},
		queues: queue("a2", "announce = vm-goodbye", "PJSIP/op102")}, free: true,
		play: func(p *people) {
			p.operator("op102", lab.Called(half).WaitBye())
			p.over(p.caller(lab.GivesUp(900 * time.Millisecond)))
		}},
	{service: service{name: "no-answer-then-second", dialplan: "Progress(); Queue(a3)",
		agents: []string{"op103", "op104"},
		queues: queue("a3", "strategy = linear\ntimeout = 2", "PJSIP/op103", "PJSIP/op104")},
		play: func(p *people) {
			p.operator("op103", lab.Ringing().Cancelled())
			p.operator("op104", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(2 * second).Bye()))
		}},
	{service: service{name: "ringall", dialplan: "Progress(); Queue(a4)", agents: []string{"op105",
		"op106"},
		queues: queue("a4", "strategy = ringall", "PJSIP/op105", "PJSIP/op106")},
		play: func(p *people) {
			p.operator("op105", lab.Ringing().Cancelled())
			p.operator("op106", lab.Called(second).WaitBye())
			p.over(p.caller(lab.Calls().Pause(2 * second).Bye()))
		}},
	{service: service{name: "abandoned-before-ringing", dialplan: "Progress(); Queue(a5)",
		queues: queue("a5", "joinempty = yes")}, free: true,
		play: func(p *people) { p.over(p.caller(lab.GivesUp(second))) }},
	{service: service{name: "forwarded-302", dialplan: "Progress(); Queue(a6)",
		agents: []string{"op107", "op108"},
		queues: queue("a6", "", "PJSIP/op107")},
		play: func(p *people) {
			p.operator("op107", lab.Ringing().Refuse("302 Moved Temporarily",
				"Contact: <sip:308@[remote_ip]:[remote_port]>\n"))
			p.operator("op108", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(2 * second).Bye()))
		}},
	{service: service{name: "pickup", dialplan: "Progress(); Queue(a7)", agents: []string{"op109",
		"op110"},
		queues: queue("a7", "", "PJSIP/op109")},
		play: func(p *people) {
			p.operator("op109", lab.Ringing().Cancelled())
			caller := p.caller(lab.Calls().Pause(2 * second).Bye())
			p.until("core show channels concise", `PJSIP/op109-[0-9a-f]+![^\n]*!Ringing!`)
			p.over(p.dials("op110", "8109", lab.Calls().WaitBye()), caller)
		}},
	{service: service{name: "queue-times-out", dialplan: "Progress(); Queue(a19,,,,2); Hangup()",
		agents: []string{"op129"}, queues: queue("a19", "", "PJSIP/op129")}, free: true,
		play: func(p *people) {
			p.operator("op129", lab.Ringing().Cancelled())
			p.over(p.caller(lab.Unanswered()))
		}},
	{service: service{name: "member-delay", dialplan: "Progress(); Queue(a20)",
		agents: []string{"op130"},
		queues: queue("a20", "memberdelay = 2", "PJSIP/op130")},
		play: func(p *people) {
			p.operator("op130", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(4 * second).Bye()))
		}},
	{service: service{name: "local-optimised", dialplan: "Progress(); Queue(a8)",
		agents: []string{"op111"},
		queues: queue("a8", "", "Local/311@agents")},
		play: func(p *people) {
			p.operator("op111", lab.Called(second).Speaks().WaitBye())
			p.over(p.caller(lab.Calls().Speaks().Pause(3 * second).Bye()))
		}},
	{service: service{name: "local-answers-early", dialplan: "Progress(); Queue(a9)",
		agents: []string{"op112"},
		queues: queue("a9", "", "Local/early@early/n")},
		play: func(p *people) {
			p.operator("op112", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(5 * second).Bye()))
		}},
	{service: service{name: "operator-hangs-up",
		dialplan: "Progress(); Queue(a13); Playback(vm-goodbye,noanswer); Hangup()",
		agents:   []string{"op116"}, queues: queue("a13", "", "PJSIP/op116")},
		play: func(p *people) {
			p.operator("op116", lab.Called(half).Pause(2*second).Bye())
			p.over(p.caller(lab.Calls().WaitBye()))
		}},
	{service: service{name: "caller-announce", dialplan: "Progress(); Queue(a22)",
		agents: []string{"op135"},
		queues: queue("a22", "queue-callerannounce = vm-goodbye", "PJSIP/op135")},
		play: func(p *people) {
			p.operator("op135", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(5 * second).Bye()))
		}},
	{service: service{name: "two-services",
		dialplan: "Progress(); Queue(a23,,,,1); Goto(from-trunk,{next},1)", queues: queue("a23",
			"joinempty = yes")},
		with: []service{{name: "second-service", dialplan: "Queue(a24)", agents: []string{"op136"},
			queues: queue("a24", "", "PJSIP/op136")}},
		play: func(p *people) {
			p.operator("op136", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(2 * second).Bye()))
		}},
}
