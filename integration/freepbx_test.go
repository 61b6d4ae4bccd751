//go:build live

package integration

import (
	"os"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// A dialplan of FreePBX's shape: the trunk's context leads to a queue, a ring group or our custom
// destination; a queue answers first, unless Queue No Answer is on; its members are Local channels,
// which reach the phone through a subroutine that dials its contacts.
const freePBXDialplan = `
[ext-queues]
exten => _80X,1,Gosub(sub-user-callerid,s,1)
 same => n,Answer()
 same => n,Goto(queue,${EXTEN},1)
exten => _81X,1,Gosub(sub-user-callerid,s,1)
 same => n,Progress()
 same => n,Goto(queue,${EXTEN},1)
[queue]
exten => _8XX,1,Set(__FROMQUEUEEXTEN=${CALLERID(number)})
 same => n,Queue(f${EXTEN},tR,,,300)
 same => n,Hangup()
[sub-user-callerid]
exten => s,1,Set(AMPUSER=)
 same => n,Return()
[from-queue]
exten => _op2XX,1,Set(QAGENT=${EXTEN})
 same => n,Goto(from-internal,${EXTEN},1)
[from-internal]
exten => _op2XX,1,Gosub(sub-exten,s,1(${EXTEN}))
 same => n,Hangup()
include => parkedcalls
[sub-exten]
exten => s,1,Set(RingGroupMethod=none)
 same => n,Gosub(sub-dial-one,s,1(${ARG1}))
 same => n,Return()
[sub-dial-one]
exten => s,1,Set(DEVICES=${PJSIP_DIAL_CONTACTS(${ARG1})})
 same => n,Dial(${DEVICES},30,tTkKU(sub-auto-confirm))
 same => n,Return()
[sub-auto-confirm]
exten => s,1,Set(__MACRO_RESULT=)
 same => n,Return()
[ext-group]
exten => 600,1,Gosub(sub-user-callerid,s,1)
 same => n,Dial(${PJSIP_DIAL_CONTACTS(op209)}&${PJSIP_DIAL_CONTACTS(op210)},30,tU(sub-confirm))
 same => n,Hangup()
[sub-confirm]
exten => s,1,Read(ACCEPT,beep,1,,1,8)
 same => n,Set(GOSUB_RESULT=${IF($["${ACCEPT}"="1"]?:CONTINUE)})
 same => n,Return()
[agents](+)
exten => _2XX,1,Gosub(sub-dial-one,s,1(op${EXTEN}))
`

// toMember is how FreePBX has a queue's member.
func toMember(phone string) string { return "Local/" + phone + "@from-queue/n" }

var freePBXShapes = []shape{
	{service: service{name: "freepbx-queue", dialplan: "Goto(ext-queues,801,1)",
		agents: []string{"op201"}, queues: queue("f801", "", toMember("op201"))},
		play: func(p *people) {
			p.operator("op201", lab.Called(rings).Pause(2*second).Hold().Pause(second).Unhold().WaitBye())
			p.over(p.caller(lab.Calls().Pause(9 * second).Bye()))
		}},
	{service: service{name: "freepbx-no-answer", dialplan: "Goto(risposta-queue,812,1)",
		agents: []string{"op202"}, queues: queue("f812", "", toMember("op202"))},
		play: func(p *people) {
			p.operator("op202", lab.Called(rings).WaitBye())
			p.over(p.caller(lab.Calls().Pause(4 * second).Bye()))
		}},
	{service: service{name: "freepbx-attended-transfer", dialplan: "Goto(ext-queues,813,1)",
		agents: []string{"op203", "op204"}, queues: queue("f813", "", toMember("op203"))},
		play: func(p *people) {
			p.operator("op203", lab.Called(half).Pause(second).Keys("*2").Pause(half).Keys("204").
				Pause(6*second).Bye())
			p.operator("op204", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(14 * second).Bye()))
		}},
	{service: service{name: "freepbx-parked", dialplan: "Goto(ext-queues,814,1)",
		agents: []string{"op205", "op206"}, queues: queue("f814", "", toMember("op205"))},
		play: func(p *people) {
			p.operator("op205",
				lab.Called(half).Pause(second).Keys("#1").Pause(half).Keys("700").WaitBye())
			caller := p.caller(lab.Calls().WaitBye())
			p.until("parking show default", `Space\s+:\s+701`)
			p.over(p.dials("op206", "701", lab.Calls().Pause(2*second).Bye()), caller)
		}},
	{service: service{name: "freepbx-ring-group", dialplan: "Goto(ext-group,600,1)",
		agents: []string{"op209", "op210"}},
		play: func(p *people) {
			p.operator("op209", lab.Called(half).Pause(second).Keys("1").WaitBye())
			p.operator("op210", lab.Ringing().Cancelled())
			p.over(p.caller(lab.Calls().Pause(5 * second).Bye()))
		}},
}

// Calls of FreePBX's shape, with our custom destination as deploy/freepbx has it.
func TestLiveFreePBXShapes(t *testing.T) {
	custom, err := os.ReadFile("../deploy/freepbx/extensions_custom.conf")
	if err != nil {
		t.Fatal(err)
	}
	playAllWith(t, freePBXShapes, map[string]string{
		"extensions.conf": string(custom) + "\n[from-trunk]\n[agents]\ninclude => parkedcalls\n" +
			freePBXDialplan + "#tryinclude \"extensions.d/*.conf\"\n",
		"features.conf": shapeFiles["features.conf"],
	})
}
