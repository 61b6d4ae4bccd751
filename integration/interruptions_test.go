//go:build live

package integration

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/risposta/gateway/integration/judge"
	"github.com/risposta/gateway/integration/lab"
)

// wantAtMost checks that a record has no more talk than the CEL, and at most missing less.
func (h *harness) wantAtMost(t *testing.T, i int, rec lab.Record, missing time.Duration) {
	t.Helper()
	truth := judge.Sum(h.truth(t, i))
	talk := time.Duration(rec.TalkMs) * time.Millisecond
	if talk > truth+tolerance || talk < truth-missing {
		t.Errorf("%s: talk %s, the CEL has %s; want no more, and at most %s less", rec.Service,
			talk, truth, missing)
	}
}

// A reload of Asterisk affects no call. A restart ends every call, and later calls are metered.
func TestLiveAsteriskReloadsAndRestarts(t *testing.T) {
	t.Parallel()
	h := newHarness(t, []service{talkingService[0], {
		name: "after", dialplan: "Progress(); Queue(after)",
		agents: []string{"op2"}, queues: queue("after", "", "PJSIP/op2"),
	}}, nil)
	h.start(t)
	h.operator(t, "op1", lab.Called(half).WaitBye())
	caller := h.caller(t, 0, lab.Calls().Pause(4*second).Bye())
	h.logged(t, "talk.started", 1)
	if _, err := h.pbx.Console(h.ctx, "core reload"); err != nil {
		t.Fatal(err)
	}
	if err := caller.Wait(h.ctx); err != nil {
		t.Fatal(err)
	}
	h.wantSameTalk(t, 0, h.record(t, "talking"))
	h.operator(t, "op2", lab.Called(half).WaitBye())
	began := time.Now()
	h.caller(t, 1, lab.Calls().WaitBye()) // the restart ends the call, perhaps without a BYE
	h.logged(t, "talk.started", 2)
	if _, err := h.pbx.Console(h.ctx, "core restart now"); err != nil &&
		!strings.Contains(err.Error(), "exit status") {
		t.Fatal(err)
	}
	rec := h.record(t, "after")
	if talk := time.Duration(rec.TalkMs) * time.Millisecond; talk > time.Since(began) {
		t.Errorf("talk %s of a call that a restart ended", talk)
	}
	if err := h.gw.WaitReady(h.ctx, 30*second); err != nil {
		t.Error(err)
	}
}

// Another client registers our application: calls are unseen, and not charged, until it is free
// again.
func TestLiveSecondClientTakesTheApplication(t *testing.T) {
	t.Parallel()
	h := newHarness(t, talkingService, nil)
	h.start(t)
	h.operator(t, "op1", lab.Called(half).WaitBye())
	caller := h.caller(t, 0, lab.Calls().Pause(12*second).Bye())
	h.logged(t, "talk.started", 1)
	other, err := lab.StartApp(h.ctx, h.pbx.URL(), "risposta")
	if err != nil {
		t.Fatal(err)
	}
	h.logged(t, "pbx.sync_lost", 1)
	other.Stop()
	if err := h.gw.WaitReady(h.ctx, 20*second); err != nil {
		t.Fatal(err)
	}
	if err := caller.Wait(h.ctx); err != nil {
		t.Fatal(err)
	}
	rec := h.record(t, "talking")
	if rec.UnseenMs == 0 || !strings.Contains(h.gw.Log(), "application_replaced") {
		t.Errorf("nothing is unseen: %+v", rec)
	}
	h.wantAtMost(t, 0, rec, 8*second)
}

// A stopped gateway (a suspended machine, a debugger) afterwards reads the events from its socket,
// or Asterisk has disconnected it.
func TestLiveStoppedGatewayCatchesUp(t *testing.T) {
	t.Parallel()
	h := newHarness(t, talkingService, nil)
	h.start(t)
	h.operator(t, "op1", lab.Called(half).Pause(2*second).Hold().Pause(2*second).Unhold().WaitBye())
	caller := h.caller(t, 0, lab.Calls().Pause(9*second).Bye())
	h.logged(t, "talk.started", 1)
	if err := h.gw.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * second) // the stop is what is tested
	if err := h.gw.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := caller.Wait(h.ctx); err != nil {
		t.Fatal(err)
	}
	h.wantAtMost(t, 0, h.record(t, "talking"), 6*second)
}

// While the disk hangs for ten seconds and Asterisk sends a thousand events a second, the gateway
// continues to read: Asterisk never waits for it and accepts new calls, and no talk is unseen.
func TestLiveStalledDiskStopsNoCall(t *testing.T) {
	t.Parallel()
	h := newHarness(t, talkingService, nil)
	h.start(t)
	file := "file:" + filepath.Join(h.dir, "ledger.db")
	db, err := sql.Open("sqlite", file+"?_txlock=immediate&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()         //nolint:errcheck // it only held a lock
	stall, err := db.Begin() // the gateway cannot commit
	if err != nil {
		t.Fatal(err)
	}
	const rate, lasts = 1000, 10 * time.Second
	ctx, cancel := context.WithTimeout(h.ctx, lasts)
	defer cancel()
	sent := make(chan int, 1)
	go func() { sent <- h.sendEvents(ctx, rate) }()
	h.operator(t, "op1", lab.Called(half).WaitBye())
	if err := h.caller(t, 0, lab.Calls().Pause(4*second).Bye()).Wait(h.ctx); err != nil {
		t.Errorf("a call during the stall: %v", err)
	}
	if n := <-sent; n < rate*int(lasts/second)*9/10 {
		t.Errorf("only %d events in %s, want %d a second: the test proves nothing", n, lasts, rate)
	}
	if strings.Contains(h.gw.Log(), `"event":"talk.started"`) {
		t.Error("the log has talk that cannot have been committed")
	}
	if err := stall.Rollback(); err != nil {
		t.Fatal(err)
	}
	rec := h.record(t, "talking")
	h.wantSameTalk(t, 0, rec)
	if rec.UnseenMs != 0 || strings.Contains(h.gw.Log(), "pbx.sync_lost") {
		t.Errorf("the gateway lost synchronization: %+v", rec)
	}
	if !strings.Contains(h.gw.Log(), "ledger.commit_failed") {
		t.Error("no commit failed: the disk did not stall")
	}
}

// sendEvents makes Asterisk send rate events a second to the gateway until ctx ends, and returns
// how many.
func (h *harness) sendEvents(ctx context.Context, rate int) (n int) {
	begin := time.Now()
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost,
			fmt.Sprintf("%s/events/user/chatter?application=risposta", h.pbx.URL()), nil)
		if err != nil {
			return n
		}
		req.SetBasicAuth(lab.ARIUser, lab.ARIPassword)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			continue // ctx has ended
		}
		if resp.Body.Close() == nil && resp.StatusCode == http.StatusNoContent {
			n++
		}
		// This keeps the rate.
		time.Sleep(time.Until(begin.Add(time.Duration(n) * time.Second / time.Duration(rate))))
	}
	return n
}
