package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/integration/lab"
)

// result sums up what became of the calls of some runs.
type result struct {
	Runs, Calls, Records, Overcharged, Lost, Doubled int
	Entered                                          int // records that only reconciling with the CEL has made
	UncoveredMs                                      int64
	LeftMs                                           int64 // talk not charged after reconciling
	TalkMs                                           int64
	Notes                                            []string
}

func (r *result) add(o result) {
	r.Runs += o.Runs
	r.Calls += o.Calls
	r.Records += o.Records
	r.Overcharged += o.Overcharged
	r.Lost += o.Lost
	r.Doubled += o.Doubled
	r.Entered += o.Entered
	r.UncoveredMs += o.UncoveredMs
	r.LeftMs += o.LeftMs
	r.TalkMs += o.TalkMs
	r.Notes = append(r.Notes, o.Notes...)
}

// settleTimeout bounds how long a cluster needs, once nothing fails any more, to catch up.
const settleTimeout = 2 * time.Minute

// settle waits until all calls have ended and the meters have processed them.
func (s *testRun) settle() error {
	s.calls.Wait()
	for _, p := range s.cluster.Parts() {
		for _, l := range p.Links() {
			l.Heal()
		}
	}
	if err := s.cluster.WaitMetered(s.ctx, s.distinct(), settleTimeout); err != nil {
		return err
	}
	var ended []time.Time
	for _, p := range s.pbxs {
		ended = append(ended, p.Now())
	}
	return lab.Until(s.ctx, settleTimeout, "the meters to catch up", func() error {
		return s.caughtUp(ended)
	})
}

// distinct counts the nodes.
func (s *testRun) distinct() int {
	nodes := map[string]bool{}
	for _, n := range s.shape.nodes {
		nodes[n] = true
	}
	return len(nodes)
}

// caughtUp fails while the ledger does not know of each PBX that it was seen later than an instant: all
// that came before is committed then, or in a gap.
func (s *testRun) caughtUp(ended []time.Time) error {
	conn, err := pgx.Connect(s.ctx, s.cluster.Postgres.DSN())
	if err != nil {
		return err
	}
	defer conn.Close(s.ctx) //nolint:errcheck // it was only read
	for i, node := range s.shape.nodes {
		var watermark int64
		err := conn.QueryRow(s.ctx, "SELECT coalesce(watermark, 0) FROM risposta.node WHERE node = $1", node).
			Scan(&watermark)
		if err != nil {
			return err
		}
		if at := time.UnixMilli(watermark); !at.After(ended[i]) {
			return fmt.Errorf("node %s is metered up to %s, the last call ended at %s", node, at, ended[i])
		}
	}
	return nil
}

// judge settles, stops the meters, and compares the ledger with the truth.
func (s *testRun) judge() (r result, err error) {
	if err := s.settle(); err != nil {
		return r, err
	}
	for _, m := range s.cluster.Meters {
		if code, err := m.Terminate(s.ctx); err != nil || code != 0 {
			return r, fmt.Errorf("%s ended with %d: %w", m.Name, code, err)
		}
	}
	before, err := s.records()
	if err != nil {
		return r, err
	}
	for i := range s.centres {
		if err := s.reconcile(i); err != nil {
			return r, err
		}
	}
	after, err := s.records()
	if err != nil {
		return r, err
	}
	out, code, err := s.cluster.Meters[0].Command(s.ctx, "verify")
	if err != nil || code != 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("verify: exit %d: %s", code, out))
	}
	r.Runs = 1
	known := map[string]bool{}
	for _, c := range s.centres {
		for _, t := range c.Truth() {
			known[t.ID] = true
			r.compare(t, before[t.ID], after[t.ID])
		}
	}
	for call := range after {
		if !known[call] {
			r.Notes = append(r.Notes, fmt.Sprintf("a record of call %s, which no PBX has had", call))
		}
	}
	return r, nil
}

