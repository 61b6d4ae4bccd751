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
// first, and which were followed by another of the same caller to the same service, within so long.
// The arrivals must cover that long before from and after until: a call of which it is not known
// yet whether another follows is not counted as one without. The rows are of services, in order of
// their keys, whatever the order of the arrivals.
func Repeats(arrivals []Arrival, from, until time.Time, within time.Duration) []Row {
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
		again := i > 0 && sorted[i-1].sameCaller(a) && a.At.Sub(sorted[i-1].At) <= within
		repeated := i+1 < len(sorted) && sorted[i+1].sameCaller(a) &&
			sorted[i+1].At.Sub(a.At) <= within
		at := a.At.UTC()
		rows = append(rows, Row{
			Key{Day: at.Format(time.DateOnly), Hour: at.Hour(), Service: a.Service},
			Counts{Repeat: Repeat{
				First: one(!again), FirstRepeated: one(!again && repeated), Again: one(again),
			}},
		})
	}
	return Merge(rows)
}

func (a Arrival) sameCaller(b Arrival) bool {
	return a.Service == b.Service && a.Caller == b.Caller
}
