package report

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/risposta/gateway/metering/quality"
)

// kept are rows as a store would keep them.
type kept []quality.Row

func (k kept) Quality(
	_ context.Context, from, until time.Time, service string, f func(quality.Row) error,
) error {
	for _, row := range k {
		if row.Day < from.UTC().Format(time.DateOnly) || row.Day >= until.UTC().Format(time.DateOnly) ||
			service != "" && service != row.Service {
			continue
		}
		if err := f(row); err != nil {
			return err
		}
	}
	return nil
}

func (k kept) RepeatsUntil(context.Context) (string, error) { return "2026-12-24", nil }

func (k kept) Heads(context.Context) ([][]byte, error) {
	return [][]byte{[]byte("older\n"), []byte("a signed head\n")}, nil
}

var (
	terms = quality.DefaultTerms()
	aims  = []quality.Objective{
		{Service: "1001", Indicator: "answer_time_mean", Year: 2026, Limit: 2},
		{Service: "1001", Indicator: "answered_20s_of_answered", Year: 2026, Limit: 0.4},
		{Service: "1001", Indicator: "answer_time_mean_others", Year: 2026, Limit: 2},
		{Service: "1001", Indicator: "answer_time_mean", Year: 2025, Limit: 1},
		{Service: "1002", Indicator: "answer_time_mean", Year: 2026, Limit: 2},
	}
)

// answers are the counts of so many calls, each answered after so many seconds, below 5.
func answers(calls, seconds int64) (c quality.Counts) {
	c.Offered, c.Answered, c.Operators = calls, calls, calls
	c.Wait.Calls[0], c.Wait.Ms[0] = calls, calls*seconds*1000
	c.TalkMs, c.Reasons[13] = calls*60_000, calls // no_tariff
	c.FreeMs[13] = c.TalkMs
	return c
}

// sample is a service with 120 calls in two months. 100 of them joined the queue "big", 14 "small",
// and 6 none. Anna took 100 calls, Bruno 12 and Carla 8.
func sample() kept {
	row := func(day, queue, operator string, c quality.Counts) quality.Row {
		return quality.Row{
			Key:    quality.Key{Day: day, Hour: 9, Service: "1001", Queue: queue, Operator: operator},
			Counts: c,
		}
	}
	november, december := answers(70, 2), answers(50, 4)
	november.Survey = quality.Survey{Answered: 20, Satisfaction: [5]int64{0, 0, 0, 10, 10}}
	december.Exempt = quality.Exempt{Offered: 3, Answered: 3, Waits: 3, WaitMs: 9_000}
	return kept{
		row("2026-11-23", "", "", november),
		row("2026-12-01", "", "", december),
		row("2026-12-31", "big", "", answers(100, 3)),
		row("2026-12-01", "small", "", answers(14, 3)),
		row("2026-12-01", "", "PJSIP/anna", answers(100, 3)),
		row("2026-12-01", "", "PJSIP/bruno", answers(12, 3)),
		row("2026-12-01", "", "PJSIP/carla", answers(8, 3)),
		{Key: quality.Key{Day: "2026-12-01", Service: "1002"}, Counts: answers(4, 1)},
		row("2026-06-30", "", "", answers(1000, 4)),
	}
}

