package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/risposta/gateway/metering/quality"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page.html").Parse(pageText))

// page is what page.html shows.
type page struct {
	T        texts
	Name     string
	Period   string
	Terms    string
	Repeats  string
	Policy   string
	Head     string
	Services []pageService
	Sections []section // of a comparison
	Defined  table
}

type pageService struct {
	ID, Name string
	Sections []section
}

// section is a table, and mostly the chart of the same rows.
type section struct {
	ID, Title string
	Chart     *chart
	Table     table
}

type table struct {
	Caption string
	Head    []string
	Rows    [][]string // the first cell is the row's head
	Lang    string     // where it is not the page's
}

// Languages are those that WriteHTML writes.
func Languages() []string { return slices.Sorted(maps.Keys(languages)) }

// WriteHTML writes the report as one page in a language of [Languages].
func (r Report) WriteHTML(w io.Writer, language string) error {
	t, ok := languages[language]
	if !ok {
		return fmt.Errorf("writing the report: there is no language %q: use one of %s", language,
			strings.Join(Languages(), ", "))
	}
	p := page{
		T: t, Name: r.Period, Period: fmt.Sprintf(t.Period, r.From, r.Until),
		Repeats: t.NoRepeats, Head: r.Head, Defined: definitions(t, r.Definitions),
		Terms: fmt.Sprintf(t.Terms, span(r.ShortAbandonMs), span(r.RepeatWithinMs)),
	}
	if r.RepeatsUntil != "" {
		p.Repeats = fmt.Sprintf(t.Repeats, r.RepeatsUntil)
	}
	if r.Policy != "" {
		p.Policy = fmt.Sprintf(t.Policy, r.Policy)
	}
	for i, s := range r.Services {
		id := fmt.Sprint("s", i+1)
		p.Services = append(p.Services, pageService{ID: id, Name: s.Name, Sections: s.sections(t, id)})
	}
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("writing the report's page: %w", err)
	}
	return nil
}

func (s Service) sections(t texts, id string) []section {
	figures := section{ID: id + "-figures", Title: t.Figures, Table: table{
		Caption: t.Figures, Head: []string{t.Indicator, t.Value, t.Interval, t.Measured},
	}}
	for _, f := range s.Figures {
		figures.Table.Rows = append(figures.Table.Rows,
			[]string{t.names[f.Indicator], t.value(f), t.interval(f), t.measured(f)})
	}
	all := []section{figures}
	if len(s.Objectives) > 0 {
		all = append(all, objectives(t, id+"-objectives", s.Objectives))
	}
	all = append(all, cells(t, id+"-waits", t.Waits, t.Waits, waitNames(t, s.Waits)))
	for _, p := range []struct {
		id, title, head, drawn string
		parts                  []Part
	}{
		{"-months", t.Months, t.Month, "answered_20s_of_answered", s.Months},
		{"-queues", t.Queues, t.Queue, "answered_20s_of_answered", s.Queues},
		{"-operators", t.Operators, t.Operator, "answer_time_mean", s.Operators},
	} {
		if len(p.parts) > 0 {
			all = append(all, compared(t, id+p.id, p.title, p.head, p.drawn, p.parts))
		}
	}
	all = append(all, cells(t, id+"-satisfaction", t.Satisfaction, t.Answer, s.Satisfaction))
	if s.Talk != nil {
		all = append(all, talk(t, id+"-talk", *s.Talk))
	}
	return all
}

