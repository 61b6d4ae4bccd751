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

// Comparison is the figures of several companies side by side.
type Comparison struct {
	Period string
	// Columns are the services of the companies.
	Columns []Column
	Lines   []Line
}

// Column is a service of a company.
type Column struct{ Company, Service, Policy string }

// Line is one indicator of each column.
type Line struct {
	Indicator quality.Indicator // as the first company defines it
	// Refused says why the figures do not compare. Empty: they do.
	Refused string
	Figures []Figure // one a column; none where they are refused
}

// Compare puts published reports side by side. It fails where they are of different periods, or of
// counts of different versions. An indicator that two companies define or count in different ways is
// refused.
func Compare(all []Published) (Comparison, error) {
	var c Comparison
	if len(all) == 0 {
		return c, nil
	}
	first := all[0]
	c.Period = first.Period
	for _, p := range all {
		if p.Period != first.Period || p.Counts != first.Counts {
			return c, fmt.Errorf("%s reports %s with counts of version %d, %s reports %s with version %d: "+
				"they do not compare", first.Company, first.Period, first.Counts, p.Company, p.Period,
				p.Counts)
		}
		for _, s := range p.Services {
			c.Columns = append(c.Columns, Column{p.Company, s.Name, p.Policy})
		}
	}
	for _, i := range first.Definitions {
		c.Lines = append(c.Lines, line(i, all))
	}
	for _, p := range all[1:] { // what the first company does not have
		for _, i := range p.Definitions {
			if !slices.ContainsFunc(c.Lines, func(l Line) bool { return l.Indicator.Name == i.Name }) {
				c.Lines = append(c.Lines, line(i, all))
			}
		}
	}
	return c, nil
}

func line(i quality.Indicator, all []Published) Line {
	l := Line{Indicator: i}
	for _, p := range all {
		if l.Refused = differs(i, all[0], p); l.Refused != "" {
			l.Figures = nil
			return l
		}
		for _, s := range p.Services {
			at := slices.IndexFunc(s.Figures, func(f Figure) bool { return f.Indicator == i.Name })
			if at < 0 {
				l.Figures = append(l.Figures, Figure{Value: quality.Value{Indicator: i.Name}})
				continue
			}
			l.Figures = append(l.Figures, s.Figures[at])
		}
	}
	return l
}

// differs says how a company's figure is another than the first one's. "": it is not.
func differs(i quality.Indicator, first, p Published) string {
	at := slices.IndexFunc(p.Definitions, func(d quality.Indicator) bool { return d.Name == i.Name })
	if at < 0 {
		return p.Company + " does not have it"
	}
	other := p.Definitions[at]
	for _, part := range []struct{ name, a, b string }{
		{"version", fmt.Sprint(i.Version), fmt.Sprint(other.Version)},
		{"unit", string(i.Unit), string(other.Unit)}, {"formula", i.Formula, other.Formula},
		{"numerator", i.Numerator, other.Numerator}, {"denominator", i.Denominator, other.Denominator},
		{"term", i.Term, other.Term},
	} {
		if part.a != part.b {
			return fmt.Sprintf("%s and %s define it with another %s: %q, %q", first.Company, p.Company,
				part.name, part.a, part.b)
		}
	}
	for _, term := range []struct {
		name string
		a, b int64
	}{
		{"short_abandon", first.ShortAbandonMs, p.ShortAbandonMs},
		{"repeat_within", first.RepeatWithinMs, p.RepeatWithinMs},
	} {
		if i.Term == term.name && term.a != term.b {
			return fmt.Sprintf("%s counts with %s %s, %s with %s", first.Company, term.name, span(term.a),
				p.Company, span(term.b))
		}
	}
	if i.Term == "repeat_within" && first.RepeatsUntil != p.RepeatsUntil {
		return fmt.Sprintf("%s has counted the days before %q, %s those before %q", first.Company,
			first.RepeatsUntil, p.Company, p.RepeatsUntil)
	}
	return ""
}

// WriteCSV writes one row for each figure, and one for each indicator that is refused.
func (c Comparison) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{
		"period", "company", "service", "figure", "version", "unit", "low", "high", "n", "of",
		"suppressed", "refused",
	}}
	for _, l := range c.Lines {
		if l.Refused != "" {
			rows = append(rows, []string{c.Period, "", "", l.Indicator.Name,
				fmt.Sprint(l.Indicator.Version), string(l.Indicator.Unit), "", "", "", "", "", l.Refused})
			continue
		}
		for k, f := range l.Figures {
			row := figureRows("", "", []Figure{f})[0]
			rows = append(rows, []string{c.Period, c.Columns[k].Company, c.Columns[k].Service,
				l.Indicator.Name, fmt.Sprint(l.Indicator.Version), string(l.Indicator.Unit), row[5], row[6],
				row[7], row[8], row[11], ""})
		}
	}
	for _, row := range rows {
		for k := range row {
			row[k] = records.Harmless(row[k])
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
	compared := section{ID: "compared", Title: t.Compared, Table: table{
		Caption: t.Compared, Head: []string{t.Indicator},
	}}
	for _, column := range c.Columns {
		head := column.Company + ": " + column.Service
		if column.Policy != "" {
			head += " (" + column.Policy + ")"
		}
		compared.Table.Head = append(compared.Table.Head, head)
	}
	refused := section{ID: "refused", Title: t.Refused, Table: table{
		Caption: t.Refused, Head: []string{t.Indicator, t.Why},
	}}
	var defined []quality.Indicator
	for _, l := range c.Lines {
		name := t.names[l.Indicator.Name]
		if name == "" {
			name = l.Indicator.Name
		}
		if l.Refused != "" {
			refused.Table.Rows = append(refused.Table.Rows, []string{name, l.Refused})
			continue
		}
		row := []string{name}
		for _, f := range l.Figures {
			row = append(row, t.value(f))
		}
		compared.Table.Rows = append(compared.Table.Rows, row)
		defined = append(defined, l.Indicator)
	}
	p := page{
		T: t, Name: c.Period, Period: t.ComparedNote, Defined: definitions(t, defined),
		Sections: []section{compared},
	}
	if len(refused.Table.Rows) > 0 {
		p.Sections = append(p.Sections, refused)
	}
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("writing the comparison's page: %w", err)
	}
	return nil
}
