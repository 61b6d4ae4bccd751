package mediation_test

import (
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/mediation"
)

// tick is a frame that came after so many seconds, with a timestamp of so many seconds.
func tick(came, stamp float64) ari.Frame {
	at := dawn.Add(time.Duration(stamp * float64(time.Second)))
	return ari.Frame{
		Raw: aritest.Frame(ari.Event{Kind: ari.Heartbeat, At: at, Node: "pbx"}),
		// Our clock is an hour off the PBX's: only differences may count.
		Arrived: dawn.Add(time.Hour + time.Duration(came*float64(time.Second))),
	}
}

func TestAClockSetForwardIsNoticedAndNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		frames []ari.Frame
		jumps  int
	}{
		"steady":                  {[]ari.Frame{tick(0, 0), tick(1, 1), tick(2, 2), tick(100, 100), tick(200, 200)}, 0},
		"set forward":             {[]ari.Frame{tick(0, 0), tick(1, 1), tick(2, 3602), tick(3, 3603)}, 1},
		"twice":                   {[]ari.Frame{tick(0, 0), tick(1, 11), tick(2, 12), tick(3, 23)}, 2},
		"slightly":                {[]ari.Frame{tick(0, 0), tick(1, 2.9)}, 0},
		"we stood still":          {[]ari.Frame{tick(0, 0), tick(30, 1), tick(30, 2), tick(30, 29), tick(30, 30)}, 0},
		"set back":                {[]ari.Frame{tick(0, 3600), tick(1, 1), tick(2, 2)}, 0},
		"set back, later forward": {[]ari.Frame{tick(0, 3600), tick(1, 1), tick(61, 61), tick(122, 122), tick(183, 183), tick(184, 3784)}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := mediation.New(traceRules(t))
			var out mediation.Output
			for _, f := range c.frames {
				p.Feed(f, &out)
			}
			if out.ClockJumps != c.jumps {
				t.Errorf("%d jumps were noticed, want %d", out.ClockJumps, c.jumps)
			}
		})
	}
}
