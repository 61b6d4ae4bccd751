//go:build live

package integration

import (
	"encoding/csv"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/judge"
	"github.com/risposta/gateway/integration/lab"
)

// shape is one thing that happens to a call: the service it happens on, and how it is played.
type shape struct {
	service
	play func(c *cast)
	free bool // nobody may be charged
}

// cast plays one shape.
type cast struct {
	*testing.T
	r *rig
	i int
}

func (c *cast) operator(phone string, s *lab.Script) *lab.Party {
	c.Helper()
	return c.r.operator(c.T, phone, s)
}

func (c *cast) dials(who, number string, s *lab.Script) *lab.Party {
	c.Helper()
	return c.r.dials(c.T, who, number, s)
}

func (c *cast) caller(s *lab.Script) *lab.Party {
	c.Helper()
	return c.r.caller(c.T, c.i, s)
}

// until waits until Asterisk's console shows something.
func (c *cast) until(command, pattern string) {
	c.Helper()
	re := regexp.MustCompile(pattern)
	err := lab.Until(c.r.ctx, 30*second, fmt.Sprintf("%q on the console to show %q", command, pattern), func() error {
		out, err := c.r.pbx.Console(c.r.ctx, command)
		if err == nil && !re.MatchString(out) {
			err = fmt.Errorf("it shows %q", out)
		}
		return err
	})
	if err != nil {
		c.Fatal(err)
	}
}

func (c *cast) over(parties ...*lab.Party) {
	c.Helper()
	for _, p := range parties {
		if err := p.Wait(c.r.ctx); err != nil {
			c.Fatal(err)
		}
	}
}

func queue(name, options string, members ...string) string {
	s := fmt.Sprintf("[%s]\nringinuse = no\ntimeout = 30\nretry = 1\n%s\n", name, options)
	for _, m := range members {
		s += "member => " + m + "\n"
	}
	return s
}

