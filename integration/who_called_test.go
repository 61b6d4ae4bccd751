//go:build live

package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// The carrier replaces the caller's leg: the first leg is charged, the second is part of it.
func TestLiveReplacedLegIsOneCall(t *testing.T) {
	o := observe(t, "live-replaces", originatedService, nil)
	o.start(t)
	op := o.operator(t, "op1", lab.Called(half).Speaks().WaitBye())
	caller := o.caller(t, 0, lab.Calls().Speaks().WaitBye())
	trunk := o.talking("PJSIP/trunk-")
	dialog := lab.Dialog{
		CallID:    o.variable(trunk, "CHANNEL(pjsip,call-id)"),
		LocalTag:  o.variable(trunk, "CHANNEL(pjsip,local_tag)"),
		RemoteTag: o.variable(trunk, "CHANNEL(pjsip,remote_tag)"),
	}
	newcomer := o.dials(t, "+390698765432", "2001", lab.Replacing(dialog).Speaks().Pause(3*second).Bye())
	o.wait(newcomer, caller, op)
	o.until("two records", func() bool {
		return strings.Count(o.gw.Log(), `"event":"record.written"`) == 2
	})
	for line := range strings.Lines(o.gw.Log()) {
		if !strings.Contains(line, `"record.written"`) || strings.Contains(line, trunk) {
			continue
		}
		if !strings.Contains(line, `"amount":"0.00"`) || !strings.Contains(line, `["took_over"]`) {
			t.Errorf("the new leg is not free: %s", line)
		}
	}
}

// A service behind a Local channel is one call of the trunk's leg, with its queue.
func TestLiveServiceBehindALocalChannel(t *testing.T) {
	for name, dial := range map[string]string{
		"n": "Local/2001@from-trunk/n", "optimised": "Local/2001@from-trunk",
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, []service{{
				name: "behind", agents: []string{"op1"}, queues: queue("l", "", "PJSIP/op1"),
				dialplan: "Progress(); Queue(l)",
			}}, map[string]string{"extensions.d/local.conf": fmt.Sprintf(
				"[from-trunk](+)\nexten => 7001,1,Progress()\n same => n,Dial(%s,30)\n", dial)})
			h.start(t)
			h.operator(t, "op1", lab.Called(half).Speaks().WaitBye())
			caller := h.dials(t, callerOf(0), "7001", lab.Calls().Speaks().Pause(3*second).Bye())
			if err := caller.Wait(h.ctx); err != nil {
				t.Fatal(err)
			}
			rec := h.record(t, "behind")
			queued := strings.Count(h.gw.Log(), `"queue":"l"`)
			if queued < 2 || rec.TalkMs < 2000 {
				t.Errorf("the queue stands in %d lines of the log; got %+v", queued, rec)
			}
		})
	}
}
