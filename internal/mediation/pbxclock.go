package mediation

import "time"

// clock watches the PBX's clock against the gateway's. The timestamp of a frame, less its arrival, is
// the difference of the two clocks less the time that the frame took. The greatest recent value is
// the best estimate of the difference. A timestamp well above it comes from a clock that was set
// forward: talk across it would be charged for time that never passed. Delays only make the value
// smaller, so a reader that stalls raises no alarm. A clock that is set back makes talk shorter,
// which favours the caller.
type clock struct {
	best, former time.Duration // the greatest value in this span, and in the one before
	turned       time.Time     // start of this span, by the gateway's clock
	running      bool
}

const (
	// clockSpan is how long the estimate is kept: one to two spans. It must be many times longer than
	// the pause between heartbeats.
	clockSpan = time.Minute
	// clockJump is how far above the estimate a timestamp may lie: well over the variation of delays,
	// well under what would matter if it were charged. Clocks kept by NTP step by less.
	clockJump = 2 * time.Second
)

// start begins anew. Each new snapshot does, with the timestamp and the arrival of its heartbeat.
func (c *clock) start(at, arrived time.Time) {
	lead := at.Sub(arrived)
	*c = clock{best: lead, former: lead, turned: arrived, running: true}
}

// jumped takes in the timestamp and the arrival of one frame, and reports whether the PBX's clock was
// set forward before it.
func (c *clock) jumped(at, arrived time.Time) bool {
	lead := at.Sub(arrived)
	if !c.running {
		c.start(at, arrived)
		return false
	}
	if lead > max(c.best, c.former)+clockJump {
		c.start(at, arrived)
		return true
	}
	if arrived.Sub(c.turned) >= clockSpan {
		c.former, c.best, c.turned = c.best, lead, arrived
	}
	c.best = max(c.best, lead)
	return false
}
