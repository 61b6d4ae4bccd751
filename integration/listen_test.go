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

var away = flag.Duration("away", 6*time.Second,
	"how long TestLiveRestartLosesNoTalk keeps the gateway away; `make test-long` takes a minute")

// newListeningHarness is a harness whose Asterisk connects to the gateway, with the files of
// deploy/asterisk/outbound.
func newListeningHarness(t *testing.T, services []service) *harness {
	t.Helper()
	return newListeningHarnessWith(t, gatewayConfig, services, nil)
}

func newListeningHarnessWith(
	t *testing.T, config string, services []service, more map[string]string,
) *harness {
	t.Helper()
	port, err := lab.FreePort("tcp")
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	files := map[string]string{}
	maps.Copy(files, more)
	for _, name := range []string{"websocket_client.conf", "ari.conf"} {
		text, err := os.ReadFile("../deploy/asterisk/outbound/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = strings.Replace(string(text), "127.0.0.1:8787", address, 1)
	}
	h := newHarnessWith(t, config, services, files)
	if err := h.gw.Listen(address, "change-me-too"); err != nil {
		t.Fatal(err)
	}
	return h
}

// Asterisk keeps its events while the gateway restarts. Calls that start before or during the
// restart, also one that starts and ends during it, are metered as if the gateway had run all the
// time. The test does not run in parallel: beside other tests the CEL showed a hold's music 124 ms
// late.
func TestLiveRestartLosesNoTalk(t *testing.T) {
	services := []service{
		servedBy("op1", "across", queued),
		servedBy("op2", "within", queued),
		servedBy("op3", "ends-within", queued),
		servedBy("op4", "begins-within", queued),
		servedBy("op5", "held", queued),
	}
	h := newListeningHarness(t, services)
	h.start(t)
	for i := range services {
		s := lab.Called(half).Speaks().WaitBye()
		if i == 4 {
			s = lab.Called(half).Speaks().Pause(second).Hold().Pause(*away + second).Unhold().WaitBye()
		}
		h.operator(t, services[i].agents[0], s)
	}
	talk := *away + 5*second
	parties := []*lab.Party{
		h.caller(t, 0, lab.Calls().Speaks().Pause(talk).Bye()),
		h.caller(t, 2, lab.Calls().Pause(3*second).Bye()),
		h.caller(t, 4, lab.Calls().Speaks().Pause(talk).Bye()),
	}
	h.logged(t, "talk.started", 3)
	h.logged(t, "talk.paused", 1)
	h.stop(t)
	if !strings.Contains(h.gw.Log(), `"event":"checkpoint.saved"`) {
		t.Fatalf("the gateway has saved no checkpoint:\n%s", h.gw.Log())
	}
	left := time.Now()
	within := h.caller(t, 1, lab.Calls().Pause(second).Bye())
	parties = append(parties, within, h.caller(t, 3, lab.Calls().Speaks().Pause(talk).Bye()))
	if err := within.Wait(h.ctx); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(left.Add(*away))) // the time away is what is tested
	h.startAgain(t)
	h.logged(t, "calls.resumed", 1)
	h.finish(t, parties...)
	for i, s := range services {
		rec := h.record(t, s.name)
		if rec.UnseenMs != 0 || rec.TalkMs < 900 || slices.Contains(rec.Reasons, "unseen") {
			t.Errorf("%s: talk %d ms, unseen %d ms, %v; want talk, and nothing unseen",
				s.name, rec.TalkMs, rec.UnseenMs, rec.Reasons)
		}
		h.wantSameTalk(t, i, rec)
	}
}

// wantSameTalk compares the sum of the record's talk with the CEL's, within busyTolerance.
func (h *harness) wantSameTalk(t *testing.T, i int, rec lab.Record) {
	t.Helper()
	want := judge.Sum(h.truth(t, i))
	if got := time.Duration(rec.TalkMs) * time.Millisecond; (got - want).Abs() > busyTolerance {
		t.Errorf("%s: talk %s, the CEL has %s", rec.Service, got, want)
	}
}

// A killed gateway saves no checkpoint: the events in transit are lost, and the calls are unseen
// until a snapshot.
func TestLiveKilledGatewayDoesNotResume(t *testing.T) {
	t.Parallel()
	h := newListeningHarness(t, talkingService)
	h.start(t)
	h.operator(t, "op1", lab.Called(half).WaitBye())
	caller := h.caller(t, 0, lab.Calls().Pause(8*second).Bye())
	h.logged(t, "talk.started", 1)
	if err := h.gw.Kill(h.ctx); err != nil {
		t.Fatal(err)
	}
	h.startAgain(t)
	if err := caller.Wait(h.ctx); err != nil {
		t.Fatal(err)
	}
	rec := h.record(t, "talking")
	truth := judge.Sum(h.truth(t, 0))
	talk := time.Duration(rec.TalkMs) * time.Millisecond
	if rec.UnseenMs == 0 || talk > truth || talk < truth-6*second {
		t.Errorf("talk %s, unseen %d ms; want some unseen, and no more talk than the CEL's %s",
			talk, rec.UnseenMs, truth)
	}
}

// The listener rejects wrong passwords, and still receives the PBX's events.
func TestLiveListenerRejectsWrongPasswords(t *testing.T) {
	t.Parallel()
	h := newListeningHarness(t, talkingService)
	h.start(t)
	for _, password := range []string{"", "change-me", "wrong"} {
		status, err := h.gw.RequestWebSocket(h.ctx, "risposta", password)
		if err != nil || status != 401 {
			t.Errorf("with password %q: status %d, %v; want 401", password, status, err)
		}
	}
	h.heartbeats(t, 2)
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", h.gw.PID()))
	if err != nil || !regexp.MustCompile(`Max core file size +0 +0 `).Match(limits) {
		t.Errorf("the process may write a core file, with numbers and passwords: %v\n%s",
			err, limits)
	}
}
