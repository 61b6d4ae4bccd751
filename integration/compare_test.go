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

// tolerance is how far a boundary of talk may lie from the CEL's. Both are Asterisk's own timestamps of neighbouring events.
const tolerance = 20 * time.Millisecond

// compare holds the record against the CEL, stretch by stretch.
func (r *rig) compare(t *testing.T, i int, rec lab.Record) {
	t.Helper()
	r.promptly(t, rec)
	var want []judge.Talk
	err := lab.Until(r.ctx, 10*time.Second, "the CEL of the call to be complete", func() error {
		cel, err := r.pbx.Log(r.ctx, "cel-custom/cel.csv")
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
	r.queueAgrees(t, rec, judge.Sum(want))
	// A feature of the bridge lets go of the caller a millisecond before the operator leaves: that is no stretch for either side.
	rec.Talk = slices.DeleteFunc(rec.Talk, func(s lab.Talk) bool { return s.To.Sub(s.From) < tolerance })
	want = slices.DeleteFunc(want, func(s judge.Talk) bool { return s.To.Sub(s.From) < tolerance })
	if len(rec.Talk) != len(want) {
		t.Fatalf("%d stretches of talk, want %d\n got %+v\nwant %+v", len(rec.Talk), len(want), rec.Talk, want)
	}
	for k, got := range rec.Talk {
		if got.From.Sub(want[k].From).Abs() > tolerance || got.To.Sub(want[k].To).Abs() > tolerance || got.Operator != want[k].Operator {
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

// amount is the price of some talk at 0.96 a minute by the second: 16 thousandths of a euro for each, worked out in whole numbers.
func amount(talkMs int64) string {
	cents := talkMs / 1000 * 16 / 10
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}

// queueAgrees holds the record against the queue_log: who was never connected in a queue, and gave up there, talked with nobody in it.
func (r *rig) queueAgrees(t *testing.T, rec lab.Record, truth time.Duration) {
	t.Helper()
	text, err := r.pbx.Log(r.ctx, "queue_log")
	if err != nil {
		t.Fatal(err)
	}
	q := judge.Queues(text, rec.Call)
	if q.Left && q.Connected == 0 && truth > 0 && !strings.Contains(t.Name(), "two-services") {
		t.Errorf("the queue_log says that the caller left without an answer, the CEL that somebody talked for %s", truth)
	}
	for _, s := range rec.Talk {
		if s.Queue != "" && q.Connected == 0 {
			t.Errorf("talk with %s for queue %s; the queue_log connects nobody", s.Operator, s.Queue)
		}
	}
}

// print shows the table of `make judge`.
func (r *rig) print(t *testing.T, shapes []shape, table *sync.Map) {
	t.Helper()
	cel, err := r.pbx.Log(r.ctx, "cel-custom/cel.csv")
	if err != nil {
		t.Fatal(err)
	}
	cdr, err := r.pbx.Log(r.ctx, "cdr-custom/cdr.csv")
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
		fmt.Fprintf(&b, "%-30s %8.3f s %8.3f s %10.3f s\n", s.name, judge.Sum(truth).Seconds(), float64(rec.TalkMs)/1000, billsec(t, cdr, rec.Call).Seconds())
	}
	t.Logf("\n%s", b.String())
}

// billsec is what Asterisk's CDRs of a call would bill.
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
