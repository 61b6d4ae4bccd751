package report

import (
	"fmt"
	"slices"

	"github.com/risposta/gateway/metering/quality"
)

// Comparison is the figures of several companies side by side.
type Comparison struct {
	Period  string
	Reports []Published
	// Columns are the services of the companies.
	Columns []Column
	Lines   []Line
}

// Column is a service of a company.
type Column struct{ Company, Service, Policy string }

// Line is one indicator of each column.
type Line struct {
	Indicator quality.Indicator // as the first company that has it defines it
	// Refused says why the figures do not compare. Nil: they do.
	Refused *Refusal
	Figures []Figure // one a column; none where they are refused
}

// Refusal is why an indicator of two companies does not compare.
type Refusal struct {
	Kind       refusal
	One, Other string // the companies
	What       string // the part of the definition, or the term
	A, B       string // what each of them has there
}

type refusal string

const (
	absent       refusal = "absent"
	definedApart refusal = "defined"
	countedApart refusal = "counted"
)

// String is the refusal in English.
func (r *Refusal) String() string { return english.refusal(r) }

func (t texts) refusal(r *Refusal) string {
	if r.Kind == absent {
		return fmt.Sprintf(t.refusals[r.Kind], r.One, r.Other)
	}
	return fmt.Sprintf(t.refusals[r.Kind], r.One, r.Other, r.What, r.A, r.B)
}

// Compare puts published reports side by side. It fails where they are of different periods or time
// zones, or of counts of different versions. An indicator that two companies define or count in
// different ways is refused.
func Compare(all []Published) (Comparison, error) {
	var c Comparison
	if len(all) == 0 {
		return c, nil
	}
	first := all[0]
	c.Period, c.Reports = first.Period, all
	for _, p := range all {
		if p.Period != first.Period || p.Zone != first.Zone || p.Counts != first.Counts {
			return c, fmt.Errorf("%s reports %s of %s with counts of version %d, %s reports %s of %s with "+
				"version %d: they do not compare", first.Company, first.Period, first.Zone, first.Counts,
				p.Company, p.Period, p.Zone, p.Counts)
		}
		for _, s := range p.Services {
			c.Columns = append(c.Columns, Column{p.Company, s.Name, p.Policy})
		}
	}
	for _, p := range all { // of the later ones, what the earlier ones do not have
		for _, i := range p.Definitions {
			if !slices.ContainsFunc(c.Lines, func(l Line) bool { return l.Indicator.Name == i.Name }) {
				c.Lines = append(c.Lines, line(i, p, all))
			}
		}
	}
	return c, nil
}

// line compares all companies with the first one that has the indicator.
func line(i quality.Indicator, first Published, all []Published) Line {
	l := Line{Indicator: i}
	for _, p := range all {
		if l.Refused = differs(i, first, p); l.Refused != nil {
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

// differs says how a company's figure is another than the first one's. Nil: it is not.
func differs(i quality.Indicator, first, p Published) *Refusal {
	r := &Refusal{Kind: absent, One: first.Company, Other: p.Company}
	at := slices.IndexFunc(p.Definitions, func(d quality.Indicator) bool { return d.Name == i.Name })
	if at < 0 {
		return r
	}
	other := p.Definitions[at]
	for _, part := range []struct{ name, a, b string }{
		{"version", fmt.Sprint(i.Version), fmt.Sprint(other.Version)},
		{"unit", string(i.Unit), string(other.Unit)}, {"formula", i.Formula, other.Formula},
		{"numerator", i.Numerator, other.Numerator}, {"denominator", i.Denominator, other.Denominator},
		{"bounds", i.Bounds, other.Bounds}, {"term", i.Term, other.Term},
	} {
		if part.a != part.b {
			r.Kind, r.What, r.A, r.B = definedApart, part.name, part.a, part.b
			return r
		}
	}
	for _, term := range []struct{ of, name, a, b string }{
		{"short_abandon", "short_abandon", span(first.ShortAbandonMs), span(p.ShortAbandonMs)},
		{"repeat_within", "repeat_within", span(first.RepeatWithinMs), span(p.RepeatWithinMs)},
		{"repeat_within", "repeats_until", first.RepeatsUntil, p.RepeatsUntil},
	} {
		if i.Term == term.of && term.a != term.b {
			r.Kind, r.What, r.A, r.B = countedApart, term.name, orDash(term.a), orDash(term.b)
			return r
		}
	}
	return nil
}

func span(ms int64) string { return english.span(ms) }

func orDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
