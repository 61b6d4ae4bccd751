//go:build live

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// celFile writes what Asterisk's CEL has so far into the test's folder.
func (h *harness) celFile(t *testing.T) (text, file string) {
	t.Helper()
	text, err := h.pbx.Log(h.ctx, "cel-custom/cel.csv")
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(h.dir, "cel.csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return text, file
}

// The CEL of deploy/asterisk says the zone of its times, and shows a caller at the front desk.
func TestLiveCELShowsItsZoneAndTheFrontDesk(t *testing.T) {
	t.Parallel()
	services := []service{servedBy("op1", "announced", announcing)}
	h := newHarnessWith(t, frontDeskConfig, services, longWait)
	h.start(t)
	h.operator(t, "op1", lab.Called(0).WaitBye())
	caller := h.caller(t, 0, lab.AtFrontDesk().Pause(announcement).Keys("1").Answered().
		Pause(2*second).Bye())
	if err := caller.Wait(h.ctx); err != nil {
		t.Fatal(err)
	}
	h.record(t, "announced")
	text := ""
	err := lab.Until(h.ctx, 10*second, "the end of the call in the CEL", func() error {
		if text, _ = h.celFile(t); !strings.Contains(text, "LINKEDID_END") {
			return fmt.Errorf("not there: %s", text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	withOffset := regexp.MustCompile(
		`^"[A-Z_]+","\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d{4}",`)
	for row := range strings.Lines(text) {
		if !withOffset.MatchString(row) {
			t.Errorf("a row without the offset of its zone: %s", row)
		}
	}
	desk := regexp.MustCompile(`(?m)^"APP_START",.*,"announce","risposta"$`)
	if !desk.MatchString(text) {
		t.Errorf("no row has the caller at the front desk:\n%s", text)
	}
}

// While the gateway is down the operator transfers the caller to a surcharge number. The CEL shows
// it: the whole call is free, also the part that was seen.
func TestLiveReconcileFreesACallLedToASurchargeNumber(t *testing.T) {
	t.Parallel()
	h := newHarness(t, talkingService, outsideNumbers)
	h.start(t)
	h.operator(t, "op1", lab.Called(half).Pause(second).Hold().Pause(second).Unhold().
		Pause(5*second).Refer("899123456"))
	caller := h.caller(t, 0, lab.Calls().WaitBye())
	h.logged(t, "talk.started", 2)
	h.heartbeats(t, 2)
	if err := h.gw.Kill(h.ctx); err != nil {
		t.Fatal(err)
	}
	if err := caller.Wait(h.ctx); err != nil {
		t.Fatal(err)
	}
	if err := h.gw.Start(); err != nil {
		t.Fatal(err)
	}
	h.record(t, "talking")
	text, file := h.celFile(t)
	if !strings.Contains(text, `""extension"":""899123456""`) {
		t.Fatalf("the CEL has no transfer:\n%s", text)
	}
	out, code, err := h.gw.Command(h.ctx, "reconcile", "--apply", "--cel", file)
	if err != nil || code != 0 || !strings.Contains(out, "version 2 written: 0.00") {
		t.Errorf("reconcile: exit %d, %v:\n%s", code, err, out)
	}
}
