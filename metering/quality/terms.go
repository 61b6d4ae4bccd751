package quality

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// RepeatDays are the numbers of days for which [Repeats] counts who called again.
var RepeatDays = [...]int64{1, 3, 7}

// MaxRepeat is the longest time after a call in which another one is a repeat.
const MaxRepeat = 7 * day

const day = 24 * time.Hour

// shortBorders are those of [Borders] up to which an abandoned call may be called short, in
// seconds.
var shortBorders = []int64{5, 10, 20, 30, 60}

// Terms are what a company decides for its report. The counts do not depend on them, so a report of
// other terms can be made of the same counts.
type Terms struct {
	// A caller who hangs up after waiting this long or less abandons the call in short.
	ShortAbandon time.Duration
	// Within how long another call of the same caller is a repeat.
	RepeatWithin time.Duration
}

// The terms as definitions name them.
const (
	shortAbandon = "short_abandon"
	repeatWithin = "repeat_within"
)

// DefaultTerms are those of a report where nothing else is said.
func DefaultTerms() Terms { return Terms{ShortAbandon: 5 * time.Second, RepeatWithin: 7 * day} }

// ShortAbandons are the values that ShortAbandon may have: the counts tell no others.
func ShortAbandons() []time.Duration { return durations(shortBorders, time.Second) }

// RepeatsWithin are the values that RepeatWithin may have: the counts tell no others.
func RepeatsWithin() []time.Duration { return durations(RepeatDays[:], day) }

func durations(ns []int64, unit time.Duration) (all []time.Duration) {
	for _, n := range ns {
		all = append(all, time.Duration(n)*unit)
	}
	return all
}

// Check fails for terms that the counts cannot tell.
func (t Terms) Check() error {
	for _, c := range []struct {
		name  string
		value time.Duration
		all   []time.Duration
	}{
		{shortAbandon, t.ShortAbandon, ShortAbandons()}, {repeatWithin, t.RepeatWithin, RepeatsWithin()},
	} {
		if !slices.Contains(c.all, c.value) {
			return fmt.Errorf("%s: %s is none of %s, which the counts tell", c.name, c.value, list(c.all))
		}
	}
	return nil
}

func list(all []time.Duration) string {
	var texts []string
	for _, d := range all {
		texts = append(texts, d.String())
	}
	return strings.Join(texts, ", ")
}

// short is the number of calls abandoned in short.
func (t Terms) short(c Counts) int64 {
	return c.AbandonedWait.Within(int64(t.ShortAbandon / time.Second))
}

// first is the number of first calls, and of those that were followed by another in time.
func (t Terms) first(c Counts) (first, repeated int64) {
	i := slices.Index(RepeatDays[:], int64(t.RepeatWithin/day))
	if i < 0 {
		panic("quality: repeats are not counted for so many days")
	}
	return c.Repeat.First[i], c.Repeat.FirstRepeated[i]
}
