package report

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/risposta/gateway/metering/quality"
)

// keyFigures are those that a service's report begins with.
var keyFigures = []string{
	"answer_time_mean", "answered_20s_of_answered", "abandoned", "satisfaction_mean",
}

// keys are the most important figures, each with the verdict on its objective.
func (s Service) keys(t texts) (keys []key) {
	for _, f := range s.Figures {
		if !slices.Contains(keyFigures, f.Indicator) {
			continue
		}
		k := key{Name: t.names[f.Indicator], Value: t.value(f)}
		for _, o := range s.Objectives {
			if o.Indicator == f.Indicator {
				k.Note = t.limit(o) + ": " + t.verdict(o)
				k.Value = t.valueBeside(f, o.Limit)
			}
		}
		keys = append(keys, k)
	}
	return keys
}

// sections are the tables of a service, with their charts.
func (s Service) sections(t texts, id string) []section {
	of := func(title string) string { return title + ": " + s.Name }
	all := []section{s.figures(t, id+"-figures", of(t.Figures))}
	if len(s.Objectives) > 0 {
		all = append(all, s.objectives(t, id+"-objectives", of(t.Objectives)))
	}
	waits := slices.Clone(s.Waits)
	for i := range waits {
		waits[i].Name = t.waitName(i)
	}
	all = append(all, cells(t, id+"-waits", t.Waits, of(t.Waits), t.Wait, waits))
	for _, p := range []struct {
		id, title, head, drawn string
		parts                  []Part
	}{
		{"-months", t.Months, t.Month, "answered_20s_of_answered", s.Months},
		{"-queues", t.Queues, t.Queue, "answered_20s_of_answered", s.Queues},
		{"-operators", t.Operators, t.Operator, "answer_time_mean", s.Operators},
	} {
		if len(p.parts) > 0 {
			all = append(all, s.compared(t, id+p.id, p.title, p.head, p.drawn, p.parts))
		}
	}
	all = append(all, cells(t, id+"-satisfaction", t.Satisfaction, of(t.Satisfaction), t.Answer,
		s.Satisfaction))
	return append(all, s.talk(t, id+"-talk"))
}

func (s Service) figures(t texts, id, caption string) section {
	of := &table{Caption: caption, Head: []head{
		{t.Indicator, false}, {t.Value, true}, {t.Interval, true}, {t.Measured, true},
	}}
	for _, f := range s.Figures {
		of.Rows = append(of.Rows, []cell{
			{Text: t.names[f.Indicator], Link: "d-" + f.Indicator}, number(t.value(f)), number(t.interval(f)),
			number(t.measured(f)),
		})
	}
	return section{ID: id, Title: t.Figures, Table: of}
}

func number(text string) cell { return cell{Text: text, Number: true} }

func (s Service) objectives(t texts, id, caption string) section {
	of := &table{Caption: caption, Head: []head{
		{t.Indicator, false}, {t.Objective, true}, {t.Value, true}, {t.Measured, true}, {t.Verdict, false},
	}}
	for _, r := range s.Objectives {
		f := Figure{Value: r.Value, Suppressed: r.Why == WhyNotPublished}
		of.Rows = append(of.Rows, []cell{
			{Text: t.names[r.Indicator], Link: "d-" + r.Indicator}, number(t.limit(r)),
			number(t.valueBeside(f, r.Limit)), number(t.measured(f)), {Text: t.verdict(r)},
		})
	}
	return section{ID: id, Title: t.Objectives, Table: of}
}

// limit writes what an objective asks for.
func (t texts) limit(r quality.Result) string {
	i, _ := quality.Find(r.Indicator)
	words := t.AtMost
	if i.Better == quality.Higher {
		words = t.AtLeast
	}
	return fmt.Sprintf(words, t.number(i.Unit, r.Limit, math.Round, 0))
}

func (t texts) verdict(r quality.Result) string {
	if r.Why != "" {
		return t.reasons[r.Why]
	}
	return t.reasons[string(r.Verdict)]
}

