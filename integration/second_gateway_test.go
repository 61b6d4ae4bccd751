//go:build live

package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

func TestLiveSecondGateway(t *testing.T) {
	t.Parallel()
	h := newHarness(t, talkingService, nil)
	h.start(t)
	out, code, err := h.gw.Command(h.ctx, "run")
	if err != nil || code != 1 || !strings.Contains(out, "another gateway is writing this ledger") {
		t.Errorf("a second gateway on the same ledger: exit %d, %v: %s", code, err, out)
	}
	dir := t.TempDir()
	config := strings.ReplaceAll(gatewayConfig, `csv: "{{dir}}/exempt.csv"`, "timeout: 1s") +
		"services:\n  - {number: \"2001\", context: from-trunk}\n"
	other, err := lab.NewGateway(gatewayBinary, dir, h.pbx.URL(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if code, err := other.Terminate(context.WithoutCancel(h.ctx)); err != nil || code != 0 {
			t.Errorf("the second gateway ended with %d, %v", code, err)
		}
	})
	err = lab.Until(h.ctx, 20*time.Second, "the second gateway to log why it cannot connect",
		func() error {
			if !strings.Contains(other.Log(), "is already connected to this PBX") {
				return fmt.Errorf("its log:\n%s", other.Log())
			}
			return nil
		})
	if err != nil {
		t.Error(err)
	}
	h.operator(t, "op1", lab.Called(half).WaitBye())
	if err := h.caller(t, 0, lab.Calls().Pause(2*time.Second).Bye()).Wait(h.ctx); err != nil {
		t.Fatal(err)
	}
	if rec := h.record(t, "talking"); rec.UnseenMs != 0 || rec.TalkMs < 1900 {
		t.Errorf("the second gateway disturbed the first: %+v", rec)
	}
}
