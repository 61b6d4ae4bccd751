package gateway

import (
	"time"

	"github.com/risposta/gateway/metering/quality"
)

// waitBook knows how many callers of each service wait for an operator, and how long the latest ones
// who were answered had waited. It lives as long as the gateway: at its start nothing is known. Its
// services are those of the configuration.
type waitBook struct {
	waiting map[string]int
	recent  map[string]*quality.Waits
}

func newWaitBook() waitBook {
	return waitBook{waiting: map[string]int{}, recent: map[string]*quality.Waits{}}
}

// joins counts a caller who has arrived, and returns how many others wait.
func (w waitBook) joins(service string) (ahead int) {
	ahead = w.waiting[service]
	w.waiting[service]++
	return ahead
}

// leaves counts a caller who waits no longer.
func (w waitBook) leaves(service string) { w.waiting[service] = max(0, w.waiting[service]-1) }

// answered notes a caller who was answered after a wait from the arrival on.
func (w waitBook) answered(service string, now time.Time, waited time.Duration, ahead int) {
	w.leaves(service)
	if w.recent[service] == nil {
		w.recent[service] = &quality.Waits{}
	}
	w.recent[service].Answered(now, waited, ahead)
}

// expect is how long a caller who has just arrived may expect to wait; 0: it is not known.
func (w waitBook) expect(service string, now time.Time) time.Duration {
	recent := w.recent[service]
	if recent == nil {
		return 0
	}
	wait, ok := recent.Expect(now, w.waiting[service]-1)
	if !ok {
		return 0
	}
	return max(wait, time.Second) // no wait at all is known, too
}
