//go:build live

package integration

import (
	"strings"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// wantCheck runs `risposta check`, which must find problems, and these lines among others.
func (h *harness) wantCheck(t *testing.T, lines ...string) (out string) {
	t.Helper()
	out, code, err := h.gw.Command(h.ctx, "check")
	if err != nil || code != 1 {
		t.Errorf("exit %d, %v; want 1", code, err)
	}
	for _, want := range lines {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
	return out
}

// Options of endpoints with which a dead phone stays in its call, or a hold is not seen.
func TestLiveCheckEndpointOptions(t *testing.T) {
	t.Parallel()
	h := newHarnessWith(t, gatewayConfig, []service{{
		name: "talking", dialplan: "Progress(); Queue(talking)", agents: []string{"op1", "op2", "op3"},
		queues: queue("talking", "", "PJSIP/op1", "PJSIP/op2", "PJSIP/op3"),
	}}, map[string]string{
		"pjsip.conf": deployed(t, "etc/pjsip.conf"),
		"pjsip.d/options.conf": "[op1](+)\nrtp_timeout = 0\nmoh_passthrough = yes\n" +
			"[op2](+)\nrtp_timeout_hold = 0\nsuppress_moh_on_sendonly = yes\n" +
			"[trunk](+)\nrtp_timeout = 0\ntimers = no\n" +
			"[op3]\ntype = identify\nendpoint = op3\nmatch = 127.0.0.9\n" +
			"[op1]\ntype = registration\nserver_uri = sip:127.0.0.1:9\nclient_uri = sip:op1@127.0.0.1:9\n",
		"confbridge.conf": "[general]\n[default_user]\ntype = user\nstartmuted = yes\n" +
			"[default_menu]\ntype = menu\n*1 = toggle_mute\n[admin_user]\ntype = user\nstartmuted = yes\n",
	})
	out := h.wantCheck(t,
		"FAIL  live: PJSIP/op1, PJSIP/trunk: rtp_timeout = 0 in pjsip.conf",
		"FAIL  live: PJSIP/op2: rtp_timeout_hold = 0 in pjsip.conf",
		"FAIL  live: PJSIP/trunk: timers = no in pjsip.conf",
		"FAIL  live: PJSIP/op2: suppress_moh_on_sendonly = yes in pjsip.conf",
		"FAIL  live: PJSIP/op1: moh_passthrough = yes in pjsip.conf",
		"FAIL  live: PJSIP/op1 matches operators and has a type = registration in pjsip.conf",
		"note  live: PJSIP/op3 matches operators and has a type = identify in pjsip.conf",
		"FAIL  live: confbridge.conf: [default_user] has startmuted = yes",
		"FAIL  live: confbridge.conf: [default_menu] has *1 = toggle_mute",
		"note  live: confbridge.conf: [admin_user] has startmuted = yes",
	)
	if strings.Contains(out, "have timeouts, and report their holds") {
		t.Errorf("the endpoints are called sound:\n%s", out)
	}
}

// Queue members that are no operators, those that FreePBX has, and patterns that match nothing.
func TestLiveCheckQueueMembers(t *testing.T) {
	t.Parallel()
	config := strings.Replace(gatewayConfig, `operators: ["PJSIP/op*"]`,
		`operators: ["PJSIP/op*", "PJSIP/typo*"]`, 1)
	h := newHarnessWith(t, config, []service{{
		name: "mixed", dialplan: "Progress(); Queue(mixed,c)", agents: []string{"op1", "op2", "300"},
		queues: queue("mixed", "", "PJSIP/op1", "PJSIP/agent1", "Local/201@from-queue/n",
			"Local/300@from-queue/n", "Local/400@from-queue/n"),
	}, {
		name: "none", dialplan: "Progress(); Queue(nowhere)",
	}, {
		// Only the ledger names this one's queue.
		name: "inner", dialplan: "Progress(); Set(TO=inner); Goto(${TO},1,1)",
		queues: queue("hidden", "", "PJSIP/agent2"),
	}}, map[string]string{
		"pjsip.conf": deployed(t, "etc/pjsip.conf"),
		"extensions.d/local.conf": "[from-queue]\nexten => _X00,1,Dial(PJSIP/${EXTEN},30)\n" +
			"[ext-local]\nexten => 201,hint,PJSIP/op2&Custom:DND201\n" +
			"[inner]\nexten => 1,1,Queue(hidden)\n",
	})
	h.start(t)
	before := h.wantCheck(t,
		"note  live: queue mixed: no pattern of operators matches its members PJSIP/agent1, "+
			"Local/300@from-queue/n: talk with them is free",
		"note  live: queue mixed: whom its members Local/400@from-queue/n call is not known",
		"note  live: queue nowhere: the PBX does not know it",
		"note  live: checked were the members at present of the queues mixed, nowhere;",
		"ok    operators: PJSIP/op* matches an endpoint",
		"FAIL  operators: PJSIP/typo* matches no endpoint that a PBX lists",
	)
	if strings.Contains(before, "hidden") {
		t.Errorf("queue hidden is known before its first call:\n%s", before)
	}
	p := &people{T: t, h: h}
	p.over(h.caller(t, 2, lab.GivesUp(3*second)))
	h.record(t, "inner")
	h.wantCheck(t,
		"note  live: queue hidden: no pattern of operators matches its members PJSIP/agent2:",
		"note  live: checked were the members at present of the queues hidden, mixed, nowhere;",
	)
}
