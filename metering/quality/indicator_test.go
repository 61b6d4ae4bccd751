package quality_test

import (
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/quality"
)

func measure(t interface{ Fatalf(string, ...any) }, name string, c quality.Counts) quality.Value {
	i, ok := quality.Find(name)
	if !ok {
		t.Fatalf("there is no indicator %s", name)
	}
	return i.Measure(c, quality.DefaultTerms())
}

// Of ten abandoned calls, one waited 5 s at most, two more up to 20 s. Which of them are short is
// told by the terms, of the same counts.
func TestTermsTellWhichCallsAreShortAndWhichRepeated(t *testing.T) {
	c := quality.Counts{
		Offered: 20, Answered: 10, Abandoned: 10,
		AbandonedWait: quality.Histogram{Calls: [10]int64{0: 1, 2: 2, 4: 7}},
		Repeat: quality.Repeat{
			First: [3]int64{10, 9, 8}, FirstRepeated: [3]int64{1, 1, 2}, Again: [3]int64{0, 1, 2},
		},
	}
	const day = 24 * time.Hour
	for _, want := range []struct {
		terms                   quality.Terms
		abandoned, short, again float64
	}{
		{quality.Terms{ShortAbandon: 5 * time.Second, RepeatWithin: 7 * day}, 9. / 19, 1. / 20, 6. / 8},
		{quality.Terms{ShortAbandon: 10 * time.Second, RepeatWithin: 3 * day}, 9. / 19, 1. / 20, 8. / 9},
		{quality.Terms{ShortAbandon: 20 * time.Second, RepeatWithin: day}, 7. / 17, 3. / 20, 9. / 10},
		{quality.Terms{ShortAbandon: time.Minute, RepeatWithin: day}, 0, 10. / 20, 9. / 10},
	} {
		if err := want.terms.Check(); err != nil {
			t.Error(err)
		}
		for name, value := range map[string]float64{
			"abandoned": want.abandoned, "abandoned_short": want.short, "no_repeat_call": want.again,
		} {
			i, _ := quality.Find(name)
			if v := i.Measure(c, want.terms); !v.Exact() || v.Low != value {
				t.Errorf("%+v: %s is %+v, want %f", want.terms, name, v, value)
			}
		}
	}
	for _, bad := range []quality.Terms{
		{}, {ShortAbandon: 6 * time.Second, RepeatWithin: day},
		{ShortAbandon: 120 * time.Second, RepeatWithin: day},
		{ShortAbandon: 5 * time.Second, RepeatWithin: 2 * day},
	} {
		if bad.Check() == nil {
			t.Errorf("%+v are terms that the counts cannot tell", bad)
		}
	}
}

// The day of this table, worked out by hand. Eight calls are offered. Five are answered after waits
// of 4, 20, 21, 100 and 200 s, and navigation of 24 s in all. One more is answered, and seen in
// part. One is abandoned, not in short, and one is cut.
func TestIndicatorsOfADay(t *testing.T) {
	c := quality.Counts{
		Offered: 8, Answered: 6, Abandoned: 1, Cut: 1, Navigations: 5, NavigationMs: 24_000,
		Wait: quality.Histogram{
			Calls: [10]int64{0: 1, 2: 1, 3: 1, 5: 1, 8: 1},
			Ms:    [10]int64{0: 4_000, 2: 20_000, 3: 21_000, 5: 100_000, 8: 200_000},
		},
		Transfers: 2, TransferMs: 9_000,
		WaitedMs: 500_000, HeldMs: 100_000, TalkMs: 300_000, UnseenMs: 100_000,
		Exempt: quality.Exempt{Offered: 2, Answered: 2, Waits: 2, WaitMs: 24_000},
		Survey: quality.Survey{
			Answered: 4, Satisfaction: [5]int64{1, 0, 0, 1, 2}, SolvedYes: 2, SolvedNo: 1,
		},
		AbandonedWait: quality.Histogram{Calls: [10]int64{1: 1}, Ms: [10]int64{1: 7_000}},
		Repeat: quality.Repeat{
			First: [3]int64{7, 6, 5}, FirstRepeated: [3]int64{0, 0, 1}, Again: [3]int64{0, 1, 2},
		},
	}
	for name, want := range map[string]struct {
		low, high float64
		n, of     int64
	}{
		"answer_time_mean":                 {69, 69, 5, 6}, // 345 s in 5 calls
		"answer_time_with_navigation_mean": {73.8, 73.8, 5, 6},
		"navigation_mean":                  {4.8, 4.8, 5, 6},
		"answered_20s_of_answered":         {0.4, 0.4, 5, 6},
		"answered_20s_of_offered":          {0.25, 0.375, 7, 8},
		"answered_180s_of_answered":        {0.8, 0.8, 5, 6},
		"answered_180s_of_offered":         {0.5, 0.625, 7, 8},
		"wait_best_95_mean":                {69, 69, 5, 6}, // 4.75 calls are 5
		"wait_p95":                         {200, 200, 5, 6},
		"answer_time_mean_exempt":          {12, 12, 2, 2},
		"answer_time_mean_others":          {107, 107, 3, 4}, // 321 s in 3 calls
		"transfer_wait_mean":               {4.5, 4.5, 2, 2},
		"abandoned":                        {0.125, 0.125, 8, 8},
		"abandoned_short":                  {0, 0, 8, 8},
		"cut_waiting":                      {0.125, 0.125, 8, 8},
		"solved_survey":                    {2.0 / 3, 2.0 / 3, 3, 3},
		"no_repeat_call":                   {0.8, 0.8, 5, 5},
		"satisfaction_mean":                {3.75, 3.75, 4, 4},
		"satisfied":                        {0.75, 0.75, 4, 4},
		"survey_response":                  {4.0 / 6, 4.0 / 6, 6, 6},
		"seen":                             {0.9, 0.9, 8, 8},
	} {
		v := measure(t, name, c)
		if !v.Known || v.Low != want.low || v.High != want.high || v.N != want.n || v.Of != want.of {
			t.Errorf("%s: %+v, want %+v", name, v, want)
		}
	}
	for _, i := range quality.Indicators() {
		if v := i.Measure(quality.Counts{}, quality.DefaultTerms()); v.Known || v.Low != 0 || v.High != 0 || v.N != 0 {
			t.Errorf("%s of no call: %+v", i.Name, v)
		}
	}
}

