package mediation

import "time"

// clock watches the PBX's clock against ours. How far a frame's timestamp lies ahead of its arrival is the difference of the two clocks less the
// time it took to come; its greatest value of late is the best guess at the difference. A timestamp well beyond it comes from a clock that was
// set forward, and talk across that would be charged for time that never was. Delays only make the value smaller, so a stalled
// reader raises no alarm; a clock set back makes talk shorter, which is the caller's.
type clock struct {
	best, former time.Duration // greatest lead in this span, and in the one before
	turned       time.Time     // when this span began, by our clock
	running      bool
}

const (
	// clockSpan is how long the best guess is kept: one to two spans. It must outlast the pauses between canaries many times.
	clockSpan = time.Minute
	// clockJump is how far ahead of the best guess a timestamp may lie: well over any delay's variation, well under a second charged wrongly
	// that would matter. Clocks that are kept by NTP step by less.
	clockJump = 2 * time.Second
)

// start begins anew: each new sight does, with the timestamp and the arrival of its canary.
func (c *clock) start(at, arrived time.Time) {
	lead := at.Sub(arrived)
	*c = clock{best: lead, former: lead, turned: arrived, running: true}
}

// jumped takes in one frame's timestamp and arrival, and tells whether the PBX's clock was set forward before it.
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
