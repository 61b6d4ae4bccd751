//go:build live

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/judge"
	"github.com/risposta/gateway/integration/lab"
)

func TestLiveWaitingCallHasNoCharge(t *testing.T) {
	t.Parallel()
	h := newHarness(t, talkingService, nil)
	h.start(t)
	h.operator(t, "op1", lab.Ringing().Cancelled())
	// The caller waits longer than the checks below take on a busy machine.
	caller := h.caller(t, 0, lab.GivesUp(15*time.Second))
	h.logged(t, "queue.joined", 1)
	if recs, err := h.gw.Records(h.ctx, "talking"); err != nil || len(recs) != 0 {
		t.Errorf("records while the call waits: %v, %v; want none", recs, err)
	}
	cel, err := h.pbx.Log(h.ctx, "cel-custom/cel.csv")
	if err != nil {
		t.Fatal(err)
	}
	ids, err := judge.Calls(cel, callerOf(0))
	if err != nil || len(ids) != 1 {
		t.Fatalf("calls %v, %v", ids, err)
	}
	text, code, err := h.gw.Command(h.ctx, "explain", ids[0])
	if err != nil || code != 0 || !strings.Contains(text, "nothing is charged yet") ||
		strings.Contains(text, "CHARGED") {
		t.Errorf("explain of a waiting call: exit %d, %v:\n%s", code, err, text)
	}
	if err := caller.Wait(h.ctx); err != nil {
		t.Fatal(err)
	}
	if rec := h.record(t, "talking"); rec.Outcome != "abandoned" || rec.Charge.Amount != "0.00" {
		t.Errorf("want an abandoned call at 0: %+v", rec)
	}
}

func TestLiveExemptCallerPaysNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, talkingService, nil)
	list := "number,from,until,ref\n" + callerOf(0) + ",2020-01-01,,e-1\ntotal,1,,\n"
	if err := os.WriteFile(filepath.Join(h.dir, "exempt.csv"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	h.start(t)
	h.operator(t, "op1", lab.Called(half).WaitBye())
	if err := h.caller(t, 0, lab.Calls().Pause(2*time.Second).Bye()).Wait(h.ctx); err != nil {
		t.Fatal(err)
	}
	rec := h.record(t, "talking")
	if !rec.Exempt || rec.Charge.Amount != "0.00" || rec.TalkMs < 1900 ||
		rec.Reasons[0] != "exempt" {
		t.Errorf("want an exempt caller's talk at 0: %+v", rec)
	}
}
