package main

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/risposta/gateway/ari/aritest"
)

// testRuns are the random runs of `make test`; `make cluster-random` does more.
const testRuns = 3

// A cluster of real processes: with three random faults in each run, no call is overcharged, lost or
// recorded twice.
func TestRandomFaultsOfACluster(t *testing.T) {
	o := options{seed: uint64(time.Now().UnixNano())}
	dir := t.TempDir()
	o.risposta, o.nats = filepath.Join(dir, "risposta"), filepath.Join(dir, "nats-server")
	o.limit, o.log = make(chan struct{}, testRuns), t.Output()
	for _, args := range [][]string{
		{"-o", o.risposta, "../../cmd/gateway"},
		{"-modfile=../../tools/nats.mod", "-o", o.nats, "github.com/nats-io/nats-server/v2"},
	} {
		out, err := exec.CommandContext(t.Context(), "go", append([]string{"build"}, args...)...).
			CombinedOutput()
		if err != nil {
			t.Fatalf("building what is tested: %v: %s", err, out)
		}
	}
	t.Logf("seed %d", o.seed)
	sum, err := o.all(t.Context(), testRuns, func(run int) (string, shape, player) {
		return "random", randomShape(run), playRandom
	})
	if err != nil || sum.bad() || sum.Runs != testRuns || sum.Calls == 0 || sum.Records != sum.Calls {
		t.Errorf("want every call recorded once, none overcharged: %s: %v", sum.row(), err)
	}
}

// The judge finds what it is there for.
func TestJudge(t *testing.T) {
	at := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	truth := callTruth(at, at.Add(2*time.Second))
	right := recordOf(at, at.Add(2*time.Second))
	long := recordOf(at, at.Add(3*time.Second))
	twice := right
	twice.Talk = append(twice.Talk, right.Talk...)
	twice.TalkMs *= 2
	for _, c := range []struct {
		name          string
		before, after []record
		want          result
	}{
		{"right", []record{right}, []record{right}, result{}},
		{"lost", nil, nil, result{Lost: 1}},
		{"found by reconcile", nil, []record{right}, result{Entered: 1}},
		{"two records", []record{right, right}, []record{right, right}, result{Doubled: 1}},
		{"too long", []record{long}, []record{right}, result{Overcharged: 1}},
		{"talk twice", nil, []record{twice}, result{Entered: 1, Overcharged: 1, Doubled: 1}},
	} {
		var got result
		got.compare(truth, c.before, c.after)
		if got.Lost != c.want.Lost || got.Doubled != c.want.Doubled || got.Entered != c.want.Entered ||
			got.Overcharged != c.want.Overcharged {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func callTruth(from, to time.Time) aritest.CallTruth {
	return aritest.CallTruth{
		ID: "c", Ended: true, TalkMs: to.Sub(from).Milliseconds(), Talk: [][2]time.Time{{from, to}},
	}
}

func recordOf(from, to time.Time) record {
	return record{Call: "c", TalkMs: to.Sub(from).Milliseconds(), Talk: []stretch{{from, to}}}
}