type record struct {
	Call   string
	TalkMs int64 `json:"talk_ms"`
	Talk   []stretch
}

type stretch struct{ From, To time.Time }

func (s *testRun) records() (map[string][]record, error) {
	out, code, err := s.cluster.Meters[0].Command(s.ctx, "records")
	if err != nil || code != 0 {
		return nil, fmt.Errorf("records: exit %d: %w: %s", code, err, out)
	}
	records := map[string][]record{}
	for line := range strings.Lines(out) {
		var rec record
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			return nil, err
		}
		records[rec.Call] = append(records[rec.Call], rec)
	}
	return records, nil
}

// reconcile does what an operator does after a fault. Its exit status 1 reports calls that stay
// uncertain, which is no failure here.
func (s *testRun) reconcile(i int) error {
	cel := filepath.Join(s.dir, "cel.csv")
	if err := os.WriteFile(cel, []byte(s.centres[i].CEL()), 0o600); err != nil {
		return err
	}
	out, code, err := s.cluster.Meters[0].Command(s.ctx, "reconcile", "--cel", cel,
		"--node", s.shape.nodes[i], "--apply")
	if err != nil || code > 1 {
		return fmt.Errorf("reconcile: exit %d: %w: %s", code, err, out)
	}
	return nil
}

// slack is how far a stretch of talk may differ from the truth: both are rounded to milliseconds.
const slack = 2 * time.Millisecond

func (r *result) compare(t aritest.CallTruth, before, after []record) {
	r.Calls++
	r.Records += len(after)
	r.TalkMs += t.TalkMs
	switch {
	case len(before) > 1 || len(after) > 1:
		r.Doubled++
		r.note(t, "has %d records, and %d after reconciling", len(before), len(after))
		return
	case len(after) == 0:
		r.Lost++
		r.note(t, "has no record")
		return
	}
	r.Entered += len(after) - len(before)
	seen := int64(0)
	for _, rec := range before {
		seen = rec.TalkMs
		r.check(t, rec)
	}
	r.check(t, after[0])
	r.UncoveredMs += max(0, t.TalkMs-seen)
	r.LeftMs += max(0, t.TalkMs-after[0].TalkMs)
}

func (r *result) note(t aritest.CallTruth, format string, args ...any) {
	r.Notes = append(r.Notes, "call "+t.ID+" "+fmt.Sprintf(format, args...))
}

// check counts a record that charges more than the true talk, or a stretch of it twice.
func (r *result) check(t aritest.CallTruth, rec record) {
	over := rec.TalkMs > t.TalkMs+int64(len(rec.Talk))*slack.Milliseconds()
	for i, talk := range rec.Talk {
		if i > 0 && talk.From.Before(rec.Talk[i-1].To) {
			r.Doubled++
			r.note(t, "is charged twice from %s to %s", talk.From, rec.Talk[i-1].To)
		}
		within := talk.To.Sub(talk.From) <= slack
		for _, truth := range t.Talk {
			within = within || !talk.From.Before(truth[0].Add(-slack)) &&
				!talk.To.After(truth[1].Add(slack))
		}
		over = over || !within
	}
	if over {
		r.Overcharged++
		r.note(t, "%d ms charged in %v, the truth is %d ms in %v", rec.TalkMs, rec.Talk, t.TalkMs, t.Talk)
	}
}

// row is the result as a row of a table, behind the name.
func (r *result) row() string {
	return fmt.Sprintf(" %d | %d | %d | %d | %d | %d | %d | %.1f s of %.1f s | %.1f s |",
		r.Runs, r.Calls, r.Records, r.Entered, r.Overcharged, r.Lost, r.Doubled,
		float64(r.UncoveredMs)/1000, float64(r.TalkMs)/1000, float64(r.LeftMs)/1000)
}

// bad reports whether a promise was broken.
func (r *result) bad() bool { return r.Overcharged+r.Lost+r.Doubled+len(r.Notes) > 0 }

var errBad = errors.New("calls were overcharged, lost or doubled")