// compared draws one figure of each part, with its objective, and has all of them in the table.
func (s Service) compared(t texts, id, title, first, drawn string, parts []Part) section {
	of := &table{Caption: title + ": " + s.Name, Head: []head{{first, false}}}
	for _, f := range parts[0].Figures {
		of.Head = append(of.Head, head{together(t.names[f.Indicator]), true})
	}
	indicator, _ := quality.Find(drawn)
	words, limit := "", 0.0
	for _, o := range s.Objectives {
		if o.Indicator == drawn {
			words, limit = t.Objective+": "+t.limit(o), o.Limit
		}
	}
	var points []point
	for _, p := range parts {
		row := []cell{{Text: p.Name}}
		for _, f := range p.Figures {
			row = append(row, cell{Text: t.value(f), Note: t.measured(f), Number: true})
			if f.Indicator == drawn {
				points = append(points, point{p.Name, t.value(f), f.Low, !f.Known})
			}
		}
		of.Rows = append(of.Rows, row)
	}
	drawing := newChart(id, title+": "+t.names[drawn]+" ("+s.Name+")", indicator.Unit, points, limit, words)
	return section{ID: id, Title: title, Charts: []*chart{drawing}, Table: of, Wide: true}
}

// waitName is the name of a bucket of the waits.
func (t texts) waitName(i int) string {
	if i < len(quality.Borders) {
		return fmt.Sprintf(t.WaitsUpTo, fmt.Sprint(quality.Borders[i]))
	}
	return fmt.Sprintf(t.WaitsMore, fmt.Sprint(quality.Borders[i-1]))
}

func cells(t texts, id, title, caption, first string, cells []Cell) section {
	of := &table{Caption: caption, Head: []head{{first, false}, {t.Calls, true}}}
	var points []point
	for _, c := range cells {
		value := t.count(c.Calls)
		if c.Suppressed {
			value = t.Suppressed
		}
		points = append(points, point{c.Name, value, float64(c.Calls), c.Suppressed})
		of.Rows = append(of.Rows, []cell{{Text: c.Name}, number(value)})
	}
	drawing := newChart(id, caption, "", points, 0, "")
	drawing.Untitled = true
	return section{ID: id, Title: title, Charts: []*chart{drawing}, Table: of}
}

func (s Service) talk(t texts, id string) section {
	all := section{ID: id, Title: t.Talk}
	if s.Talk == nil {
		all.Note = t.TalkNotPublished
		return all
	}
	all.Table = &table{
		Caption: t.Talk + ": " + s.Name, Head: []head{{t.Kind, false}, {t.Minutes, true}},
	}
	var points []point
	add := func(name string, ms int64, drawn bool) {
		value := t.point(fmt.Sprintf("%.1f", float64(ms)/60_000))
		all.Table.Rows = append(all.Table.Rows, []cell{{Text: name}, number(value)})
		if drawn {
			points = append(points, point{name, value + " min", float64(ms), false})
		}
	}
	add(t.Charged, s.Talk.ChargedMs, true)
	add(t.Free, s.Talk.FreeMs, true)
	for _, why := range quality.Reasons() {
		if ms := s.Talk.ByReason.Of(why); ms > 0 {
			add(t.Free+": "+t.why[string(why)], ms, false)
		}
	}
	drawing := newChart(id, t.Talk+": "+s.Name, "", points, 0, "")
	drawing.Untitled = true
	all.Charts = []*chart{drawing}
	return all
}

var unitBehind = regexp.MustCompile(`(\d) (s|%)`)

// together keeps a number and its unit on one line.
func together(text string) string { return unitBehind.ReplaceAllString(text, "$1\u00a0$2") }

// description says what a chart shows, to those who do not see it.
func description(points []point, words string) string {
	var parts []string
	for _, p := range points {
		parts = append(parts, p.name+": "+p.value)
	}
	if words != "" {
		parts = append(parts, words)
	}
	return strings.Join(parts, "; ")
}