// span writes a time: 5 s, or 168 h.
func span(ms int64) string {
	if d := time.Duration(ms) * time.Millisecond; d >= time.Hour && d%time.Hour == 0 {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%g s", float64(ms)/1000)
}

func objectives(t texts, id string, results []quality.Result) section {
	s := section{ID: id, Title: t.Objectives, Table: table{
		Caption: t.Objectives, Head: []string{t.Indicator, t.Objective, t.Value, t.Verdict},
	}}
	for _, r := range results {
		i, _ := quality.Find(r.Indicator)
		limit := t.AtMost
		if i.Better == quality.Higher {
			limit = t.AtLeast
		}
		verdict := string(r.Verdict)
		if r.Why != "" {
			verdict = r.Why
		}
		few := r.Why == quality.WhyFew
		s.Table.Rows = append(s.Table.Rows, []string{
			t.names[r.Indicator], fmt.Sprintf(limit, t.number(i.Unit, r.Limit)),
			t.value(Figure{Value: r.Value, Suppressed: few}), t.reasons[verdict],
		})
	}
	return s
}

// compared draws one figure of each part, and has all of them in the table.
func compared(t texts, id, title, head, drawn string, parts []Part) section {
	s := section{ID: id, Title: title, Table: table{Caption: title, Head: []string{head}}}
	for _, f := range parts[0].Figures {
		s.Table.Head = append(s.Table.Head, t.names[f.Indicator])
	}
	var points []point
	for _, p := range parts {
		row := []string{p.Name}
		for _, f := range p.Figures {
			row = append(row, t.value(f))
			if f.Indicator == drawn {
				points = append(points, point{p.Name, t.value(f), f.Low})
			}
		}
		s.Table.Rows = append(s.Table.Rows, row)
	}
	s.Chart = newChart(id, title, description(points), points)
	return s
}

func waitNames(t texts, waits []Cell) []Cell {
	named := slices.Clone(waits)
	for i := range named {
		if i < len(quality.Borders) {
			named[i].Name = fmt.Sprintf(t.WaitsUpTo, named[i].Name)
		} else {
			named[i].Name = fmt.Sprintf(t.WaitsMore, fmt.Sprint(quality.Borders[i-1]))
		}
	}
	return named
}

func cells(t texts, id, title, head string, cells []Cell) section {
	s := section{ID: id, Title: title, Table: table{Caption: title, Head: []string{head, t.Calls}}}
	var points []point
	for _, c := range cells {
		value := fmt.Sprint(c.Calls)
		if c.Suppressed {
			value = t.Suppressed
		}
		points = append(points, point{c.Name, value, float64(c.Calls)})
		s.Table.Rows = append(s.Table.Rows, []string{c.Name, value})
	}
	s.Chart = newChart(id, title, description(points), points)
	return s
}

func talk(t texts, id string, of Talk) section {
	s := section{ID: id, Title: t.Talk, Table: table{
		Caption: t.Talk, Head: []string{t.Kind, t.Minutes},
	}}
	var points []point
	add := func(name string, ms int64, drawn bool) {
		value := t.point(fmt.Sprintf("%.1f", float64(ms)/60_000))
		s.Table.Rows = append(s.Table.Rows, []string{name, value})
		if drawn {
			points = append(points, point{name, value, float64(ms)})
		}
	}
	add(t.Charged, of.ChargedMs, true)
	add(t.Free, of.FreeMs, true)
	for _, why := range quality.Reasons() {
		if ms := of.ByReason.Of(why); ms > 0 {
			add(t.Free+": "+string(why), ms, false)
		}
	}
	s.Chart = newChart(id, t.Talk, description(points), points)
	return s
}

// description says what a chart shows, to those who do not see it.
func description(points []point) string {
	var parts []string
	for _, p := range points {
		parts = append(parts, p.name+": "+p.value)
	}
	return strings.Join(parts, "; ")
}

func definitions(t texts, all []quality.Indicator) table {
	d := table{Caption: t.Definitions, Lang: "en", Head: []string{
		t.Indicator, t.Formula, t.Numerator, t.Denominator, t.Source, t.Version,
	}}
	for _, i := range all {
		formula := i.Formula
		if i.Bounds != "" {
			formula += " As bounds: " + i.Bounds + "."
		}
		d.Rows = append(d.Rows, []string{
			i.Name, formula, i.Numerator, i.Denominator, i.Source, fmt.Sprint(i.Version),
		})
	}
	return d
}