func built(t *testing.T, from Source, service string) Report {
	t.Helper()
	p, err := ParsePeriod("2026-H2", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Build(t.Context(), from, Request{
		Period: p, Service: service, Terms: terms, Objectives: aims, Policy: "it@3f0c2b9a51d4",
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// of is the figure of an indicator as text: its value, or what is there instead.
func of(figures []Figure, name string) string {
	i := slices.IndexFunc(figures, func(f Figure) bool { return f.Indicator == name })
	if i < 0 {
		return "absent"
	}
	return languages["en"].value(figures[i])
}

func TestFiguresOfAPeriod(t *testing.T) {
	r := built(t, sample(), "")
	if len(r.Services) != 2 || r.Services[0].Name != "1001" || r.From != "2026-07-01" ||
		r.Until != "2027-01-01" {
		t.Fatalf("%+v", r)
	}
	s, few := r.Services[0], r.Services[1]
	for name, c := range map[string]struct {
		figures         []Figure
		indicator, want string
	}{
		"mean of 340 s in 120 calls": {s.Figures, "answer_time_mean", "2.8 s"},
		"satisfaction":               {s.Figures, "satisfaction_mean", "4.50"},
		"a service of four calls":    {few.Figures, "answer_time_mean", "not published"},
		// Three exempt callers: the mean of the others, beside that of all, would give theirs away.
		"exempt": {s.Figures, "answer_time_mean_exempt", "not published"},
		"others": {s.Figures, "answer_time_mean_others", "not published"},
		"month":  {s.Months[0].Figures, "answer_time_mean", "2.0 s"},
		// The six calls in no queue are given away by the two queues: the smaller one is taken out.
		"big queue":   {s.Queues[0].Figures, "answer_time_mean", "3.0 s"},
		"small queue": {s.Queues[1].Figures, "answer_time_mean", "not published"},
		// Carla has too few, and Bruno goes with her.
		"anna":  {s.Operators[0].Figures, "answer_time_mean", "3.0 s"},
		"bruno": {s.Operators[1].Figures, "answer_time_mean", "not published"},
		"carla": {s.Operators[2].Figures, "answer_time_mean", "not published"},
	} {
		if have := of(c.figures, c.indicator); have != c.want {
			t.Errorf("%s: %s is %s, want %s", name, c.indicator, have, c.want)
		}
	}
	if one := built(t, sample(), "1002"); len(one.Services) != 1 || one.Services[0].Name != "1002" {
		t.Errorf("of one service: %+v", one.Services)
	}
}

func TestObjectivesOfTheYear(t *testing.T) {
	r := built(t, sample(), "")
	have := ""
	for _, s := range r.Services {
		for _, o := range s.Objectives {
			have += fmt.Sprintf("%s %s: %s %s %.2f of %d\n", s.Name, o.Indicator, o.Verdict, o.Why,
				o.Value.Low, o.Value.N)
		}
	}
	want := `1001 answer_time_mean: missed  2.83 of 120
1001 answered_20s_of_answered: met  1.00 of 120
1001 answer_time_mean_others: not_known not_published 0.00 of 0
1002 answer_time_mean: not_known not_published 0.00 of 0
`
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	page := written(t, r, "it")
	for _, text := range []string{"al massimo 2,0 s", "almeno 40,0 %", "raggiunto", "mancato",
		"non pubblicato", "entro 5 s di attesa", "entro 7 giorni", "precedenti il 2026-12-24", "it@3f0c2b9a51d4",
		"<pre>a signed head\n</pre>"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page has no %q", text)
		}
	}
}

func TestSmallCellsOfAHistogram(t *testing.T) {
	h := quality.Histogram{Calls: [10]int64{3, 50, 40, 20, 0, 12, 30, 15, 20, 4}}
	want := "suppressed 50 suppressed 20 0 12 30 15 suppressed suppressed"
	var have []string
	for _, c := range waitCells(h) {
		if c.Suppressed {
			have = append(have, "suppressed")
		} else {
			have = append(have, fmt.Sprint(c.Calls))
		}
	}
	if text := strings.Join(have, " "); text != want {
		t.Errorf("%s, want %s", text, want)
	}
	for _, c := range satisfactionCells([5]int64{20, 3, 20, 40, 40}) {
		if !c.Suppressed || c.Calls != 0 {
			t.Errorf("mean and share would give %+v away", c)
		}
	}
}

func TestPeriods(t *testing.T) {
	for name, want := range map[string]string{
		"2026":    "2026-01-01 2027-01-01",
		"2026-H1": "2026-01-01 2026-07-01",
		"2026-H2": "2026-07-01 2027-01-01",
		"2026-Q1": "2026-01-01 2026-04-01",
		"2026-Q4": "2026-10-01 2027-01-01",
		"2026-02": "2026-02-01 2026-03-01",
		"2026-12": "2026-12-01 2027-01-01",
		"2026-13": "", "2026-H3": "", "26": "", "2026-1": "", "": "", "2026-Q0": "", "2026-H1 ": "",
	} {
		p, err := ParsePeriod(name, time.UTC)
		have := ""
		if err == nil {
			have = p.From.Format(time.DateOnly) + " " + p.Until.Format(time.DateOnly)
		}
		if have != want {
			t.Errorf("%q: %q %v, want %q", name, have, err, want)
		}
	}
}

// The days of a period are those of its time zone, also those on which the clocks change. Six calls
// arrive within an hour of the borders of March 2026 in Rome, and of the two days of the change.
func TestPeriodsHaveTheDaysOfTheirZone(t *testing.T) {
	row := func(at string) quality.Row {
		day, hour, _ := strings.Cut(at, " ")
		var key quality.Key
		if _, err := fmt.Sscan(hour, &key.Hour); err != nil {
			t.Fatal(err)
		}
		key.Day, key.Service = day, "1001"
		return quality.Row{Key: key, Counts: answers(100, 1)}
	}
	rows := kept{
		row("2026-02-28 22"), row("2026-02-28 23"), row("2026-03-28 22"), row("2026-03-28 23"),
		row("2026-03-31 21"), row("2026-03-31 22"),
	}
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParsePeriod("2026-03", rome)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Build(t.Context(), rows, Request{Period: p, Terms: terms})
	if err != nil {
		t.Fatal(err)
	}
	// 23 o'clock UTC is midnight in Rome before the change, and 22 o'clock after it.
	have := fmt.Sprint(r.From, r.Until, r.Zone, r.Days, r.CountedFrom, r.CountedTo, r.CountedDays,
		r.Services[0].Figures[0].N, r.Services[0].Months[0].Name, len(r.Services[0].Months))
	want := fmt.Sprint("2026-03-01", "2026-04-01", "Europe/Rome", 31, "2026-03-01", "2026-03-31", 4,
		400, "2026-03", 1)
	if have != want {
		t.Errorf("%s, want %s", have, want)
	}
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParsePeriod("2026", kolkata); err == nil {
		t.Error("a zone of half hours: the counts cannot tell its days")
	}
}

// Neither talk of few calls is given away by the other.
func TestTalkOfFewCallsIsNotPublished(t *testing.T) {
	for name, c := range map[string]struct {
		answered, charged int64
		published         bool
	}{
		"all charged": {100, 100, true}, "none charged": {100, 0, true}, "few charged": {100, 9, false},
		"few free": {100, 91, false}, "enough of both": {100, 90, true}, "few answered": {9, 9, false},
	} {
		counts := quality.Counts{Answered: c.answered, ChargedCalls: c.charged, TalkMs: 1000, ChargedMs: 900}
		if have := talkOf(counts) != nil; have != c.published {
			t.Errorf("%s: published is %t", name, have)
		}
	}
}
