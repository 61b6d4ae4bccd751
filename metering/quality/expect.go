package quality

import "time"

// The bounds of what an expected wait is told from: the latest answers, of the last hour. From fewer
// than minExpect nothing is told.
const (
	maxExpect    = 32
	minExpect    = 3
	recentExpect = time.Hour
)

// Waits are the latest waits for an operator on one service. The zero value knows of none.
type Waits struct {
	latest [maxExpect]answered
	n      int // so far
}

// answered is how long a caller waited, and how many waited then, that one among them.
type answered struct {
	at      time.Time
	waited  time.Duration
	waiting int
}

// Answered notes a caller who was answered at an instant, after waiting so long, and who was behind
// so many others on arrival.
func (w *Waits) Answered(at time.Time, waited time.Duration, ahead int) {
	w.latest[w.n%maxExpect] = answered{at: at, waited: max(0, waited), waiting: max(0, ahead) + 1}
	w.n++
}

// Expect is how long a caller may expect to wait who is behind so many others now: the place in the
// queue, times what each place took on average in the recent waits. ok is false where too few recent
// ones are known to tell.
func (w *Waits) Expect(now time.Time, ahead int) (wait time.Duration, ok bool) {
	var total time.Duration
	n := 0
	for _, a := range w.latest[:min(w.n, maxExpect)] {
		if age := now.Sub(a.at); age < recentExpect {
			total += a.waited / time.Duration(a.waiting)
			n++
		}
	}
	if n < minExpect {
		return 0, false
	}
	return total / time.Duration(n) * time.Duration(max(0, ahead)+1), true
}
