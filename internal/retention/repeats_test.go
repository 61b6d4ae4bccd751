package retention

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/ledgertest"
	"github.com/risposta/gateway/metering/quality"
)

// enterCallers writes one call a caller, at noon of the days of December.
func enterCallers(t *testing.T, l ledger.Store, calls map[int][]string) {
	t.Helper()
	var first, last ledger.Batch
	for day, callers := range calls {
		for _, caller := range callers {
			c := call{
				id: metering.CallID(fmt.Sprint(day, caller)), service: "help", cents: []int64{0},
				arrived: time.Date(2026, 12, day, 12, 0, 0, 0, time.UTC),
			}
			r := c.version(1)
			r.Caller = caller
			first.Opened = append(first.Opened, ledger.OpenCall{Call: c.id, ArrivedAt: c.arrived})
			last.Records = append(last.Records, r)
		}
	}
	if err := errors.Join(l.Commit(t.Context(), &first), l.Commit(t.Context(), &last)); err != nil {
		t.Fatal(err)
	}
}

// repeated are the repeats within 7 days, by day.
func repeated(t *testing.T, l ledger.QualityReader) (days []string) {
	t.Helper()
	var never time.Time
	err := l.Quality(t.Context(), never, never, "", func(row quality.Row) error {
		if r := row.Repeat; r != (quality.Repeat{}) {
			days = append(days, fmt.Sprintf("%s: %d first, %d repeated, %d again", row.Day, r.First[2],
				r.FirstRepeated[2], r.Again[2]))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return days
}

var december = map[int][]string{
	1: {"p-1"}, 7: {"p-2"}, 9: {"p-2", "p-3"}, 10: {"p-1"}, 12: {"p-3"}, 16: {"p-4"}, 25: {"p-4"},
}

func wantDays(t *testing.T, l ledger.QualityReader, want ...string) {
	t.Helper()
	if have := repeated(t, l); !slices.Equal(have, want) {
		t.Errorf("%q, want %q", have, want)
	}
}

// The oldest call is of the 1st, so that the calls of the 9th are the first of which all calls in
// the seven days before are known. p-2 had called on the 7th, p-3 calls again on the 12th.
func TestRepeatsAreCountedOnceTheirDaysAreOver(t *testing.T) {
	l := ledgertest.New(t)
	enterCallers(t, l, december)
	count := func(day, hour int) {
		t.Helper()
		now := time.Date(2026, 12, day, hour, 0, 0, 0, time.UTC)
		if err := CountRepeats(t.Context(), l, now); err != nil {
			t.Fatal(err)
		}
	}
	ninth := "2026-12-09: 1 first, 1 repeated, 1 again"
	count(17, 23) // the 9th, its seven days and one more are over an hour later
	wantDays(t, l)
	count(18, 0)
	wantDays(t, l, ninth)
	count(18, 1)
	wantDays(t, l, ninth)
	all := []string{
		ninth, "2026-12-10: 1 first, 0 repeated, 0 again", "2026-12-12: 0 first, 0 repeated, 1 again",
		"2026-12-16: 1 first, 0 repeated, 0 again",
	}
	count(31, 0)
	wantDays(t, l, all...)

	// They outlive the callers' detail.
	end := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	if n, err := Erase(t.Context(), l, end, end); err != nil || n != 8 {
		t.Fatalf("%d were erased, %v", n, err)
	}
	wantDays(t, l, all...)
	if err := CountRepeats(t.Context(), l, end); err != nil {
		t.Fatal(err)
	}
	wantDays(t, l, all...)
}

// Where a caller of the days around is no longer known, nobody is taken for one who did not call.
func TestRepeatsAreNotGuessed(t *testing.T) {
	l := ledgertest.New(t)
	enterCallers(t, l, december)
	if err := CountRepeats(t.Context(), l, time.Date(2026, 12, 18, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	before := time.Date(2026, 12, 10, 0, 0, 0, 0, time.UTC)
	if n, err := Erase(t.Context(), l, before, before); err != nil || n != 4 {
		t.Fatalf("%d were erased, %v", n, err)
	}
	if err := CountRepeats(t.Context(), l, time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	// The days up to the 16th have an erased day within seven days before; the 25th has not.
	wantDays(t, l, "2026-12-09: 1 first, 1 repeated, 1 again",
		"2026-12-25: 1 first, 0 repeated, 0 again")
	if day, err := l.RepeatsUntil(t.Context()); err != nil || day <= "2026-12-25" {
		t.Errorf("counted up to %q, %v", day, err)
	}
}

func TestRepeatsOfNoCall(t *testing.T) {
	l := ledgertest.New(t)
	if err := CountRepeats(t.Context(), l, noon); err != nil {
		t.Error(err)
	}
	if day, err := l.RepeatsUntil(t.Context()); err != nil || day != "" {
		t.Errorf("counted up to %q, %v", day, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := CountRepeats(ctx, l, noon); err == nil {
		t.Error("a ledger that cannot be read gave no error")
	}
}
