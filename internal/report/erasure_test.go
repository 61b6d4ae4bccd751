package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/risposta/gateway/internal/retention"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/ledgertest"
	_ "github.com/risposta/gateway/metering/ledger/sqlite"
	"github.com/risposta/gateway/metering/quality"
	"github.com/risposta/gateway/metering/tariff"
)

// january has 60 calls, two a day, each by one of 17 callers in turn: answered, except those of
// every seventh.
func january(t *testing.T, l ledger.Store) {
	t.Helper()
	var first, last ledger.Batch
	for i := range 60 {
		at := time.Date(2026, 1, 1+i/2, 9+i%2, 0, 0, 0, time.UTC)
		after := func(seconds int) metering.Time {
			return metering.Time{Time: at.Add(time.Duration(seconds) * time.Second)}
		}
		r := metering.Record{
			Record: fmt.Sprint("r-", i), Version: 1, Call: metering.CallID(fmt.Sprint("c-", i)),
			Service: "help", Caller: fmt.Sprint("p-", i%17), ArrivedAt: after(0), EndedAt: after(90),
			Outcome: metering.Abandoned, WaitedMs: 90_000, Charge: tariff.Zero(nil),
			Queues:  []metering.QueueEntry{{Name: "support", JoinedAt: after(1)}},
			Reasons: []metering.Reason{metering.ReasonNoTalk},
		}
		if i%7 > 0 {
			r.Outcome, r.WaitedMs, r.TalkMs = metering.Talked, int64(1000+i*500), 60_000
			r.Talk = []metering.Talk{{From: after(i + 1), To: after(i + 61), Ms: 60_000, Operator: "PJSIP/anna"}}
			r.Reasons = []metering.Reason{metering.ReasonNoTariff}
			r.Survey = &metering.Survey{Satisfaction: 1 + i%5}
		}
		first.Opened = append(first.Opened, ledger.OpenCall{Call: r.Call, Service: "help", ArrivedAt: at})
		last.Records = append(last.Records, r)
	}
	for _, b := range []*ledger.Batch{&first, &last} {
		if err := l.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

// forms are all forms of the report of January.
func forms(t *testing.T, from Source) string {
	t.Helper()
	p, err := ParsePeriod("2026-01", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Build(t.Context(), from, Request{Period: p, Terms: terms})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, err := range []error{r.WriteJSON(&b), r.WriteCSV(&b), r.WriteHTML(&b, "it")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// rebuilt has the counts that the records in a ledger give, made anew.
type rebuilt struct {
	ledger.Store
	kept
}

func (r rebuilt) Quality(
	ctx context.Context, from, until time.Time, service string, f func(quality.Row) error,
) error {
	return r.kept.Quality(ctx, from, until, service, f)
}

func (r rebuilt) RepeatsUntil(ctx context.Context) (string, error) { return r.Store.RepeatsUntil(ctx) }

func (r rebuilt) Heads(ctx context.Context) ([][]byte, error) { return r.Store.Heads(ctx) }

// fromRecords counts the records anew. Of the first of January is the oldest call, so that who
// called again is known from the 9th.
func fromRecords(t *testing.T, l ledger.Store) rebuilt {
	t.Helper()
	made := rebuilt{Store: l}
	var arrivals []quality.Arrival
	err := l.Records(t.Context(), ledger.Query{}, func(text []byte) error {
		var r metering.Record
		err := json.Unmarshal(text, &r)
		made.kept = append(made.kept, quality.Of(r)...)
		arrivals = append(arrivals, quality.Arrival{
			Service: r.Service, Caller: r.Caller, At: r.ArrivedAt.Time,
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	made.kept = append(made.kept, quality.Repeats(arrivals,
		time.Date(2026, 1, 9, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))...)
	return made
}

// The report of a period is the same bytes before and after the callers' detail is erased, and is
// what the records give that it was counted from.
func TestReportOutlivesErasure(t *testing.T) {
	l := ledgertest.New(t)
	january(t, l)
	march := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for range 2 { // more days than one round counts
		if err := retention.CountRepeats(t.Context(), l, march); err != nil {
			t.Fatal(err)
		}
	}
	before := forms(t, l)
	if diff := cmp.Diff(forms(t, fromRecords(t, l)), before); diff != "" {
		t.Errorf("the records give another report: %s", diff)
	}
	for _, text := range []string{`"no_repeat_call",
          "version": 1,
          "known": true`, // 51 calls answered after 1518 s in all.
		"help,service,,answer_time_mean,1,s,29.764706", `"repeats_until": "2026-02-01"`} {
		if !bytes.Contains([]byte(before), []byte(text)) {
			t.Errorf("the report has no %s", text)
		}
	}
	if n, err := retention.Erase(t.Context(), l, march, march); err != nil || n != 60 {
		t.Fatalf("%d calls were erased, %v", n, err)
	}
	if diff := cmp.Diff(before, forms(t, l)); diff != "" {
		t.Errorf("after the erasure the report is another: %s", diff)
	}
}
