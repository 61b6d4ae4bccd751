package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/risposta/gateway/metering/quality"
)

// WriteJSON writes the report as JSON, indented.
func (r Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

var csvColumns = []string{
	"period", "service", "level", "part", "figure", "version", "unit", "low", "high", "n", "of",
	"interval_low", "interval_high", "suppressed", "limit", "verdict",
}

// WriteCSV writes one row for each figure, count and objective. level is service, objective, month,
// queue, operator, wait or satisfaction. An exact figure has low and high equal. One that is
// suppressed has neither. Before them, rows of the level about have in part what the report says of
// itself, and those of the level definition what each indicator is.
func (r Report) WriteCSV(w io.Writer) error {
	return writeCSV(w, r.rows())
}

// rows are the table of all that the report has, its head first.
func (r Report) rows() [][]string {
	all := [][]string{csvColumns}
	for _, row := range r.about() {
		all = append(all, append([]string{r.Period, ""}, row...))
	}
	for _, s := range r.Services {
		rows := figureRows("service", "", s.Figures)
		for _, o := range s.Objectives {
			row := figureRows("objective", "", []Figure{{Value: o.Value}})[0]
			row[len(row)-2], row[len(row)-1] = decimal(o.Limit), string(o.Verdict)
			rows = append(rows, row)
		}
		for _, group := range []struct {
			level string
			parts []Part
		}{{"month", s.Months}, {"queue", s.Queues}, {"operator", s.Operators}} {
			for _, p := range group.parts {
				rows = append(rows, figureRows(group.level, p.Name, p.Figures)...)
			}
		}
		rows = append(rows, cellRows("wait", s.Waits)...)
		rows = append(rows, cellRows("satisfaction", s.Satisfaction)...)
		for _, row := range rows {
			all = append(all, append([]string{r.Period, s.Name}, row...))
		}
	}
	return all
}

// about says what the report is, and what its figures are.
func (r Report) about() (rows [][]string) {
	add := func(level, name, text string, more ...string) {
		row := append([]string{level, text, name}, more...)
		rows = append(rows, append(row, make([]string, len(csvColumns)-2-len(row))...))
	}
	for _, f := range r.self() {
		add("about", f.Name, f.Text)
	}
	for _, i := range r.Definitions {
		add("definition", i.Name, english.formula(i), fmt.Sprint(i.Version), string(i.Unit))
	}
	return rows
}

// self is what the report says of itself, by the names of its JSON.
func (r Report) self() []fact {
	return []fact{
		{"format", fmt.Sprint(r.Format)}, {"counts", fmt.Sprint(r.Counts)}, {"from", r.From},
		{"until", r.Until}, {"zone", r.Zone}, {"days", fmt.Sprint(r.Days)},
		{"counted_from", r.CountedFrom}, {"counted_to", r.CountedTo},
		{"counted_days", fmt.Sprint(r.CountedDays)},
		{"short_abandon_ms", fmt.Sprint(r.ShortAbandonMs)},
		{"repeat_within_ms", fmt.Sprint(r.RepeatWithinMs)}, {"repeats_until", r.RepeatsUntil},
		{"policy", r.Policy}, {"head", r.Head},
	}
}

func figureRows(level, part string, figures []Figure) (rows [][]string) {
	for _, f := range figures {
		i, _ := quality.Find(f.Indicator)
		row := []string{level, part, f.Indicator, fmt.Sprint(f.Version), string(i.Unit),
			"", "", "", "", "", "", strconv.FormatBool(f.Suppressed), "", ""}
		if f.Known {
			row[5], row[6] = decimal(f.Low), decimal(f.High)
			row[7], row[8] = fmt.Sprint(f.N), fmt.Sprint(f.Of)
		}
		if f.Interval != nil {
			row[9], row[10] = decimal(f.Interval.Low), decimal(f.Interval.High)
		}
		rows = append(rows, row)
	}
	return rows
}

func cellRows(level string, cells []Cell) (rows [][]string) {
	for _, c := range cells {
		n := fmt.Sprint(c.Calls)
		if c.Suppressed {
			n = ""
		}
		rows = append(rows, []string{level, c.Name, "calls", fmt.Sprint(quality.Version), "calls",
			n, n, n, n, "", "", strconv.FormatBool(c.Suppressed), "", ""})
	}
	return rows
}

func decimal(x float64) string { return strconv.FormatFloat(x, 'f', 6, 64) }