// lore is what call centres do with calls, beyond the recorded shapes. Each has operators of its own, so they are played at once.
var lore = []shape{
	{service: service{name: "operator-leaves-announcement", dialplan: "Progress(); Queue(a1,,,,4)", agents: []string{"op101"},
		queues: queue("a1", "announce = vm-goodbye", "PJSIP/op101")}, free: true,
		play: func(c *cast) {
			c.operator("op101", lab.Called(half).Pause(400*time.Millisecond).Bye())
			c.over(c.caller(lab.GivesUp(3 * second)))
		}},
	{service: service{name: "caller-leaves-announcement", dialplan: "Progress(); Queue(a2)", agents: []string{"op102"},
		queues: queue("a2", "announce = vm-goodbye", "PJSIP/op102")}, free: true,
		play: func(c *cast) {
			c.operator("op102", lab.Called(half).WaitBye())
			c.over(c.caller(lab.GivesUp(900 * time.Millisecond)))
		}},
	{service: service{name: "no-answer-then-second", dialplan: "Progress(); Queue(a3)", agents: []string{"op103", "op104"},
		queues: queue("a3", "strategy = linear\ntimeout = 2", "PJSIP/op103", "PJSIP/op104")},
		play: func(c *cast) {
			c.operator("op103", lab.Ringing().Cancelled())
			c.operator("op104", lab.Called(half).WaitBye())
			c.over(c.caller(lab.Calls().Pause(2 * second).Bye()))
		}},
	{service: service{name: "ringall", dialplan: "Progress(); Queue(a4)", agents: []string{"op105", "op106"},
		queues: queue("a4", "strategy = ringall", "PJSIP/op105", "PJSIP/op106")},
		play: func(c *cast) {
			c.operator("op105", lab.Ringing().Cancelled())
			c.operator("op106", lab.Called(second).WaitBye())
			c.over(c.caller(lab.Calls().Pause(2 * second).Bye()))
		}},
	{service: service{name: "abandoned-before-ringing", dialplan: "Progress(); Queue(a5)", queues: queue("a5", "joinempty = yes")}, free: true,
		play: func(c *cast) { c.over(c.caller(lab.GivesUp(second))) }},
	{service: service{name: "forwarded-302", dialplan: "Progress(); Queue(a6)", agents: []string{"op107", "op108"},
		queues: queue("a6", "", "PJSIP/op107")},
		play: func(c *cast) {
			c.operator("op107", lab.Ringing().Refuse("302 Moved Temporarily", "Contact: <sip:308@[remote_ip]:[remote_port]>\n"))
			c.operator("op108", lab.Called(half).WaitBye())
			c.over(c.caller(lab.Calls().Pause(2 * second).Bye()))
		}},
	{service: service{name: "pickup", dialplan: "Progress(); Queue(a7)", agents: []string{"op109", "op110"},
		queues: queue("a7", "", "PJSIP/op109")},
		play: func(c *cast) {
			c.operator("op109", lab.Ringing().Cancelled())
			caller := c.caller(lab.Calls().Pause(2 * second).Bye())
			c.until("core show channels concise", `PJSIP/op109-[0-9a-f]+![^\n]*!Ringing!`)
			c.over(c.dials("op110", "8109", lab.Calls().WaitBye()), caller)
		}},
	{service: service{name: "local-optimised", dialplan: "Progress(); Queue(a8)", agents: []string{"op111"},
		queues: queue("a8", "", "Local/311@agents")},
		play: func(c *cast) {
			c.operator("op111", lab.Called(second).WaitBye())
			c.over(c.caller(lab.Calls().Pause(3 * second).Bye()))
		}},
	{service: service{name: "local-answers-early", dialplan: "Progress(); Queue(a9)", agents: []string{"op112"},
		queues: queue("a9", "", "Local/early@early/n")},
		play: func(c *cast) {
			c.operator("op112", lab.Called(half).WaitBye())
			c.over(c.caller(lab.Calls().Pause(5 * second).Bye()))
		}},
	{service: service{name: "hold-by-caller", dialplan: "Progress(); Queue(a10)", agents: []string{"op113"}, queues: queue("a10", "", "PJSIP/op113")},
		play: func(c *cast) {
			c.operator("op113", lab.Called(half).WaitBye())
			c.over(c.caller(lab.Calls().Pause(second).Hold().Pause(second).Unhold().Pause(second).Bye()))
		}},
	{service: service{name: "hold-by-both", dialplan: "Progress(); Queue(a11)", agents: []string{"op114"}, queues: queue("a11", "", "PJSIP/op114")},
		play: func(c *cast) {
			c.operator("op114", lab.Called(half).Pause(second).Hold().Pause(2*second).Unhold().WaitBye())
			c.over(c.caller(lab.Calls().Pause(2 * second).Hold().Pause(2 * second).Unhold().Pause(second).Bye()))
		}},
	{service: service{name: "held-at-hangup", dialplan: "Progress(); Queue(a12)", agents: []string{"op115"}, queues: queue("a12", "", "PJSIP/op115")},
		play: func(c *cast) {
			c.operator("op115", lab.Called(half).Pause(second).Hold().WaitBye())
			c.over(c.caller(lab.Calls().Pause(3 * second).Bye()))
		}},
	{service: service{name: "operator-hangs-up", dialplan: "Progress(); Queue(a13); Playback(vm-goodbye,noanswer); Hangup()", agents: []string{"op116"}, queues: queue("a13", "", "PJSIP/op116")},
		play: func(c *cast) {
			c.operator("op116", lab.Called(half).Pause(2*second).Bye())
			c.over(c.caller(lab.Calls().WaitBye()))
		}},
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
	{service: service{name: "parked", dialplan: "Progress(); Queue(a18,t)", agents: []string{"op127", "op128"}, queues: queue("a18", "", "PJSIP/op127")},
		play: func(c *cast) {
			c.operator("op127", lab.Called(half).Pause(second).Keys("#1").Pause(half).Keys("700").WaitBye())
			caller := c.caller(lab.Calls().WaitBye())
			c.until("parking show default", `Space\s+:\s+701`)
			c.over(c.dials("op128", "701", lab.Calls().Pause(2*second).Bye()), caller)
		}},
	{service: service{name: "queue-times-out", dialplan: "Progress(); Queue(a19,,,,2); Hangup()", agents: []string{"op129"}, queues: queue("a19", "", "PJSIP/op129")}, free: true,
		play: func(c *cast) {
			c.operator("op129", lab.Ringing().Cancelled())
			c.over(c.caller(lab.Unanswered()))
		}},
	{service: service{name: "member-delay", dialplan: "Progress(); Queue(a20)", agents: []string{"op130"},
		queues: queue("a20", "memberdelay = 2", "PJSIP/op130")},
		play: func(c *cast) {
			c.operator("op130", lab.Called(half).WaitBye())
			c.over(c.caller(lab.Calls().Pause(4 * second).Bye()))
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
}

func TestLiveOperatorWhoCallsOutIsNoCall(t *testing.T) {
	t.Parallel()
	r := newRig(t, talkingService, map[string]string{"extensions.d/out.conf": "[agents](+)\nexten => 900,1,Dial(PJSIP/trunk/sip:900@127.0.0.1:1,2)\nexten => 901,1,Answer()\n same => n,Wait(5)\n"})
	r.start(t)
	c := &cast{T: t, r: r}
	c.over(c.dials("op1", "901", lab.Calls().Pause(second).Bye()))
	r.canaries(t, 2) // what there was to see has been seen
	if out, code, err := r.gw.Command(r.ctx, "records"); err != nil || code != 0 || out != "" {
		t.Errorf("exit %d, %v; records of an operator's own call:\n%s", code, err, out)
	}
	if strings.Contains(r.gw.Log(), "call.arrived") {
		t.Errorf("an operator's own call arrived as a metered one:\n%s", r.gw.Log())
	}
}

const loreExtensions = `
[agents](+)
exten => _3XX,1,Dial(PJSIP/op1${EXTEN:1},30)
exten => 900,1,Dial(PJSIP/outside1,30)
exten => _81XX,1,PickupChan(PJSIP/op${EXTEN:1})
exten => 8800,1,ConfBridge(room1)
exten => _813[12],1,AgentLogin(1${EXTEN:1},s)
include => parkedcalls

[early]
exten => early,1,Answer()
 same => n,Wait(2)
 same => n,Dial(PJSIP/op112,30)

[screen]
exten => s,1,Wait(1)
 same => n,Return()
`

func TestLiveLoreAgreesWithAsterisksOwnLog(t *testing.T) {
	services := make([]service, len(lore))
	for i, s := range lore {
		services[i] = s.service
	}
	r := newRig(t, services, map[string]string{
		"extensions.d/lore.conf": loreExtensions,
		"agents.conf":            "[general]\n[base](!)\nautologoff = 0\nwrapuptime = 0\nmusiconhold = default\n[1131](base)\nackcall = no\n[1132](base)\nackcall = yes\nacceptdtmf = #\n",
		"features.conf":          "[general]\ntransferdigittimeout = 2\nfeaturedigittimeout = 1500\n[featuremap]\nblindxfer => #1\natxfer => *2\n",
	})
	r.start(t)
	var table sync.Map
	t.Run("calls", func(t *testing.T) {
		for i, s := range lore {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				s.play(&cast{T: t, r: r, i: i})
				rec := r.record(t, s.name)
				r.compare(t, i, rec)
				if s.free && (rec.TalkMs != 0 || rec.Charge.Amount != "0.00") {
					t.Errorf("talk %d ms, charged %s; nobody talked", rec.TalkMs, rec.Charge.Amount)
				}
				table.Store(s.name, rec)
			})
		}
	})
	r.print(t, &table)
}

