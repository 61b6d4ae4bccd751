//go:build live

package integration

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/judge"
	"github.com/risposta/gateway/integration/lab"
)

// The gateway is down, or hangs, when a caller reaches the front desk: Asterisk continues, the
// operator talks, and the call is free.
func TestLiveCallsDoNotWaitForTheFrontDesk(t *testing.T) {
	t.Parallel()
	services := []service{
		servedBy("op1", "away", announcing),
		servedBy("op2", "stuck", announcing),
		servedBy("op3", "dies", announcing),
	}
	// Italian law itself requires no announcement. A call that reached the front desk is free all
	// the same.
	h := newHarnessWith(t, strings.Replace(frontDeskConfig, ", also: [announced, consent]", "", 1),
		services, nil)
	for i := range services {
		h.operator(t, services[i].agents[0], lab.Called(0).WaitBye())
	}
	talks := func(i int) {
		t.Helper()
		start := time.Now()
		if err := h.caller(t, i,
			lab.AtFrontDesk().Answered().Pause(2*second).Bye()).Wait(h.ctx); err != nil {
			t.Fatal(err)
		}
		// 2 s of talk, and the start and end of sipp. Without the timeout the call would never
		// reach its operator.
		if took := time.Since(start); took > 6*second {
			t.Errorf("%s: the call took %s", services[i].name, took)
		}
	}
	talks(0) // the gateway has not started
	h.start(t)
	if err := h.gw.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	talks(1)
	if err := h.gw.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if waited := h.beforeQueue(t, 1); waited > second {
		t.Errorf("a call waited %s for a hanging gateway, want 200 ms and a little", waited)
	}
	rec := h.record(t, "stuck")
	if rec.Charge.Amount != "0.00" || rec.Reasons[0] != "not_announced" || rec.TalkMs < 1500 {
		t.Errorf("a call without an announcement: %+v", rec)
	}
	// The gateway dies during the announcement: the caller waits 8 s at most.
	start := time.Now()
	caller := h.caller(t, 2, lab.AtFrontDesk().Answered().Pause(2*second).Bye())
	h.logged(t, "caller.at_desk", 2)
	if err := h.gw.Kill(h.ctx); err != nil {
		t.Fatal(err)
	}
	if err := caller.Wait(h.ctx); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	t.Logf("the gateway died during the announcement; with 2 s of talk the call took %s", took)
	if took > 16*second { // 8 s at the front desk, 2 s of talk; the rest is sipp and the log
		t.Errorf("the call took %s, want 16 s at most", took)
	}
	h.startAgain(t)
	if rec := h.record(t, "dies"); rec.Charge.Amount != "0.00" {
		t.Errorf("a call in which the gateway died was charged: %+v", rec)
	}
}

// beforeQueue is the time from the arrival of the i-th service's call to its Queue(), by the CEL.
func (h *harness) beforeQueue(t *testing.T, i int) time.Duration {
	t.Helper()
	var came, queued time.Time
	err := lab.Until(h.ctx, 10*second, "the start of Queue() in the CEL", func() error {
		cel, err := h.pbx.Log(h.ctx, "cel-custom/cel.csv")
		if err != nil {
			return err
		}
		for line := range strings.Lines(cel) {
			f := strings.Split(strings.ReplaceAll(line, `"`, ""), ",")
			if len(f) < 3 || f[2] != callerOf(i) {
				continue
			}
			at, err := judge.ParseTime(f[1])
			switch {
			case err != nil:
				return err
			case f[0] == "CHAN_START":
				came = at
			case f[0] == "APP_START" && strings.TrimSpace(f[len(f)-1]) != "risposta": // no Stasis
				queued = at
			}
		}
		if came.IsZero() || queued.IsZero() {
			return errors.New("not yet there")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %s from the call's arrival to Queue()", numberOf(i), queued.Sub(came))
	return queued.Sub(came)
}

// With an outbound WebSocket Asterisk keeps its events while the gateway is down, and the
// application stays registered: callers reach a front desk that does not respond. Their calls
// continue, and the gateway ignores the late requests when it is back.
func TestLiveFrontDeskWhileTheGatewayIsDown(t *testing.T) {
	t.Parallel()
	services := []service{
		servedBy("op1", "announced", announcing),
		servedBy("op2", "not-announced", announcing),
	}
	h := newListeningHarnessWith(t, strings.Replace(frontDeskConfig, "also: [announced, consent]",
		"also: [announced]", 1), services, longWait)
	h.start(t)
	for i := range services {
		h.operator(t, services[i].agents[0], lab.Called(0).WaitBye())
	}
	talks := func(i int) {
		t.Helper()
		if err := h.caller(t, i,
			lab.AtFrontDesk().Answered().Pause(2*second).Bye()).Wait(h.ctx); err != nil {
			t.Fatal(err)
		}
	}
	talks(0)
	if rec := h.record(t, "announced"); rec.Charge.Amount == "0.00" ||
		rec.Announcement.AnnouncedAt.IsZero() {
		t.Errorf("with the gateway running: %+v", rec)
	}
	h.stop(t)
	start := time.Now()
	talks(1)
	if took := time.Since(start); took > 6*second {
		t.Errorf("with the gateway down the call took %s", took)
	}
	h.startAgain(t)
	rec := h.record(t, "not-announced")
	if rec.Charge.Amount != "0.00" || rec.Reasons[0] != "not_announced" || rec.UnseenMs != 0 ||
		rec.TalkMs < 1500 {
		t.Errorf("with the gateway down: %+v; want talk, free without an announcement", rec)
	}
}
