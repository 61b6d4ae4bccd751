package quality_test

import (
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering/quality"
)

func TestRepeatsAgreeWithEveryPair(t *testing.T) {
	arrivals := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) quality.Arrival {
		return quality.Arrival{
			Service: rapid.SampledFrom([]string{"1001", "1002"}).Draw(t, "service"),
			Caller:  rapid.SampledFrom([]string{"", "p-1", "p-2", "p-3"}).Draw(t, "caller"),
			At:      arrival.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "hour")) * 6 * time.Hour),
		}
	}), 0, 30)
	rapid.Check(t, func(t *rapid.T) {
		all := arrivals.Draw(t, "arrivals")
		from, until := arrival.Add(7*24*time.Hour), arrival.Add(18*24*time.Hour)
		rows := quality.Repeats(rapid.Permutation(all).Draw(t, "order"), from, until)
		for i, days := range []int{1, 3, 7} {
			have := map[string]repeat{}
			for _, row := range rows {
				sum := have[row.Service]
				sum.first += row.Repeat.First[i]
				sum.repeated += row.Repeat.FirstRepeated[i]
				sum.again += row.Repeat.Again[i]
				have[row.Service] = sum
			}
			want := repeatsOfPairs(all, from, until, time.Duration(days)*24*time.Hour)
			if !maps.Equal(want, have) {
				t.Errorf("within %d days: %+v, want %+v", days, have, want)
			}
		}
	})
}

// repeat is what is counted for one number of days.
type repeat struct{ first, repeated, again int64 }

// repeatsOfPairs compares every call with every other. Of calls of one caller in the same instant,
// each but the first in the list follows another.
func repeatsOfPairs(
	all []quality.Arrival, from, until time.Time, within time.Duration,
) map[string]repeat {
	want := map[string]repeat{}
	for i, a := range all {
		if a.Caller == "" || a.At.Before(from) || !a.At.Before(until) {
			continue
		}
		var before, after bool
		for j, b := range all {
			if i == j || a.Caller != b.Caller || a.Service != b.Service {
				continue
			}
			apart := b.At.Sub(a.At)
			before = before || apart < 0 && -apart <= within || apart == 0 && j < i
			after = after || apart > 0 && apart <= within || apart == 0 && j > i
		}
		sum := want[a.Service]
		switch {
		case before:
			sum.again++
		default:
			sum.first++
			if after {
				sum.repeated++
			}
		}
		want[a.Service] = sum
	}
	return want
}
