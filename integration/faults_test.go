//go:build live

package integration

import (
	"context"
	"fmt"
	"net/http"
	"os"
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
	name: "talking", dialplan: "Progress(); Queue(talking)", agents: []string{"op1"}, queues: "[talking]\nmember => PJSIP/op1",
}}

// truth is what the CEL says of the one call of the i-th service, once it is over.
func (r *rig) truth(t *testing.T, i int) (talks []judge.Talk) {
	t.Helper()
	err := lab.Until(r.ctx, 10*time.Second, "the CEL of the call to be complete", func() error {
		cel, err := r.pbx.Log(r.ctx, "cel-custom/cel.csv")
		if err != nil {
			return err
		}
		ids, err := judge.Calls(cel, callerOf(i))
		if err != nil || len(ids) != 1 {
			return fmt.Errorf("calls %v: %w", ids, err)
		}
		talks, err = judge.Truth(cel, ids[0], "PJSIP/op*")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return talks
}

// busy is the tolerance of tests that run beside each other, each with an Asterisk of its own: there the CEL's timestamps of a hold lag by
// some tens of milliseconds. What these tests are about is seconds.
const busy = 100 * time.Millisecond

// within checks that every stretch that was counted lies inside one that was talk.
func within(t *testing.T, rec lab.Record, truth []judge.Talk) {
	t.Helper()
	for _, got := range rec.Talk {
		if !slices.ContainsFunc(truth, func(w judge.Talk) bool {
			return got.From.After(w.From.Add(-busy)) && got.To.Before(w.To.Add(busy))
		}) {
			t.Errorf("charged from %s to %s, which was not all talk: %+v", got.From, got.To, truth)
		}
	}
}

func TestLiveGatewayKilledMidTalkLosesNoCallAndChargesNothingUnseen(t *testing.T) {
	t.Parallel()
	r := newRig(t, talkingService, nil)
	r.start(t)
	r.operator(t, "op1", lab.Called(half).WaitBye())
	caller := r.caller(t, 0, lab.Calls().Pause(8*time.Second).Bye())
	r.logged(t, "talk.started", 1)
	r.canaries(t, 2)
	if err := r.gw.Kill(r.ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.gw.Start(); err != nil {
		t.Fatal(err)
	}
	r.logged(t, "calls.restored", 1)
	r.logged(t, "talk.started", 1) // of the new process: nobody is on hold, as the PBX itself says
	if err := caller.Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	rec := r.record(t, "talking")
	truth := r.truth(t, 0)
	within(t, rec, truth)
	if rec.Outcome != "talked" || rec.UnseenMs == 0 || len(rec.Talk) != 2 || !slices.Contains(rec.Reasons, "unseen") {
		t.Errorf("want two stretches of talk with an unseen one between: %+v", rec)
	}
	defer r.reconciles(t, judge.Sum(truth))
	if sum := judge.Sum(truth); time.Duration(rec.TalkMs+rec.UnseenMs)*time.Millisecond > sum+busy || rec.TalkMs < 1500 {
		t.Errorf("talk %d ms and unseen %d ms in %s of talk", rec.TalkMs, rec.UnseenMs, sum)
	}
}

// reconciles proves the unseen time of the only call from Asterisk's own logs, as an operator would the next morning.
func (r *rig) reconciles(t *testing.T, truth time.Duration) {
	t.Helper()
	args := []string{"reconcile", "--apply"}
	for flag, log := range map[string]string{"--cel": "cel-custom/cel.csv", "--cdr": "cdr-custom/cdr.csv", "--queue-log": "queue_log"} {
		text, err := r.pbx.Log(r.ctx, log)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(r.dir, filepath.Base(log))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, flag, file)
	}
	out, code, err := r.gw.Command(r.ctx, args...)
	if err != nil || code != 0 || !strings.Contains(out, "version 2 written") {
		t.Fatalf("reconcile: exit %d, %v:\n%s", code, err, out)
	}
	records, err := r.gw.Records(r.ctx, "talking")
	if err != nil || len(records) != 1 {
		t.Fatalf("%d records, %v; want the newest alone", len(records), err)
	}
	if talk := time.Duration(records[0].TalkMs) * time.Millisecond; (talk-truth).Abs() > busy || records[0].UnseenMs != 0 {
		t.Errorf("after reconciling talk is %s and %d ms unseen, the CEL has %s", talk, records[0].UnseenMs, truth)
	}
	if out, code, err := r.gw.Command(r.ctx, "verify"); err != nil || code != 0 {
		t.Errorf("verify: exit %d, %v:\n%s", code, err, out)
	}
}

func TestLiveHoldDuringARestartIsNotCharged(t *testing.T) {
	t.Parallel()
	r := newRig(t, []service{
		{
			name: "holding", dialplan: "Progress(); Queue(first)", agents: []string{"op1", "op2"},
			queues: "[first]\nmember => PJSIP/op1\n[second]\nmember => PJSIP/op2",
		},
		{name: "target", dialplan: "Queue(second)"},
	}, nil)
	r.start(t)
	r.operator(t, "op1", holdsAndTransfers(half, numberOf(1)))
	r.operator(t, "op2", lab.Called(half).WaitBye())
	caller := r.caller(t, 0, lab.Calls().Pause(9*time.Second).Bye())
	r.logged(t, "talk.paused", 1) // on hold
	if err := r.gw.Kill(r.ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.gw.Start(); err != nil {
		t.Fatal(err)
	}
	r.logged(t, "gap.ended", 1)
	if !strings.Contains(r.gw.Log(), `"event":"gap.ended"`) || !strings.Contains(r.gw.Log(), `"state":"held"`) {
		t.Errorf("the snapshot must show the hold:\n%s", r.gw.Log())
	}
	if err := caller.Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	rec := r.record(t, "holding")
	within(t, rec, r.truth(t, 0))
	if len(rec.Talk) != 3 || rec.HeldMs == 0 {
		t.Errorf("want talk before the hold, after it, and with the second operator: %+v", rec)
	}
}

func TestLiveAsteriskCrashEndsTheCallAtTheLastSureInstant(t *testing.T) {
	t.Parallel()
	r := newRig(t, talkingService, nil)
	r.start(t)
	r.operator(t, "op1", lab.Called(half).WaitBye())
	r.caller(t, 0, lab.Calls().Pause(time.Minute).Bye())
	r.logged(t, "talk.started", 1)
	if err := r.pbx.Kill(r.ctx); err != nil {
		t.Fatal(err)
	}
	crashed := time.Now() // it is dead by now
	r.logged(t, "pbx.sync_lost", 1)
	if status, _, err := r.gw.Ready(r.ctx); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d, %v without a PBX; want 503", status, err)
	}
	if status, _, err := r.gw.Get(r.ctx, "/healthz"); err != nil || status != http.StatusOK {
		t.Errorf("/healthz answers %d, %v; want 200: the process is well", status, err)
	}
	var err error
	if r.pbx, err = lab.StartAsteriskAt(r.ctx, filepath.Join(r.dir, "etc"), r.files, r.pbx.SIPPort, r.pbx.ARIPort); err != nil {
		t.Fatal(err)
	}
	if err := r.gw.WaitReady(r.ctx, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	rec := r.record(t, "talking")
	if rec.Outcome != "uncertain" || !slices.Contains(rec.Reasons, "end_unseen") {
		t.Errorf("the end of the call was not seen: %+v", rec)
	}
	if len(rec.Talk) > 1 || len(rec.Talk) == 1 && rec.Talk[0].To.After(crashed) {
		t.Errorf("talk counted after the crash at %s: %+v", crashed.UTC(), rec.Talk)
	}
}

func TestLivePBXUnreachableAtStart(t *testing.T) {
	t.Parallel()
	r := newRig(t, talkingService, nil)
	if err := r.pbx.Kill(r.ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.gw.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.stop(t) })
	r.logged(t, "pbx.unreachable", 2)
	if status, body, err := r.gw.Ready(r.ctx); err != nil || status != http.StatusServiceUnavailable || !strings.Contains(body, "live: not synced") {
		t.Errorf("/readyz answers %d %q, %v; want 503 with the PBX's name", status, body, err)
	}
	var err error
	if r.pbx, err = lab.StartAsteriskAt(r.ctx, filepath.Join(r.dir, "etc"), r.files, r.pbx.SIPPort, r.pbx.ARIPort); err != nil {
		t.Fatal(err)
	}
	if err := r.gw.WaitReady(r.ctx, 20*time.Second); err != nil {
		t.Error(err)
	}
}

func TestLiveCallInTheQueueHasNoChargeYet(t *testing.T) {
	t.Parallel()
	r := newRig(t, talkingService, nil)
	r.start(t)
	r.operator(t, "op1", lab.Ringing().Cancelled())
	caller := r.caller(t, 0, lab.GivesUp(15*time.Second)) // longer than the looking takes on a busy machine
	r.logged(t, "queue.joined", 1)
	if recs, err := r.gw.Records(r.ctx, "talking"); err != nil || len(recs) != 0 {
		t.Errorf("records while the call waits: %v, %v; want none", recs, err)
	}
	cel, err := r.pbx.Log(r.ctx, "cel-custom/cel.csv")
	if err != nil {
		t.Fatal(err)
	}
	ids, err := judge.Calls(cel, callerOf(0))
	if err != nil || len(ids) != 1 {
		t.Fatalf("calls %v, %v", ids, err)
	}
	text, code, err := r.gw.Command(r.ctx, "explain", ids[0])
	if err != nil || code != 0 || !strings.Contains(text, "nothing is charged yet") || strings.Contains(text, "CHARGED") {
		t.Errorf("explain of a waiting call: exit %d, %v:\n%s", code, err, text)
	}
	if err := caller.Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	if rec := r.record(t, "talking"); rec.Outcome != "abandoned" || rec.Charge.Amount != "0.00" {
		t.Errorf("want an abandoned call at 0: %+v", rec)
	}
}

func TestLiveExemptCallerPaysNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, talkingService, nil)
	list := "number,from,until,ref\n" + callerOf(0) + ",2020-01-01,,e-1\n"
	if err := os.WriteFile(filepath.Join(r.dir, "exempt.csv"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	r.start(t)
	r.operator(t, "op1", lab.Called(half).WaitBye())
	if err := r.caller(t, 0, lab.Calls().Pause(2*time.Second).Bye()).Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	rec := r.record(t, "talking")
	if !rec.Exempt || rec.Charge.Amount != "0.00" || rec.TalkMs < 1900 || rec.Reasons[0] != "exempt" {
		t.Errorf("want an exempt caller's talk at 0: %+v", rec)
	}
}

func TestLiveSecondGatewayHarmsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, talkingService, nil)
	r.start(t)
	out, code, err := r.gw.Command(r.ctx, "run")
	if err != nil || code != 1 || !strings.Contains(out, "another gateway is writing this ledger") {
		t.Errorf("a second gateway on the same ledger: exit %d, %v: %s", code, err, out)
	}
	dir := t.TempDir()
	other, err := lab.NewGateway(gatewayBinary, dir, r.pbx.URL(), strings.ReplaceAll(gatewayConfig, `csv: "{{dir}}/exempt.csv"`, "timeout: 1s")+
		"services:\n  - {number: \"2001\", context: from-trunk}\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if code, err := other.Terminate(context.WithoutCancel(r.ctx)); err != nil || code != 0 {
			t.Errorf("the second gateway ended with %d, %v", code, err)
		}
	})
	err = lab.Until(r.ctx, 20*time.Second, "the second gateway to say why it can't connect", func() error {
		if !strings.Contains(other.Log(), "is already connected to this PBX") {
			return fmt.Errorf("it says:\n%s", other.Log())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	r.operator(t, "op1", lab.Called(half).WaitBye())
	if err := r.caller(t, 0, lab.Calls().Pause(2*time.Second).Bye()).Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	if rec := r.record(t, "talking"); rec.UnseenMs != 0 || rec.TalkMs < 1900 {
		t.Errorf("the first gateway must not have been disturbed: %+v", rec)
	}
}
