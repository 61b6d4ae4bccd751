package ari

import "time"

// Clock watches a PBX's clock against the boot clock of this machine, which nobody sets.
//
// The difference of the two clocks is bounded from both sides. The PBX stamps a heartbeat after the
// gateway has sent its request, so the difference is at most the timestamp less the sending. A
// frame arrives after the PBX has stamped it, so the difference is at least the timestamp less the
// arrival. Delays widen the bounds and raise no alarm. A timestamp above the upper bound comes from
// a clock that was set forward: talk across it would be charged for time that never passed. A clock
// that is set back makes talk shorter, which favours the caller; it only moves the bounds.
//
// The bounds never follow the clock upwards by more than [maxDrift], so steps that are each too
// small to notice are noticed together.
type Clock struct {
	upper, lower time.Duration // of the difference; upper as of since
	since        time.Duration // the boot clock at the last narrowing of upper
	running      bool
}

const (
	// clockTolerance is how far a timestamp may lie above the upper bound. Asterisk writes whole
	// milliseconds.
	clockTolerance = 20 * time.Millisecond
	// maxDrift is how much faster than this machine's clock another one may run, in parts per
	// million: the limit of the kernel's own clock discipline (adjtimex(2)).
	maxDrift = 500
)

// Heartbeat takes in a heartbeat: its timestamp by the PBX's clock, and when, by the boot clock,
// its request was sent and its frame arrived. Call it after [Clock.SetForward] has returned false.
func (c *Clock) Heartbeat(at time.Time, sent, arrived time.Duration) {
	upper, lower := difference(at, sent), difference(at, arrived)
	switch {
	case !c.running, upper < c.lower-clockTolerance: // the first one, or the clock was set back
		*c = Clock{upper: upper, lower: lower, since: arrived, running: true}
	case upper < c.limit(arrived):
		c.upper, c.since = upper, arrived
	}
	c.lower = max(c.lower, lower)
}

// SetForward reports whether the timestamp of a frame, which arrived at an instant of the boot
// clock, comes from a clock that was set forward. Until the first heartbeat it returns false.
func (c *Clock) SetForward(at time.Time, arrived time.Duration) bool {
	return c.running && difference(at, arrived) > c.limit(arrived)+clockTolerance
}

// Restart forgets what is known: the next heartbeat begins anew.
func (c *Clock) Restart() { *c = Clock{} }

// Limit is the upper bound of the difference at an instant of the boot clock, for a later run to go
// on with; ok is false before the first heartbeat.
func (c *Clock) Limit(now time.Duration) (limit time.Duration, ok bool) {
	return c.limit(now), c.running
}

// ResumeClock continues the clock of a former run of the same machine start: limit is what its Limit
// returned at that instant of the boot clock.
func ResumeClock(limit, at time.Duration) Clock {
	return Clock{upper: limit, lower: limit, since: at, running: true}
}

func (c *Clock) limit(now time.Duration) time.Duration {
	return c.upper + max(0, now-c.since)*maxDrift/1_000_000
}

func difference(at time.Time, boot time.Duration) time.Duration {
	return time.Duration(at.UnixNano()) - boot
}
