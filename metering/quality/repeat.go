package quality

import (
	"cmp"
	"slices"
	"time"
)

// Arrival is what [Repeats] needs of a call.
type Arrival struct {
	Service string
	Caller  string // the pseudonym; a call without one is not counted
	At      time.Time
}

// Repeats counts which calls that arrived at from or later, and before until, were a caller's
// first, and which were followed by another of the same caller to the same service, for each of
// [RepeatDays]. The arrivals must cover [MaxRepeat] before from and after until: a call of which it
// is not known yet whether another follows is not counted as one without. The rows are of services,
// in order of their keys, whatever the order of the arrivals.
func Repeats(arrivals []Arrival, from, until time.Time) []Row {
	sorted := slices.Clone(arrivals)
	slices.SortFunc(sorted, func(a, b Arrival) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Caller, b.Caller),
			a.At.Compare(b.At))
	})
	var rows []Row
	for i, a := range sorted {
		if a.Caller == "" || a.At.Before(from) || !a.At.Before(until) {
			continue
		}
		before, after := farther, farther
		if i > 0 && sorted[i-1].sameCaller(a) {
			before = a.At.Sub(sorted[i-1].At)
		}
		if i+1 < len(sorted) && sorted[i+1].sameCaller(a) {
			after = sorted[i+1].At.Sub(a.At)
		}
		at := a.At.UTC()
		row := Row{Key: Key{Day: at.Format(time.DateOnly), Hour: at.Hour(), Service: a.Service}}
		for d, days := range RepeatDays {
			within := time.Duration(days) * day
			again, repeated := before <= within, after <= within
			row.Repeat.First[d], row.Repeat.Again[d] = one(!again), one(again)
			row.Repeat.FirstRepeated[d] = one(!again && repeated)
		}
		rows = append(rows, row)
	}
	return Merge(rows)
}

// farther is the time to another call where there is none near enough to be a repeat.
const farther = MaxRepeat + 1

func (a Arrival) sameCaller(b Arrival) bool {
	return a.Service == b.Service && a.Caller == b.Caller
}
