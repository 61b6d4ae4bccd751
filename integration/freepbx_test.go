//go:build live

package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// A dialplan of FreePBX's shape, as its modules queues, findmefollow and core write it: the trunk's
// context leads to a queue, a ring group or our custom destination; a queue answers first, unless Queue
// No Answer is on; its members are Local channels, which the queue's Agent Restrictions lead to
// from-internal (Call as Dialed) or from-queue-exten-only (Extensions Only), and from there through
// subroutines to the contacts of a phone. 80X answers, 81X does not; 82X has Extensions Only, 83X
// confirms calls, 84X records them. Of each, Max Wait Time is 100 s.
const freePBXDialplan = `
[ext-queues]
exten => _80X,1,Gosub(sub-user-callerid,s,1())
 same => n,Answer()
 same => n,Set(__NODEST=${EXTEN})
 same => n,Set(QMAXWAIT=${IF($[${LEN(${VQ_MAXWAIT})}>0]?${VQ_MAXWAIT}:100)})
 same => n(qcall),Queue(${EXTEN},tR,,,${QMAXWAIT},,,,,)
 same => n,Hangup()
exten => _8[12]X,1,Gosub(sub-user-callerid,s,1())
 same => n,Progress()
 same => n,Set(__NODEST=${EXTEN})
 same => n,Set(QMAXWAIT=${IF($[${LEN(${VQ_MAXWAIT})}>0]?${VQ_MAXWAIT}:100)})
 same => n(qcall),Queue(${EXTEN},tR,,,${QMAXWAIT},,,,,)
 same => n,Hangup()
exten => _83X,1,Gosub(sub-user-callerid,s,1())
 same => n,Progress()
 same => n,Set(__FORCE_CONFIRM=${CHANNEL})
 same => n,Set(__NODEST=${EXTEN})
 same => n,Set(QMAXWAIT=${IF($[${LEN(${VQ_MAXWAIT})}>0]?${VQ_MAXWAIT}:100)})
 same => n(qcall),Queue(${EXTEN},tR,,,${QMAXWAIT},,,,,)
 same => n,Hangup()
exten => _84X,1,Gosub(sub-user-callerid,s,1())
 same => n,Progress()
 same => n,Gosub(sub-record-check,s,1(q,${EXTEN},always))
 same => n,Set(__NODEST=${EXTEN})
 same => n,Set(QMAXWAIT=${IF($[${LEN(${VQ_MAXWAIT})}>0]?${VQ_MAXWAIT}:100)})
 same => n(qcall),Queue(${EXTEN},tR,,,${QMAXWAIT},,,,,)
 same => n,Hangup()
[sub-user-callerid]
exten => s,1,Set(AMPUSER=)
 same => n,Return()
[sub-record-check]
exten => s,1,GotoIf($["${ARG3}"="always"]?:done)
 same => n,Set(__CALLFILENAME=${ARG1}-${ARG2})
 same => n,MixMonitor(/var/log/asterisk/${CALLFILENAME}.wav,abi(LOCAL_MIXMON_ID),true)
 same => n(done),Return()
[from-queue]
exten => _82X,1,Goto(from-queue-exten-only,${QAGENT},1)
exten => _8XX,1,Goto(from-internal,${QAGENT},1)
exten => _op2XX,1,Set(QAGENT=${EXTEN})
 same => n,Goto(${NODEST},1)
[from-queue-exten-only]
exten => _op2XX,1,Set(RingGroupMethod=none)
 same => n,Gosub(sub-dial-one,s,1(${EXTEN}))
 same => n,Hangup()
[from-internal]
exten => _op2XX,1,GotoIf($["${DB(AMPUSER/${EXTEN}/followme/ddial)}"="DIRECT"]?ext-findmefollow,FM${EXTEN},1)
 same => n,Gosub(sub-exten,s,1(${EXTEN}))
 same => n,Hangup()
include => parkedcalls
[ext-findmefollow]
exten => _FMop2XX,1,Set(LIST=${DB(AMPUSER/${EXTEN:2}/followme/grplist)})
 same => n,Dial(Local/PR${EXTEN:2}@ext-findmefollow/n&Local/${LIST}@ext-findmefollow/n,30,t)
 same => n,Hangup()
exten => _PRop2XX,1,Gosub(sub-exten,s,1(${EXTEN:2}))
exten => _outside[0-9],1,Dial(PJSIP/${EXTEN},30,tU(sub-confirm))
[sub-exten]
exten => s,1,Set(RingGroupMethod=none)
 same => n,Gosub(sub-dial-one,s,1(${ARG1}))
 same => n,Return()
[sub-dial-one]
exten => s,1,Set(DEVICES=${PJSIP_DIAL_CONTACTS(${ARG1})})
 same => n,Set(HOW=${IF($["${FORCE_CONFIRM}"=""]?sub-auto-confirm:sub-confirm)})
 same => n,Dial(${DEVICES},30,tTkKU(${HOW}))
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
		agents: []string{"op201"}, queues: queue("801", "", toMember("op201"))},
		play: func(p *people) {
			p.operator("op201", lab.Called(rings).Pause(2*second).Hold().Pause(second).Unhold().WaitBye())
			p.over(p.caller(lab.Calls().Pause(9 * second).Bye()))
		}},
	{service: service{name: "freepbx-no-answer", dialplan: "Goto(risposta-queue,812,1)",
		agents: []string{"op202"}, queues: queue("812", "", toMember("op202"))},
		play: func(p *people) {
			p.operator("op202", lab.Called(rings).WaitBye())
			p.over(p.caller(lab.Calls().Pause(4 * second).Bye()))
		}},
	{service: service{name: "freepbx-attended-transfer", dialplan: "Goto(ext-queues,813,1)",
		agents: []string{"op203", "op204"}, queues: queue("813", "", toMember("op203"))},
		play: func(p *people) {
			p.operator("op203", lab.Called(half).Pause(second).Keys("*2").Pause(half).Keys("204").
				Pause(6*second).Bye())
			p.operator("op204", lab.Called(half).WaitBye())
			p.over(p.caller(lab.Calls().Pause(14 * second).Bye()))
		}},
	{service: service{name: "freepbx-parked", dialplan: "Goto(ext-queues,814,1)",
		agents: []string{"op205", "op206"}, queues: queue("814", "", toMember("op205"))},
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
	{service: service{name: "freepbx-follow-me", dialplan: "Goto(ext-queues,815,1)",
		agents: []string{"op211", "outside1"}, queues: queue("815", "", toMember("op211"))}, free: true,
		play: func(p *people) {
			p.followMe("op211", "outside1")
			p.operator("op211", lab.Ringing().Cancelled())
			p.operator("outside1", lab.Called(half).Pause(second).Keys("1").WaitBye())
			p.over(p.caller(lab.Calls().Pause(5 * second).Bye()))
		}},
	{service: service{name: "freepbx-follow-me-desk", dialplan: "Goto(ext-queues,816,1)",
		agents: []string{"op212", "outside3"}, queues: queue("816", "", toMember("op212"))},
		play: func(p *people) {
			p.followMe("op212", "outside3")
			p.operator("op212", lab.Called(second).WaitBye())
			p.operator("outside3", lab.Ringing().Cancelled())
			p.over(p.caller(lab.Calls().Pause(5 * second).Bye()))
		}},
	{service: service{name: "freepbx-extensions-only", dialplan: "Goto(ext-queues,821,1)",
		agents: []string{"op213", "outside4"}, queues: queue("821", "", toMember("op213"))},
		play: func(p *people) {
			p.followMe("op213", "outside4")
			p.operator("op213", lab.Called(second).WaitBye())
			p.over(p.caller(lab.Calls().Pause(4 * second).Bye()))
			if strings.Contains(p.log("cel-custom/cel.csv"), "PJSIP/outside4") {
				p.Error("the mobile of op213 was called")
			}
		}},
	{service: service{name: "freepbx-confirm", dialplan: "Goto(ext-queues,831,1)",
		agents: []string{"op214"}, queues: queue("831", "", toMember("op214"))},
		play: func(p *people) {
			p.operator("op214", lab.Called(half).Pause(2*second).Keys("1").WaitBye())
			p.over(p.caller(lab.Calls().Pause(4 * second).Bye()))
		}},
	{service: service{name: "freepbx-recorded", dialplan: "Goto(ext-queues,841,1)",
		agents: []string{"op215"}, queues: queue("841", "", toMember("op215"))},
		play: func(p *people) {
			p.operator("op215", lab.Called(half).Pause(second).Hold().Pause(second).Unhold().WaitBye())
			p.over(p.caller(lab.Calls().Pause(5 * second).Bye()))
			if n := len(p.log("q-841.wav")); n < 8000 { // a second of speech has 16,000 bytes
				p.Errorf("the recording has %d bytes", n)
			}
		}},
}

// followMe makes calls to a phone ring a mobile, too, as the user of the phone does in FreePBX.
func (p *people) followMe(phone, mobile string) {
	p.Helper()
	for key, value := range map[string]string{"ddial": "DIRECT", "grplist": mobile} {
		p.until(fmt.Sprintf("database put AMPUSER %s/followme/%s %s", phone, key, value), "success")
	}
	p.until(fmt.Sprintf("devstate change Custom:FOLLOWME%s INUSE", phone), "Changing")
}

// log is one of Asterisk's own files.
func (p *people) log(name string) string {
	p.Helper()
	text, err := p.h.pbx.Log(p.h.ctx, name)
	if err != nil {
		p.Fatal(err)
	}
	return text
}

// freePBXFiles are Asterisk's files of a FreePBX with our custom destination of deploy/freepbx.
func freePBXFiles(t *testing.T) map[string]string {
	t.Helper()
	custom, err := os.ReadFile("../deploy/freepbx/extensions_custom.conf")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"extensions.conf": string(custom) + "\n[from-trunk]\n[agents]\ninclude => parkedcalls\n" +
			freePBXDialplan + "#tryinclude \"extensions.d/*.conf\"\n",
		"features.conf": shapeFiles["features.conf"] +
			"[applicationmap]\napprecord => *1,caller,NoOp,one-touch-record\n",
	}
}

// Calls of FreePBX's shape, with our custom destination as deploy/freepbx has it.
func TestLongFreePBXShapes(t *testing.T) {
	playAllWith(t, freePBXShapes, freePBXFiles(t))
}

// What check says of a FreePBX: of each queue, the switch that matters and what it is set to.
func TestLiveCheckFreePBX(t *testing.T) {
	t.Parallel()
	services, _ := servicesOf(freePBXShapes)
	h := newHarness(t, services, freePBXFiles(t))
	p := &people{T: t, h: h}
	p.followMe("op211", "outside1")
	p.until("database put CF op212 0612345678", "success")
	out := h.wantCheck(t,
		"FAIL  live: service freepbx-queue: Answer() comes before Queue() in 801@ext-queues: the caller's "+
			"own network charges the wait; in FreePBX turn on Queue No Answer of queue 801",
		"ok    live: service freepbx-no-answer: 2002@from-trunk stays unanswered until the operator answers",
		"note  live: queue 815: Agent Restrictions is Call as Dialed: a member's follow-me or call forward "+
			"rings phones that are no operators', and talk there is free; so it is now for op211; in FreePBX "+
			"set Agent Restrictions of the queue to Extensions Only",
		"note  live: queue 816: Agent Restrictions is Call as Dialed: a member's follow-me or call forward "+
			"rings phones that are no operators', and talk there is free; so it is now for op212; in FreePBX",
		"note  live: queue 841: Agent Restrictions is Call as Dialed: a member's follow-me or call forward "+
			"rings phones that are no operators', and talk there is free; none of its members has one",
		"ok    live: queue 821: Agent Restrictions is Extensions Only: just the members' own phones ring",
		"ok    live: queue 831: Call Confirm is on: talk with a member counts from the key 1 on",
		"ok    live: queue 841: Call Recording is on: it takes no part in the path of a call",
		"note  live: features.conf: apprecord (*1) runs an application in the middle of talk",
		"ok    live: queue 821: all its 1 members are operators",
	)
	if n := strings.Count(out, "Call Confirm is on"); n != 1 {
		t.Errorf("Call Confirm is found %d times, want once:\n%s", n, out)
	}
	if strings.Contains(out, "lets callers wait unanswered") {
		t.Errorf("Max Wait Time of 100 is taken for a longer one:\n%s", out)
	}
}
