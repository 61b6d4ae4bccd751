package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The same rows give the same bytes, in whatever order they come.
func TestReportIsTheSameBytes(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	write := func(rows kept) string {
		var b bytes.Buffer
		r := built(t, rows, "")
		for _, err := range []error{
			r.WriteJSON(&b), r.WriteCSV(&b), r.WriteHTML(&b, "en"), r.WriteHTML(&b, "it"),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		return b.String()
	}
	want := write(sample())
	for range 20 {
		rows := sample()
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		if write(rows) != want {
			t.Fatalf("seed %d: another order of the rows gives another report", seed)
		}
	}
}

func TestJSONAndCSVAgree(t *testing.T) {
	r := built(t, sample(), "")
	var text, table bytes.Buffer
	if err := r.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteCSV(&table); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(text.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	about := map[string]string{}
	for _, row := range rows[1:] {
		if row[2] == "about" || row[2] == "definition" {
			about[row[4]] += row[3]
			continue
		}
		have[strings.Join(row[1:5], " ")] = strings.Join(row[7:], " ")
	}
	want := map[string]string{}
	figures := func(of string, all []Figure) {
		for _, f := range all {
			cell := "      false  "
			if f.Known {
				cell = fmt.Sprintf("%.6f %.6f %d %d   false  ", f.Low, f.High, f.N, f.Of)
			}
			if f.Interval != nil {
				cell = fmt.Sprintf("%.6f %.6f %d %d %.6f %.6f false  ", f.Low, f.High, f.N, f.Of,
					f.Interval.Low, f.Interval.High)
			}
			if f.Suppressed {
				cell = "      true  "
			}
			want[of+" "+f.Indicator] = cell
		}
	}
	count := 0
	for _, s := range back.Services {
		figures(s.Name+" service ", s.Figures)
		for _, o := range s.Objectives {
			f := []Figure{{Value: o.Value}}
			figures(s.Name+" objective ", f)
			key := s.Name + " objective  " + o.Indicator
			want[key] = strings.TrimSuffix(want[key], " ") + fmt.Sprintf("%.6f %s", o.Limit, o.Verdict)
		}
		for level, parts := range map[string][]Part{
			"month": s.Months, "queue": s.Queues, "operator": s.Operators,
		} {
			for _, p := range parts {
				figures(s.Name+" "+level+" "+p.Name, p.Figures)
			}
		}
		for level, cells := range map[string][]Cell{"wait": s.Waits, "satisfaction": s.Satisfaction} {
			for _, c := range cells {
				n := fmt.Sprint(c.Calls)
				if c.Suppressed {
					n = ""
				}
				want[s.Name+" "+level+" "+c.Name+" calls"] = fmt.Sprintf("%s %s %s %s   %t  ", n, n, n, n,
					c.Suppressed)
			}
		}
		count += len(s.Figures)
	}
	if diff := cmp.Diff(want, have); diff != "" || count == 0 {
		t.Error(diff)
	}
	for name, text := range map[string]string{
		"policy": "it@3f0c2b9a51d4", "head": "a signed head\n", "repeats_until": "2026-12-24",
		"repeat_within_ms": "604800000", "seen": "Share of the time of all calls that the gateway saw.",
	} {
		if about[name] != text {
			t.Errorf("%s is %q, want %q", name, about[name], text)
		}
	}
}

// Every form says what it was made with: the workbook has the rows of the CSV.
func TestEachFormSaysWhatItIsMadeFrom(t *testing.T) {
	r := built(t, sample(), "")
	var text, table bytes.Buffer
	if err := r.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteCSV(&table); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		form string
		has  []string
	}{
		"json": {text.String(), []string{
			`"zone": "UTC"`, `"days": 184`, `"counted_from": "2026-11-23"`, `"counted_to": "2026-12-31"`,
			`"counted_days": 3`, `"short_abandon_ms": 5000`, `"repeats_until": "2026-12-24"`,
			`"policy": "it@3f0c2b9a51d4"`, `"head": "a signed head\n"`, `"n": 120`, `"numerator": "sum of wait.ms"`,
		}},
		"csv": {table.String(), []string{
			",about,UTC,zone,", ",about,184,days,", ",about,2026-11-23,counted_from,",
			",about,2026-12-31,counted_to,", ",about,3,counted_days,", ",about,5000,short_abandon_ms,",
			",about,2026-12-24,repeats_until,", ",about,it@3f0c2b9a51d4,policy,", ",definition,Mean time from",
			"answer_time_mean,1,s,2.833333,2.833333,120,120,",
		}},
		"html": {written(t, r, "en"), []string{
			"2026-07-01 to 2026-12-31, both included, by the days of UTC",
			"on 3 of 184 days, the first on 2026-11-23, the last on 2026-12-31",
			"within 5 s of waiting", "before 2026-12-24", "it@3f0c2b9a51d4", "<pre>a signed head\n</pre>",
			"120 of 120", "<code>sum of wait.ms</code>",
		}},
	} {
		for _, want := range c.has {
			if !strings.Contains(c.form, want) {
				t.Errorf("%s: without %q", name, want)
			}
		}
	}
	r.Policy, r.Head = "", ""
	if page := written(t, r, "it"); !strings.Contains(page, "<dd>non noto</dd>") ||
		!strings.Contains(page, italian.NoHead) {
		t.Error("a page without policy or head does not say so")
	}
}