// The bounds that a histogram gives contain what the waits themselves give, and are no wider than
// the bucket.
func TestBoundsContainTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var day []quality.Row
		var truth []int64
		for _, ms := range rapid.SliceOfN(waits, 1, 60).Draw(t, "waits") {
			l := life{
				service: "1001", starts: arrival, reason: metering.ReasonNoTariff,
				parts: []part{{'w', ms, ""}, {'t', 1000, "PJSIP/a"}},
			}
			day = append(day, quality.Of(l.record())[0])
			truth = append(truth, ms)
		}
		slices.Sort(truth)
		h := quality.Merge(day)[0].Wait
		rank := int(math.Ceil(0.95 * float64(len(truth))))
		low, high := h.Percentile(95)
		if p95 := truth[rank-1]; p95 < low || p95 > high {
			t.Errorf("percentile %d, bounds %d and %d", p95, low, high)
		}
		best := int64(0)
		for _, ms := range truth[:rank] {
			best += ms
		}
		low, high, n := h.BestSum(95)
		if n != int64(rank) || best < low || best > high {
			t.Errorf("the best %d sum up to %d, bounds %d and %d of %d", rank, best, low, high, n)
		}
		for _, border := range quality.Borders {
			within := int64(0)
			for _, ms := range truth {
				if ms <= border*1000 {
					within++
				}
			}
			if h.Within(border) != within {
				t.Errorf("%d within %d s, have %d", within, border, h.Within(border))
			}
		}
	})
}

// The interval's ends are where the score test at 95 % just rejects: |p - q| = z * sqrt(q(1-q)/n).
// Found by halving, not by the formula.
func TestWilsonIntervalIsTheScoreTests(t *testing.T) {
	const z = 1.959963984540054
	rapid.Check(t, func(t *rapid.T) {
		no := rapid.Int64Range(0, 400).Draw(t, "no")
		yes := rapid.Int64Range(0, 400).Draw(t, "yes")
		n := float64(yes + no)
		if n == 0 {
			return
		}
		p := float64(yes) / n
		rejected := func(q float64) bool { return math.Abs(p-q) > z*math.Sqrt(q*(1-q)/n) }
		edge := func(q float64) float64 {
			inside := p
			for range 100 {
				middle := (inside + q) / 2
				if rejected(middle) {
					q = middle
				} else {
					inside = middle
				}
			}
			return inside
		}
		have := measure(t, "solved_survey", quality.Counts{
			Survey: quality.Survey{SolvedYes: yes, SolvedNo: no},
		}).Interval
		low, high := edge(0), edge(1)
		if math.Abs(have.Low-low) > 1e-6 || math.Abs(have.High-high) > 1e-6 {
			t.Errorf("%d of %.0f: %+v, want %f to %f", yes, n, *have, low, high)
		}
	})
}

// Each count that a definition names is one of the JSON of the counts.
func TestDefinitionsNameCounts(t *testing.T) {
	var c quality.Counts
	for _, v := range numbers(reflect.ValueOf(&c).Elem()) {
		v.SetInt(1)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	has := func(path string) bool {
		outer, inner, nested := strings.Cut(path, ".")
		v, ok := tree[outer]
		if ok && nested {
			_, ok = v.(map[string]any)[inner]
		}
		return ok
	}
	word := regexp.MustCompile(`[a-z]+[a-z_]*(?:\.[a-z_]+)?`)
	prose := []string{"sum", "of", "the", "shortest", "up", "to", "s", "each", "times", "its", "score",
		"and", "short_abandon"}
	seen := map[string]bool{}
	for _, i := range quality.Indicators() {
		if seen[i.Name] || i.Version < 1 || !strings.HasSuffix(i.Formula, ".") {
			t.Errorf("%+v: a name twice, no version, or a formula that is no sentence", i)
		}
		seen[i.Name] = true
		for _, part := range []string{i.Numerator, i.Denominator} {
			found := 0
			for _, name := range word.FindAllString(part, -1) {
				switch {
				case slices.Contains(prose, name):
				case has(name):
					found++
				default:
					t.Errorf("%s: %q is no count", i.Name, name)
				}
			}
			if found == 0 {
				t.Errorf("%s: %q names no count", i.Name, part)
			}
		}
	}
}
