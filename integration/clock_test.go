//go:build live

package integration

import (
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// The PBX's clock is set forward while operator and caller talk, once by much and once in small
// steps: no second is charged that was not talk by the machine's boot clock.
func TestLongClockOfThePBXIsSetForward(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []time.Duration
	}{
		{"by-ten-minutes", []time.Duration{10 * time.Minute}},
		{"in-small-steps", []time.Duration{1500 * time.Millisecond, 3 * second, 4500 * time.Millisecond}},
		{"and-back", []time.Duration{time.Hour, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			clock, options, err := lab.NewClock(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			h := newHarnessWith(t, gatewayConfig, holdingService, nil, options...)
			h.start(t)
			h.operator(t, "op1", lab.Called(half).Speaks().WaitBye())
			began := time.Now() // before the talk, by the boot clock
			caller := h.caller(t, 0, lab.Calls().Speaks().Pause(12*second).Bye())
			h.logged(t, "talk.started", 1)
			for _, ahead := range c.steps {
				h.heartbeats(t, 2)
				if err := clock.SetAhead(ahead); err != nil {
					t.Fatal(err)
				}
			}
			if err := caller.Wait(h.ctx); err != nil {
				t.Error(err)
			}
			truth := time.Since(began)
			rec := h.record(t, "holding")
			wantTalk(t, rec, truth, truth)
			if rec.TalkMs == 0 {
				t.Errorf("nothing of the talk was seen: %+v", rec)
			}
		})
	}
}
