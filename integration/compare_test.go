//go:build live

package integration

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/judge"
	"github.com/risposta/gateway/integration/lab"
)

// tolerance is how far a boundary of talk may be from the CEL's. Both are Asterisk's own
// timestamps, of neighbouring events.
const tolerance = 20 * time.Millisecond

// wantCELMatch compares the record of the i-th service with the CEL, stretch by stretch.
func (h *harness) wantCELMatch(t *testing.T, i int, rec lab.Record) {
	t.Helper()
	h.wantPromptRecord(t, rec)
	var want []judge.Talk
	err := lab.Until(h.ctx, 10*time.Second, "the CEL of the call to be complete", func() error {
		cel, err := h.pbx.Log(h.ctx, "cel-custom/cel.csv")
		if err != nil {
			return err
		}
		ids, err := judge.Calls(cel, callerOf(i))
		if err != nil {
			return err
		}
		if len(ids) != 1 || ids[0] != rec.Call {
			return fmt.Errorf("the CEL has calls %v, the record is of %s", ids, rec.Call)
		}
		want, err = judge.Truth(cel, ids[0], "PJSIP/op*")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	h.wantQueueLogMatch(t, rec, judge.Sum(want))
	// A bridge feature releases the caller a millisecond before the operator leaves. Neither side
	// counts that as a stretch.
	rec.Talk = slices.DeleteFunc(rec.Talk,
		func(s lab.Talk) bool { return s.To.Sub(s.From) < tolerance })
	want = slices.DeleteFunc(want, func(s judge.Talk) bool { return s.To.Sub(s.From) < tolerance })
	if len(rec.Talk) != len(want) {
		t.Fatalf("%d stretches of talk, want %d\n got %+v\nwant %+v", len(rec.Talk), len(want),
			rec.Talk, want)
	}
	for k, got := range rec.Talk {
		if got.From.Sub(want[k].From).Abs() > tolerance ||
			got.To.Sub(want[k].To).Abs() > tolerance || got.Operator != want[k].Operator {
			t.Errorf("stretch %d: got %s to %s with %s, want %s to %s with %s", k,
				got.From, got.To, got.Operator, want[k].From, want[k].To, want[k].Operator)
		}
	}
	talk := time.Duration(rec.TalkMs) * time.Millisecond
	if sum := judge.Sum(want); (talk - sum).Abs() > tolerance {
		t.Errorf("talk_ms %d, the CEL has %s", rec.TalkMs, sum)
	}
	wantAmount := map[bool]string{true: amount(rec.TalkMs), false: "0.00"}[rec.TalkMs > 0]
	if rec.Charge.Amount != wantAmount {
		t.Errorf("charged %s for %d ms, want %s", rec.Charge.Amount, rec.TalkMs, wantAmount)
	}
	t.Logf("truth %s, Risposta %s, charged %s", judge.Sum(want), talk, rec.Charge.Amount)
}

// amount is the price of talk at 0.96 a minute, charged by the second: 0.016 a second, computed in
// whole numbers.
func amount(talkMs int64) string {
	cents := talkMs / 1000 * 16 / 10
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}

// wantQueueLogMatch compares the record with the queue_log: a caller that no queue connected, and
// that left one unanswered, has no talk.
func (h *harness) wantQueueLogMatch(t *testing.T, rec lab.Record, truth time.Duration) {
	t.Helper()
	text, err := h.pbx.Log(h.ctx, "queue_log")
	if err != nil {
		t.Fatal(err)
	}
	q := judge.Queues(text, rec.Call)
	if q.Left && q.Connected == 0 && truth > 0 && !strings.Contains(t.Name(), "two-services") {
		t.Errorf("the caller left unanswered by the queue_log, and talked %s by the CEL", truth)
	}
	for _, s := range rec.Talk {
		if s.Queue != "" && q.Connected == 0 {
			t.Errorf("talk with %s for queue %s; the queue_log has no CONNECT", s.Operator, s.Queue)
		}
	}
}

// printTable logs the table of `make judge`.
func (h *harness) printTable(t *testing.T, shapes []shape, table *sync.Map) {
	t.Helper()
	cel, err := h.pbx.Log(h.ctx, "cel-custom/cel.csv")
	if err != nil {
		t.Fatal(err)
	}
	cdr, err := h.pbx.Log(h.ctx, "cdr-custom/cdr.csv")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-30s %10s %10s %12s\n", "shape", "truth", "Risposta", "Asterisk CDR")
	for _, s := range shapes {
		got, ok := table.Load(s.name)
		if !ok {
			continue
		}
		rec, _ := got.(lab.Record)
		truth, err := judge.Truth(cel, rec.Call, "PJSIP/op*")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%-30s %8.3f s %8.3f s %10.3f s\n", s.name, judge.Sum(truth).Seconds(),
			float64(rec.TalkMs)/1000, billsec(t, cdr, rec.Call).Seconds())
	}
	t.Logf("\n%s", b.String())
}

// billsec is the sum of the billable seconds in Asterisk's CDRs of a call.
func billsec(t *testing.T, cdr, call string) (sum time.Duration) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(cdr)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row[11] != call {
			continue
		}
		d, err := time.ParseDuration(row[8] + "s")
		if err != nil {
			t.Fatal(err)
		}
		sum += d
	}
	return sum
}
