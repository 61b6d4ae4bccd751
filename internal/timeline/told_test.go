package timeline

import (
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
)

func TestWhatWasToldOfTheWaitIsShown(t *testing.T) {
	at := metering.Time{Time: time.Date(2026, 11, 23, 10, 0, 8, 0, time.UTC)}
	for want, a := range map[string]metering.Announcement{
		"": {},
		"the front desk announced until 10:00:08.000 that the wait is free and its length not known\n": {
			WaitToldAt: at,
		},
		"the front desk announced until 10:00:08.000 that the wait is free and expected to take 3 min\n": {
			WaitToldAt: at, WaitSeconds: 180,
		},
	} {
		if got := waitTold(&a); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
