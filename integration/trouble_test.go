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

// atMost checks that a call's record has no more talk than the CEL, and how much less.
func (r *rig) atMost(t *testing.T, i int, rec lab.Record, missing time.Duration) {
	t.Helper()
	truth := judge.Sum(r.truth(t, i))
	talk := time.Duration(rec.TalkMs) * time.Millisecond
	if talk > truth+tolerance || talk < truth-missing {
		t.Errorf("%s: talk %s, the CEL has %s; want no more, and at most %s less", rec.Service, talk, truth, missing)
	}
}

// A reload changes nothing for calls and for us; a restart ends every call, and the next ones are metered.
func TestLiveAsteriskReloadsAndRestarts(t *testing.T) {
	t.Parallel()
	r := newRig(t, []service{talkingService[0], {name: "after", dialplan: "Progress(); Queue(after)", agents: []string{"op2"}, queues: queue("after", "", "PJSIP/op2")}}, nil)
	r.start(t)
	r.operator(t, "op1", lab.Called(half).WaitBye())
	caller := r.caller(t, 0, lab.Calls().Pause(4*second).Bye())
	r.logged(t, "talk.started", 1)
	if _, err := r.pbx.Console(r.ctx, "core reload"); err != nil {
		t.Fatal(err)
	}
	if err := caller.Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	r.sameTalk(t, 0, r.record(t, "talking"))
	r.operator(t, "op2", lab.Called(half).WaitBye())
	began := time.Now()
	r.caller(t, 1, lab.Calls().WaitBye()) // the restart ends its call: nobody may hear of it
	r.logged(t, "talk.started", 2)
	if _, err := r.pbx.Console(r.ctx, "core restart now"); err != nil && !strings.Contains(err.Error(), "exit status") {
		t.Fatal(err)
	}
	rec := r.record(t, "after")
	if talk := time.Duration(rec.TalkMs) * time.Millisecond; talk > time.Since(began) {
		t.Errorf("talk %s of a call that a restart ended", talk)
	}
	if err := r.gw.WaitReady(r.ctx, 30*second); err != nil {
		t.Error(err)
	}
}

// Another client takes our application's name: what follows is unseen until it is free again, and never charged.
func TestLiveASecondClientStealsTheApplication(t *testing.T) {
	t.Parallel()
	r := newRig(t, talkingService, nil)
	r.start(t)
	r.operator(t, "op1", lab.Called(half).WaitBye())
	caller := r.caller(t, 0, lab.Calls().Pause(12*second).Bye())
	r.logged(t, "talk.started", 1)
	thief, err := lab.StartApp(r.ctx, r.pbx.URL(), "risposta")
	if err != nil {
		t.Fatal(err)
	}
	r.logged(t, "pbx.sync_lost", 1)
	thief.Stop()
	if err := r.gw.WaitReady(r.ctx, 20*second); err != nil {
		t.Fatal(err)
	}
	if err := caller.Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	rec := r.record(t, "talking")
	if rec.UnseenMs == 0 || !strings.Contains(r.gw.Log(), "application_replaced") {
		t.Errorf("nothing is unseen: %+v", rec)
	}
	r.atMost(t, 0, rec, 8*second)
}

// A gateway that stands still (a suspended machine, a debugger) finds what came meanwhile in its socket, or has been cut off.
func TestLiveAStoppedGatewayCatchesUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, talkingService, nil)
	r.start(t)
	r.operator(t, "op1", lab.Called(half).Pause(2*second).Hold().Pause(2*second).Unhold().WaitBye())
	caller := r.caller(t, 0, lab.Calls().Pause(9*second).Bye())
	r.logged(t, "talk.started", 1)
	if err := r.gw.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * second) // standing still is what is tested
	if err := r.gw.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := caller.Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	r.atMost(t, 0, r.record(t, "talking"), 6*second)
}

// While the disk stands still for ten seconds and Asterisk says a thousand things a second, the gateway goes on reading: Asterisk never waits for it, takes new
// calls, and not a second of talk goes unseen.
func TestLiveAStalledDiskStopsNoCall(t *testing.T) {
	t.Parallel()
	r := newRig(t, talkingService, nil)
	r.start(t)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(r.dir, "ledger.db")+"?_txlock=immediate&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()         //nolint:errcheck // it held a lock, no more
	stall, err := db.Begin() // nobody else can commit
	if err != nil {
		t.Fatal(err)
	}
	const rate, lasts = 1000, 10 * time.Second
	ctx, cancel := context.WithTimeout(r.ctx, lasts)
	defer cancel()
	said := make(chan int, 1)
	go func() { said <- r.chatter(ctx, rate) }()
	r.operator(t, "op1", lab.Called(half).WaitBye())
	if err := r.caller(t, 0, lab.Calls().Pause(4*second).Bye()).Wait(r.ctx); err != nil {
		t.Errorf("a call that came while the disk stood still: %v", err)
	}
	if n := <-said; n < rate*int(lasts/second)*9/10 {
		t.Errorf("only %d events in %s, want %d a second: nothing is proved", n, lasts, rate)
	}
	if strings.Contains(r.gw.Log(), `"event":"talk.started"`) {
		t.Error("the log tells of talk that can't have been committed")
	}
	if err := stall.Rollback(); err != nil {
		t.Fatal(err)
	}
	rec := r.record(t, "talking")
	r.sameTalk(t, 0, rec)
	if rec.UnseenMs != 0 || strings.Contains(r.gw.Log(), "pbx.sync_lost") {
		t.Errorf("sight was lost: %+v", rec)
	}
	if !strings.Contains(r.gw.Log(), "ledger.commit_failed") {
		t.Error("no commit failed: the disk did not stand still")
	}
}

// chatter makes Asterisk say so many events a second to the gateway, and counts them.
func (r *rig) chatter(ctx context.Context, rate int) (n int) {
	begin := time.Now()
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s/events/user/chatter?application=risposta", r.pbx.URL()), nil)
		if err != nil {
			return n
		}
		req.SetBasicAuth(lab.ARIUser, lab.ARIPassword)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			continue // the end of ctx
		}
		if resp.Body.Close() == nil && resp.StatusCode == http.StatusNoContent {
			n++
		}
		time.Sleep(time.Until(begin.Add(time.Duration(n) * time.Second / time.Duration(rate)))) // the rhythm
	}
	return n
}
