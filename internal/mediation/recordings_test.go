package mediation_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
)

// tolerance is how far a fact may lie from the row of the CEL: both are Asterisk's own timestamps,
// of neighbouring events.
const tolerance = 20 * time.Millisecond

// expectation is what facts.txt expects of one call: worked out by hand from the recording's CEL
// and queue_log.
type expectation struct {
	arrives, answered, ends time.Time
	by                      string
	queues                  []string
	talks                   []metering.Segment
}

func readFacts(t *testing.T, path string) (calls []expectation) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	day := "2026-11-23"
	at := func(clock string) time.Time {
		instant, err := time.Parse("2006-01-02 15:04:05.000", day+" "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return instant
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if f[0] == "#" {
			continue
		}
		if f[0] == "on" { // another day
			day = f[1]
			continue
		}
		if f[0] == "arrives" {
			calls = append(calls, expectation{arrives: at(f[1])})
		}
		c := &calls[len(calls)-1]
		switch f[0] {
		case "arrives":
		case "joins":
			c.queues = append(c.queues, f[1])
		case "answered":
			c.answered = at(f[1])
		case "talks":
			c.talks = append(c.talks, metering.Segment{From: at(f[1]), To: at(f[2]), Operator: f[3]})
		case "ends":
			c.ends, c.by = at(f[1]), f[2]
		default:
			t.Fatalf("%s: %q", path, line)
		}
	}
	return calls
}

// Each recording gives the facts that were worked out by hand.
func TestRecordingsGiveTheFactsWorkedOutByHand(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(traces, "*", "facts.txt"))
	if err != nil || len(files) < 40 {
		t.Fatalf("%d recordings with facts, %v; want all of them", len(files), err)
	}
	for _, path := range files {
		name := filepath.Base(filepath.Dir(path))
		t.Run(name, func(t *testing.T) {
			want := readFacts(t, path)
			m, out := replay(t, readTrace(t, name))
			if n := m.Size(); n != 0 {
				t.Errorf("%d things are left in memory after all calls have ended", n)
			}
			got := map[string]*metering.Call{}
			for _, c := range out.Calls {
				got[c.ArrivedAt.Format(time.RFC3339Nano)] = c
			}
			if len(out.Calls) != len(want) {
				t.Fatalf("%d calls, want %d", len(out.Calls), len(want))
			}
			for _, w := range want {
				c := got[w.arrives.Format(time.RFC3339Nano)]
				if c == nil {
					t.Fatalf("no call arrives at %s; there are %v", w.arrives, got)
				}
				w.compare(t, c)
			}
		})
	}
}

func (w expectation) compare(t *testing.T, c *metering.Call) {
	t.Helper()
	var queues []string
	for _, q := range c.Queues {
		queues = append(queues, q.Name)
	}
	if fmt.Sprint(queues) != fmt.Sprint(w.queues) {
		t.Errorf("queues %v, want %v", queues, w.queues)
	}
	if w.answered.IsZero() != c.AnsweredAt.IsZero() || far(c.AnsweredAt, w.answered) {
		t.Errorf("answered at %s, want %s", c.AnsweredAt, w.answered)
	}
	if far(c.EndedAt, w.ends) || c.EndedBy != w.by {
		t.Errorf("ended at %s by %s, want %s by %s", c.EndedAt, c.EndedBy, w.ends, w.by)
	}
	var talks []metering.Segment
	for _, s := range c.Segments {
		// A feature of the bridge releases the caller a millisecond before the operator leaves: the CEL
		// shows no stretch.
		if s.State == metering.Talking && s.To.Sub(s.From) >= tolerance {
			talks = append(talks, s)
		}
	}
	if len(talks) != len(w.talks) {
		t.Fatalf("%d stretches of talk, want %d: %+v", len(talks), len(w.talks), talks)
	}
	for i, got := range talks {
		if s := w.talks[i]; far(got.From, s.From) || far(got.To, s.To) || got.Operator != s.Operator {
			t.Errorf("talk from %s to %s with %s, want %s to %s with %s",
				got.From, got.To, got.Operator, s.From, s.To, s.Operator)
		}
	}
}

func far(a, b time.Time) bool { return a.Sub(b).Abs() > tolerance }
