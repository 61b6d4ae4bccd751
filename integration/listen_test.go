//go:build live

package integration

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/judge"
	"github.com/risposta/gateway/integration/lab"
)

var away = flag.Duration("away", 6*time.Second, "how long TestLiveARestartLosesNoTalk keeps the gateway away; `make test-long` takes a minute")

// hostedRig is a rig whose Asterisk connects to the gateway, with the drop-in files of deploy/asterisk/outbound.
func hostedRig(t *testing.T, services []service) *rig {
	t.Helper()
	return hostedRigUnder(t, gatewayConfig, services, nil)
}

func hostedRigUnder(t *testing.T, config string, services []service, more map[string]string) *rig {
	t.Helper()
	port, err := lab.FreePort("tcp")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	maps.Copy(files, more)
	for _, name := range []string{"websocket_client.conf", "ari.conf"} {
		text, err := os.ReadFile("../deploy/asterisk/outbound/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = strings.Replace(string(text), "127.0.0.1:8787", fmt.Sprintf("127.0.0.1:%d", port), 1)
	}
	r := newRigUnder(t, config, services, files)
	if err := r.gw.Listen(fmt.Sprintf("127.0.0.1:%d", port), "change-me-too"); err != nil {
		t.Fatal(err)
	}
	return r
}

// Asterisk keeps its events while the gateway is restarted: calls that began before, within and after, and even one wholly within, are metered as if
// nothing had happened.
// It runs by itself: beside other tests the CEL told of a hold's music 124 ms late.
func TestLiveARestartLosesNoTalk(t *testing.T) {
	services := []service{
		{name: "across", dialplan: "Progress(); Queue(across)", agents: []string{"op1"}, queues: queue("across", "", "PJSIP/op1")},
		{name: "within", dialplan: "Progress(); Queue(within)", agents: []string{"op2"}, queues: queue("within", "", "PJSIP/op2")},
		{name: "ends-within", dialplan: "Progress(); Queue(ends)", agents: []string{"op3"}, queues: queue("ends", "", "PJSIP/op3")},
		{name: "begins-within", dialplan: "Progress(); Queue(begins)", agents: []string{"op4"}, queues: queue("begins", "", "PJSIP/op4")},
		{name: "held", dialplan: "Progress(); Queue(held)", agents: []string{"op5"}, queues: queue("held", "", "PJSIP/op5")},
	}
	r := hostedRig(t, services)
	r.start(t)
	for i := range services {
		s := lab.Called(half).WaitBye()
		if i == 4 {
			s = lab.Called(half).Pause(second).Hold().Pause(*away + second).Unhold().WaitBye()
		}
		r.operator(t, services[i].agents[0], s)
	}
	talk := *away + 5*second
	parties := []*lab.Party{
		r.caller(t, 0, lab.Calls().Pause(talk).Bye()),
		r.caller(t, 2, lab.Calls().Pause(3*second).Bye()),
		r.caller(t, 4, lab.Calls().Pause(talk).Bye()),
	}
	r.logged(t, "talk.started", 3)
	r.logged(t, "talk.paused", 1)
	r.stop(t)
	if !strings.Contains(r.gw.Log(), `"event":"checkpoint.saved"`) {
		t.Fatalf("the gateway has not handed over:\n%s", r.gw.Log())
	}
	left := time.Now()
	within := r.caller(t, 1, lab.Calls().Pause(second).Bye())
	parties = append(parties, within, r.caller(t, 3, lab.Calls().Pause(talk).Bye()))
	if err := within.Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(left.Add(*away))) // being away for that long is what is tested
	if err := r.gw.Start(); err != nil {
		t.Fatal(err)
	}
	if err := r.gw.WaitReady(r.ctx, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	r.logged(t, "calls.resumed", 1)
	for _, p := range parties {
		if err := p.Wait(r.ctx); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range services {
		rec := r.record(t, s.name)
		if rec.UnseenMs != 0 || rec.TalkMs < 900 || slices.Contains(rec.Reasons, "unseen") {
			t.Errorf("%s: talk %d ms, unseen %d ms, %v; nothing was lost", s.name, rec.TalkMs, rec.UnseenMs, rec.Reasons)
		}
		r.sameTalk(t, i, rec)
	}
}

// sameTalk holds the record's talk against the CEL's, in the sum: the machine is busy with other tests.
func (r *rig) sameTalk(t *testing.T, i int, rec lab.Record) {
	t.Helper()
	want := judge.Sum(r.truth(t, i))
	if got := time.Duration(rec.TalkMs) * time.Millisecond; (got - want).Abs() > busy {
		t.Errorf("%s: talk %s, the CEL has %s", rec.Service, got, want)
	}
}

// A kill gives nobody time to hand over: what was on its way is lost, and the calls are unseen until a snapshot.
func TestLiveAKilledGatewayDoesNotTrustWhatItFinds(t *testing.T) {
	t.Parallel()
	r := hostedRig(t, talkingService)
	r.start(t)
	r.operator(t, "op1", lab.Called(half).WaitBye())
	caller := r.caller(t, 0, lab.Calls().Pause(8*second).Bye())
	r.logged(t, "talk.started", 1)
	if err := r.gw.Kill(r.ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.gw.Start(); err != nil {
		t.Fatal(err)
	}
	if err := r.gw.WaitReady(r.ctx, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := caller.Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	rec := r.record(t, "talking")
	truth := judge.Sum(r.truth(t, 0))
	talk := time.Duration(rec.TalkMs) * time.Millisecond
	if rec.UnseenMs == 0 || talk > truth || talk < truth-6*second {
		t.Errorf("talk %s, unseen %d ms of %s by the CEL; want some unseen, and no more talk than there was", talk, rec.UnseenMs, truth)
	}
}

// Who does not know the password is not let in, and the true PBX goes on being heard.
func TestLiveStrangersAreNotLetIn(t *testing.T) {
	t.Parallel()
	r := hostedRig(t, talkingService)
	r.start(t)
	for _, password := range []string{"", "change-me", "wrong"} {
		status, err := r.gw.Knock(r.ctx, "risposta", password)
		if err != nil || status != 401 {
			t.Errorf("with password %q: status %d, %v; want 401", password, status, err)
		}
	}
	r.canaries(t, 2)
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", r.gw.PID()))
	if err != nil || !regexp.MustCompile(`Max core file size +0 +0 `).Match(limits) {
		t.Errorf("the process may leave a core, in which numbers and passwords stand: %v\n%s", err, limits)
	}
}
