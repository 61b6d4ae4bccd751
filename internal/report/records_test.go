package report

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
	"github.com/risposta/gateway/metering/tariff"
)

// recorded are records in the order of arrival.
type recorded []metering.Record

func (rs recorded) Records(_ context.Context, q ledger.Query, f func([]byte) error) error {
	for _, r := range rs {
		at := r.ArrivedAt.Time
		if at.Before(q.Since) || !at.Before(q.Until) || q.Service != "" && q.Service != r.Service {
			continue
		}
		if err := f(r.JSON()); err != nil {
			return err
		}
	}
	return nil
}

func TestRowsFromRecords(t *testing.T) {
	call := func(day int, caller string) metering.Record {
		at := time.Date(2026, 1, day, 12, 0, 0, 0, time.UTC)
		return metering.Record{
			Service: "1001", Caller: caller, Call: metering.CallID(fmt.Sprint(day, caller)),
			ArrivedAt: metering.Time{Time: at}, EndedAt: metering.Time{Time: at.Add(time.Minute)},
			Outcome: metering.Abandoned, WaitedMs: 60_000,
			Reasons: []metering.Reason{metering.ReasonNoTalk}, Charge: tariff.Zero(nil),
		}
	}
	erased := call(33, "p-4") // the 2nd of February
	erased = erased.Erased("x")
	source := FromRecords{
		// The first three are before February, the last one after it.
		Records: recorded{
			call(20, "p-1"), call(29, "p-2"), call(31, "p-3"),
			call(32, "p-1"), erased, call(35, "p-2"), call(40, "p-3"), call(41, "p-3"), call(59, "p-5"),
			call(61, "p-5"),
		},
	}
	p, err := ParsePeriod("2026-02")
	if err != nil {
		t.Fatal(err)
	}
	var total quality.Counts
	for range 2 { // reading again counts again, and no more
		total = quality.Counts{}
		if err := source.Rows(t.Context(), p.From, p.Until, "", func(r quality.Row) error {
			if r.Day < "2026-02-01" || r.Day > "2026-02-28" {
				t.Errorf("a row of %s", r.Day)
			}
			total.Add(r.Counts)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	// p-1 and p-3 called too long ago for a repeat, p-2 did not, and p-3 calls twice. Of p-5's call on
	// the last day, as of any after the 22nd, it is not known yet whether another follows in time.
	want := quality.Repeat{
		First: [3]int64{3, 3, 2}, FirstRepeated: [3]int64{1, 1, 1}, Again: [3]int64{1, 1, 2},
	}
	if total.Offered != 5 || total.Abandoned != 5 || total.Repeat != want || source.Erased != 1 {
		t.Errorf("%d offered, %+v, %d erased", total.Offered, total.Repeat, source.Erased)
	}
}
