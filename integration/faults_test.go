//go:build live

package integration

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/judge"
	"github.com/risposta/gateway/integration/lab"
)

// talkingService is one queue with one operator.
var talkingService = []service{{
	name: "talking", dialplan: "Progress(); Queue(talking)", agents: []string{"op1"},
	queues: "[talking]\nmember => PJSIP/op1",
}}

func TestLiveGatewayKilledMidTalk(t *testing.T) {
	t.Parallel()
	h := newHarness(t, talkingService, nil)
	h.start(t)
	// The hold before the kill proves that this operator's holds show in the CEL.
	h.operator(t, "op1", lab.Called(half).Pause(second).Hold().Pause(second).Unhold().WaitBye())
	caller := h.caller(t, 0, lab.Calls().Pause(11*time.Second).Bye())
	h.logged(t, "talk.started", 2)
	h.heartbeats(t, 2)
	if err := h.gw.Kill(h.ctx); err != nil {
		t.Fatal(err)
	}
	if err := h.gw.Start(); err != nil {
		t.Fatal(err)
	}
	h.logged(t, "calls.restored", 1)
	h.logged(t, "talk.started", 1) // by the new process: the PBX reports no hold
	if err := caller.Wait(h.ctx); err != nil {
		t.Fatal(err)
	}
	rec := h.record(t, "talking")
	truth := h.truth(t, 0)
	wantWithinTalk(t, rec, truth)
	if rec.Outcome != "talked" || rec.UnseenMs == 0 || len(rec.Talk) != 3 ||
		!slices.Contains(rec.Reasons, "unseen") {
		t.Errorf("want two stretches of talk, and after an unseen one a third: %+v", rec)
	}
	defer h.reconcile(t, judge.Sum(truth))
	sum := judge.Sum(truth)
	seen := time.Duration(rec.TalkMs+rec.UnseenMs) * time.Millisecond
	if seen > sum+busyTolerance || rec.TalkMs < 1500 {
		t.Errorf("talk %d ms and unseen %d ms in %s of talk", rec.TalkMs, rec.UnseenMs, sum)
	}
}

func TestLiveHoldDuringRestart(t *testing.T) {
	t.Parallel()
	h := newHarness(t, []service{
		{
			name: "holding", dialplan: "Progress(); Queue(first)", agents: []string{"op1", "op2"},
			queues: "[first]\nmember => PJSIP/op1\n[second]\nmember => PJSIP/op2",
		},
		{name: "target", dialplan: "Queue(second)"},
	}, nil)
	h.start(t)
	h.operator(t, "op1", holdsAndTransfers(half, numberOf(1)))
	h.operator(t, "op2", lab.Called(half).WaitBye())
	caller := h.caller(t, 0, lab.Calls().Pause(9*time.Second).Bye())
	h.logged(t, "talk.paused", 1) // on hold
	if err := h.gw.Kill(h.ctx); err != nil {
		t.Fatal(err)
	}
	if err := h.gw.Start(); err != nil {
		t.Fatal(err)
	}
	h.logged(t, "gap.ended", 1)
	if !strings.Contains(h.gw.Log(), `"event":"gap.ended"`) || !strings.Contains(h.gw.Log(),
		`"state":"held"`) {
		t.Errorf("the snapshot must show the hold:\n%s", h.gw.Log())
	}
	if err := caller.Wait(h.ctx); err != nil {
		t.Fatal(err)
	}
	rec := h.record(t, "holding")
	wantWithinTalk(t, rec, h.truth(t, 0))
	if len(rec.Talk) != 3 || rec.HeldMs == 0 {
		t.Errorf("want talk before the hold, after it, and with the second operator: %+v", rec)
	}
}

func TestLiveAsteriskCrashEndsTheCallAtTheWatermark(t *testing.T) {
	t.Parallel()
	h := newHarness(t, talkingService, nil)
	h.start(t)
	h.operator(t, "op1", lab.Called(half).WaitBye())
	h.caller(t, 0, lab.Calls().Pause(time.Minute).Bye())
	h.logged(t, "talk.started", 1)
	if err := h.pbx.Kill(h.ctx); err != nil {
		t.Fatal(err)
	}
	crashed := time.Now() // Asterisk ended before this
	h.logged(t, "pbx.sync_lost", 1)
	if status, _, err := h.gw.Ready(h.ctx); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d, %v without a PBX; want 503", status, err)
	}
	if status, _, err := h.gw.Get(h.ctx, "/healthz"); err != nil || status != http.StatusOK {
		t.Errorf("/healthz answers %d, %v; want 200, because the process works", status, err)
	}
	h.startPBXAgain(t)
	if err := h.gw.WaitReady(h.ctx, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	rec := h.record(t, "talking")
	if rec.Outcome != "uncertain" || !slices.Contains(rec.Reasons, "end_unseen") {
		t.Errorf("want an uncertain call with an unseen end: %+v", rec)
	}
	if len(rec.Talk) > 1 || len(rec.Talk) == 1 && rec.Talk[0].To.After(crashed) {
		t.Errorf("talk counted after the crash at %s: %+v", crashed.UTC(), rec.Talk)
	}
}

func TestLivePBXUnreachableAtStart(t *testing.T) {
	t.Parallel()
	h := newHarness(t, talkingService, nil)
	if err := h.pbx.Kill(h.ctx); err != nil {
		t.Fatal(err)
	}
	if err := h.gw.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.stop(t) })
	h.logged(t, "pbx.unreachable", 2)
	if status, body, err := h.gw.Ready(h.ctx); err != nil ||
		status != http.StatusServiceUnavailable || !strings.Contains(body, "live: not synced") {
		t.Errorf("/readyz answers %d %q, %v; want 503 with the PBX's name", status, body, err)
	}
	h.startPBXAgain(t)
	if err := h.gw.WaitReady(h.ctx, 20*time.Second); err != nil {
		t.Error(err)
	}
}

// startPBXAgain starts Asterisk again after a crash, on the same ports.
func (h *harness) startPBXAgain(t *testing.T) {
	t.Helper()
	var err error
	h.pbx, err = lab.StartAsteriskAt(h.ctx, filepath.Join(h.dir, "etc"), h.files,
		h.pbx.SIPPort, h.pbx.ARIPort)
	if err != nil {
		t.Fatal(err)
	}
}