// print shows the table of `make judge`.
func (r *rig) print(t *testing.T, table *sync.Map) {
	t.Helper()
	cel, err := r.pbx.Log(r.ctx, "cel-custom/cel.csv")
	if err != nil {
		t.Fatal(err)
	}
	cdr, err := r.pbx.Log(r.ctx, "cdr-custom/cdr.csv")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-30s %10s %10s %12s\n", "shape", "truth", "Risposta", "Asterisk CDR")
	for _, s := range lore {
		got, ok := table.Load(s.name)
		if !ok {
			continue
		}
		rec, _ := got.(lab.Record)
		truth, err := judge.Truth(cel, rec.Call, "PJSIP/op*")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%-30s %8.3f s %8.3f s %10.3f s\n", s.name, judge.Sum(truth).Seconds(), float64(rec.TalkMs)/1000, billsec(t, cdr, rec.Call).Seconds())
	}
	t.Logf("\n%s", b.String())
}

// billsec is what Asterisk's CDRs of a call would bill.
func billsec(t *testing.T, cdr, call string) (sum time.Duration) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(cdr)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row[11] != call {
			continue
		}
		d, err := time.ParseDuration(row[8] + "s")
		if err != nil {
			t.Fatal(err)
		}
		sum += d
	}
	return sum
}
