package remeasure_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/risposta/gateway/internal/remeasure"
	"github.com/risposta/gateway/metering/quality"
)

const traces = "../../integration/testdata/traces"

// recorded are the logs of recordings one after the other.
func recorded(t *testing.T, file string, names ...string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(traces, name, file))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

func read(t *testing.T, queueLog, cel string) remeasure.Calls {
	t.Helper()
	calls, err := remeasure.ReadQueueLog(strings.NewReader(queueLog))
	if err == nil {
		err = calls.AddCEL(strings.NewReader(cel), time.UTC)
	}
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

var eight = []string{
	"answered", "abandoned", "no-answer-then-second", "queue-times-out", "hold-transfer",
	"dtmf-to-queue", "two-services", "announced",
}

// By hand, from the timestamps of the CEL: the waits are 2.010, 3.528, 2.012, 0.532, 1.520 and
// 3.434 s, the menus before them 0.502, 0.001, 0.501, 0.001, 0.005 and 0 s. One caller gives up
// after 0.707 s, one is sent away when the queue's time is out.
func TestFiguresOfTheRecordings(t *testing.T) {
	calls := read(t, recorded(t, "queue_log", eight...), recorded(t, "cel.csv", eight...))
	want := map[string]remeasure.Figure{
		"answer_time_mean":                 {Value: 13.036 / 6, N: 6},
		"answer_time_with_navigation_mean": {Value: 14.046 / 6, N: 6},
		"navigation_mean":                  {Value: 1.010 / 6, N: 6},
		"wait_best_95_mean":                {Value: 13.036 / 6, N: 6}, // 5.7 calls are 6
		"wait_p95":                         {Value: 3.528, N: 6},
		"answered_20s_of_answered":         {Value: 1, N: 6},
		"answered_20s_of_offered":          {Value: 0.75, N: 8},
		"answered_180s_of_answered":        {Value: 1, N: 6},
		"answered_180s_of_offered":         {Value: 0.75, N: 8},
		"abandoned":                        {Value: 0, N: 7},
		"abandoned_short":                  {Value: 0.125, N: 8},
		"cut_waiting":                      {Value: 0.125, N: 8},
	}
	near := cmpopts.EquateApprox(0, 1e-9)
	if diff := cmp.Diff(want, calls.Figures(5*time.Second), near); diff != "" {
		t.Error(diff)
	}
	// The zone stands in the times, or is told apart.
	cel := strings.ReplaceAll(recorded(t, "cel.csv", eight...), `","+39`, `+0100","+39`)
	for text, zone := range map[string]*time.Location{
		strings.ReplaceAll(cel, " 09:", " 10:"): time.UTC,
		recorded(t, "cel.csv", eight...):        time.FixedZone("", 0),
	} {
		same, err := remeasure.ReadQueueLog(strings.NewReader(recorded(t, "queue_log", "answered")))
		if err == nil {
			err = same.AddCEL(strings.NewReader(text), zone)
		}
		f := same.Figures(5 * time.Second)["answer_time_mean"]
		if err != nil || f.N != 1 || math.Abs(f.Value-2.010) > 1e-9 {
			t.Errorf("%+v, %v; want 2.010 s", f, err)
		}
	}
	// Half a second is no longer short: the abandoned one of 8.
	longer := calls.Figures(500 * time.Millisecond)
	if longer["abandoned"].Value != 0.125 || longer["abandoned_short"].Value != 0 {
		t.Errorf("abandoned %+v, in short %+v", longer["abandoned"], longer["abandoned_short"])
	}
}

// Each of the two calls has a mark 1 s after its arrival, from the same CEL. Where it is the choice,
// the waits of 2.010 and 3.434 s after menus of 0.502 and 0 s are 1.512 and 2.434 s.
func TestFiguresByTheMark(t *testing.T) {
	names := []string{"answered", "announced"}
	cel := strings.ReplaceAll(recorded(t, "cel.csv", names...), "\n", `,"1001","from-trunk"`+"\n")
	var marks strings.Builder
	for row := range strings.Lines(cel) {
		if f := strings.Split(row, `","`); f[0] == `"CHAN_START` && strings.Contains(f[5], "trunk") {
			at, err := time.Parse("2006-01-02 15:04:05.000", f[1])
			if err != nil {
				t.Fatal(err)
			}
			f[0], f[1] = `"RISPOSTA_CHOICE`, at.Add(time.Second).Format("2006-01-02 15:04:05.000")
			marks.WriteString(strings.Join(f, `","`))
		}
	}
	calls := read(t, recorded(t, "queue_log", names...), cel+marks.String())
	var asked []string
	by := func(terms remeasure.Terms) map[string]remeasure.Figure {
		return calls.Measure(func(context, exten string, arrived time.Time) remeasure.Terms {
			asked = append(asked, exten+"@"+context)
			if arrived.IsZero() {
				t.Error("the arrival is not known")
			}
			return terms
		}).Figures(5 * time.Second)
	}
	near := cmpopts.EquateApprox(0, 1e-9)
	for terms, want := range map[remeasure.Terms]remeasure.Figure{
		{}:              {Value: 5.444 / 2, N: 2},
		{Marked: true}:  {Value: 3.946 / 2, N: 2},
		{Outside: true}: {},
	} {
		if diff := cmp.Diff(want, by(terms)["answer_time_mean"], near); diff != "" {
			t.Errorf("%+v: %s", terms, diff)
		}
	}
	if f := by(remeasure.Terms{Marked: true})["navigation_mean"]; f.Value != 1 || f.N != 2 {
		t.Errorf("the menus took %+v, want 1 s in 2 calls", f)
	}
	if len(asked) != 8 || asked[0] != "1001@from-trunk" {
		t.Errorf("asked about %v", asked)
	}
}

// Without the CEL the queue_log tells the same in whole seconds, and not who hung up.
func TestFiguresOfTheQueueLogAlone(t *testing.T) {
	f := read(t, recorded(t, "queue_log", eight...), "").Figures(5 * time.Second)
	for name, want := range map[string]remeasure.Figure{
		"answer_time_mean": {Value: 13. / 6, N: 6}, // 2, 4, 2, 0, 1 and 4 s
		"wait_p95":         {Value: 4, N: 6},
		"abandoned_short":  {Value: 0.125, N: 8},
		"cut_waiting":      {Value: 0, N: 8},
		"navigation_mean":  {},
	} {
		if f[name] != want {
			t.Errorf("%s: %+v, want %+v", name, f[name], want)
		}
	}
}

func TestCallsOfAPeriodAndOfQueues(t *testing.T) {
	calls := read(t, recorded(t, "queue_log", eight...), recorded(t, "cel.csv", eight...))
	from := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	morning := calls.Within(from, from.Add(time.Hour))
	if diff := cmp.Diff(map[string]int{"support": 3, "ann": 1}, morning.Queues()); diff != "" {
		t.Error(diff)
	}
	if one := calls.Within(from, from.Add(time.Hour), "ann", "a23"); len(one) != 1 {
		t.Errorf("%d calls joined ann first in the morning", len(one))
	}
}

// The ledger's bounds have the figure between them; the rest is the distance from them.
func TestDifferences(t *testing.T) {
	var c quality.Counts
	c.Offered, c.Answered, c.Cut = 10, 9, 1
	c.Wait.Calls[1], c.Wait.Ms[1] = 9, 63_000 // a mean of 7 s, each of 5 to 10 s
	all := remeasure.Compare(c, quality.DefaultTerms(), map[string]remeasure.Figure{
		"answer_time_mean": {Value: 7.5, N: 9}, "wait_p95": {Value: 9, N: 9},
		"cut_waiting": {Value: 0, N: 10}, "abandoned": {Value: 0, N: 10},
		"answered_20s_of_answered": {Value: 0.95, N: 9}, "navigation_mean": {},
	})
	want := map[string]float64{
		"answer_time_mean": 0.5 / 7.5, "wait_p95": 0, "cut_waiting": math.Inf(1), "abandoned": 0,
		"answered_20s_of_answered": 0.05 / 0.95, "navigation_mean": 0,
	}
	have := map[string]float64{}
	for _, d := range all {
		have[d.Indicator.Name] = d.Error
		if d.TooFar() != (d.Error > 0.05) {
			t.Errorf("%s: %f is too far: %t", d.Indicator.Name, d.Error, d.TooFar())
		}
	}
	if diff := cmp.Diff(want, have, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Error(diff)
	}
}

func TestBadLogsAreErrors(t *testing.T) {
	if _, err := remeasure.ReadQueueLog(strings.NewReader("x|1|q|NONE|ENTERQUEUE\n")); err == nil {
		t.Error("a queue_log without seconds was read")
	}
	calls, err := remeasure.ReadQueueLog(strings.NewReader("1|c|q|NONE|ENTERQUEUE\nshort|line\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"a,b\n", `"HANGUP","yesterday","","c","c","x",""` + "\n", `"HANGUP` + "\n"} {
		if err := calls.AddCEL(strings.NewReader(text), time.UTC); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
