package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/risposta/gateway/internal/records"
	"github.com/risposta/gateway/metering/quality"
)

// rows are the table of all that the comparison has, its head first. level is about, definition,
// figure or refused.
func (c Comparison) rows() [][]string {
	all := [][]string{{
		"period", "level", "company", "service", "figure", "version", "unit", "low", "high", "n", "of",
		"interval_low", "interval_high", "suppressed", "text",
	}}
	add := func(level, company, service, figure, version string, unit quality.Unit, numbers []string,
		text string,
	) {
		row := []string{c.Period, level, company, service, figure, version, string(unit)}
		all = append(all, append(append(row, numbers...), text))
	}
	none := make([]string, 7)
	for _, p := range c.Reports {
		for _, f := range p.self() {
			add("about", p.Company, "", f.Name, "", "", none, f.Text)
		}
	}
	for _, l := range c.Lines {
		i, version := l.Indicator, fmt.Sprint(l.Indicator.Version)
		if l.Refused != nil {
			add("refused", "", "", i.Name, version, i.Unit, none, l.Refused.String())
			continue
		}
		add("definition", "", "", i.Name, version, i.Unit, none, english.formula(i))
		for k, f := range l.Figures {
			row := figureRows("", "", []Figure{f})[0]
			add("figure", c.Columns[k].Company, c.Columns[k].Service, i.Name, version, i.Unit, row[5:12], "")
		}
	}
	return all
}

// WriteCSV writes what each report says of itself, one row for each definition and figure, and one
// for each indicator that is refused.
func (c Comparison) WriteCSV(w io.Writer) error {
	return writeCSV(w, c.rows())
}

func writeCSV(w io.Writer, rows [][]string) error {
	out := csv.NewWriter(w)
	for _, row := range rows {
		for i := range row {
			row[i] = records.Harmless(row[i])
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// WriteHTML writes the comparison as one page in a language of [Languages].
func (c Comparison) WriteHTML(w io.Writer, language string) error {
	t, ok := languages[language]
	if !ok {
		return fmt.Errorf("writing the comparison: there is no language %q: use one of %s", language,
			strings.Join(Languages(), ", "))
	}
	var defined []quality.Indicator
	for _, l := range c.Lines {
		if l.Refused == nil {
			defined = append(defined, l.Indicator)
		}
	}
	p := page{
		T: t, Name: c.Period + ": " + strings.ToLower(t.Compared),
		Notes:   []string{t.ComparedNote, t.Coverage, t.SuppressedNote},
		Defined: definitions(t, defined), DefNote: t.DefinitionsNote,
		Sections: []section{c.compared(t), c.reports(t)},
	}
	if len(c.Reports) > 0 {
		r := c.Reports[0]
		p.About = []fact{{t.PeriodName, fmt.Sprintf(t.Period, r.From, dayBefore(r.Until), r.Zone)}}
	}
	if refused := c.refused(t); len(refused.Table.Rows) > 0 {
		p.Sections = slices.Insert(p.Sections, 1, refused)
	}
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("writing the comparison's page: %w", err)
	}
	return nil
}

// compared is the table of all figures that compare, and charts of the most important ones.
func (c Comparison) compared(t texts) section {
	s := section{ID: "compared", Title: t.Compared, Wide: true, Table: &table{
		Caption: t.Compared, Head: []head{{t.Indicator, false}},
	}}
	for _, column := range c.Columns {
		s.Table.Head = append(s.Table.Head, head{column.name(), true})
	}
	for _, l := range c.Lines {
		if l.Refused != nil {
			continue
		}
		name := t.name(l.Indicator)
		row := []cell{{Text: name, Link: "d-" + l.Indicator.Name}}
		var points []point
		for k, f := range l.Figures {
			note := t.measured(f)
			if interval := t.interval(f); interval != "" {
				note += "; " + interval
			}
			row = append(row, cell{Text: t.value(f), Note: note, Number: true})
			points = append(points, point{c.short(k), t.value(f), f.Low, !f.Known})
		}
		s.Table.Rows = append(s.Table.Rows, row)
		if slices.Contains(keyFigures, l.Indicator.Name) {
			s.Charts = append(s.Charts, newChart("c-"+l.Indicator.Name, name, l.Indicator.Unit, points, 0, ""))
		}
	}
	return s
}

func (c Column) name() string { return c.Company + ": " + c.Service }

// short is the name of a column in a chart: the company alone, where it has no other service.
func (c Comparison) short(k int) string {
	for i, other := range c.Columns {
		if i != k && other.Company == c.Columns[k].Company {
			return c.Columns[k].name()
		}
	}
	return c.Columns[k].Company
}

// refused are the indicators that do not compare, and why.
func (c Comparison) refused(t texts) section {
	s := section{ID: "refused", Title: t.Refused, Wide: true, Table: &table{
		Caption: t.Refused, Head: []head{{t.Indicator, false}, {t.Why, false}},
	}}
	for _, l := range c.Lines {
		if l.Refused != nil {
			s.Table.Rows = append(s.Table.Rows,
				[]cell{{Text: t.name(l.Indicator)}, {Text: t.refusal(l.Refused)}})
		}
	}
	return s
}

// reports are what the reports say of themselves, a row for each.
func (c Comparison) reports(t texts) section {
	s := section{ID: "reports", Title: t.Companies, Wide: true, Table: &table{
		Caption: t.Companies, Head: []head{
			{t.Company, false}, {t.CountedName, false}, {t.PolicyName, false}, {t.ShortName, false},
			{t.RepeatName, false}, {t.Head, false},
		},
	}}
	for _, p := range c.Reports {
		row := []cell{{Text: p.Company}}
		for _, f := range p.facts(t)[1:] {
			row = append(row, cell{Text: f.Text})
		}
		ledger := strings.Join(strings.Fields(p.Head), " ")
		if ledger == "" {
			ledger = t.NoHead
		}
		s.Table.Rows = append(s.Table.Rows, append(row, cell{Text: ledger}))
	}
	return s
}
