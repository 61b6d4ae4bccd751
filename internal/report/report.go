// Package report makes the report of a period from the counts of metering/quality.
//
// In: rows of counts, from whatever keeps them ([Rows]). Out: a [Report], and its forms: JSON, CSV,
// and one HTML page in Italian or English, without scripts, that needs no other file. Every figure
// of every form is one of the Report, so nothing small enough to point at a caller is in any of
// them: it is taken out when the Report is built.
package report

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/risposta/gateway/metering/quality"
)

// Format is the version of the report's JSON and CSV.
const Format = 1

// Rows are kept counts.
type Rows interface {
	// Rows calls f with the rows of a service, or of all for "", of the calls that arrived at from or
	// later and before until. An error of f ends the reading, and is returned as it is.
	Rows(ctx context.Context, from, until time.Time, service string, f func(quality.Row) error) error
}

// Report is what is published of a period.
type Report struct {
	Format int `json:"format"`
	// Counts is the version of the counts: see [quality.Version].
	Counts int    `json:"counts"`
	Period string `json:"period"`
	From   string `json:"from"`  // the first day, in UTC
	Until  string `json:"until"` // the day after the last
	// The terms of the figures, in milliseconds.
	ShortAbandonMs int64 `json:"short_abandon_ms"`
	RepeatWithinMs int64 `json:"repeat_within_ms"`
	// NotCounted is the number of calls in the period whose detail is erased, where the counts were
	// made from records.
	NotCounted  int64               `json:"not_counted,omitzero"`
	Services    []Service           `json:"services"`
	Definitions []quality.Indicator `json:"definitions"`
}

// Service is the report of one service.
type Service struct {
	Name    string   `json:"name"`
	Figures []Figure `json:"figures"`
	// Objectives are those of the period's year, judged by what was counted in the period.
	Objectives []quality.Result `json:"objectives"`
	// What the whole is divided into, each in one way. A part's figures are compared, not added.
	Months    []Part `json:"months"`
	Queues    []Part `json:"queues"`
	Operators []Part `json:"operators"`
	// Waits are the first waits by bucket, Satisfaction the answers from 1 to 5.
	Waits        []Cell `json:"waits"`
	Satisfaction []Cell `json:"satisfaction"`
	// Charged and free talk. Left out: of too few calls.
	Talk *Talk `json:"talk,omitzero"`
}

// Figure is an indicator's value. A suppressed one is of too few calls, or would give one away
// that is; it has no value and no numbers.
type Figure struct {
	quality.Value
	Suppressed bool `json:"suppressed,omitzero"`
}

// Part is a month, a queue or an operator.
type Part struct {
	Name    string   `json:"name"`
	Figures []Figure `json:"figures"`
}

// Cell is a count of calls.
type Cell struct {
	Name       string `json:"name"`
	Calls      int64  `json:"calls"`
	Suppressed bool   `json:"suppressed,omitzero"`
}

// Talk is how much talk was charged, and how much was free.
type Talk struct {
	ChargedMs int64            `json:"charged_ms"`
	FreeMs    int64            `json:"free_ms"`
	ByReason  quality.ByReason `json:"free_ms_by_reason,omitzero"`
}

// What is compared between the parts of a service.
var (
	comparedParts = []string{
		"answer_time_mean", "answered_20s_of_answered", "answered_180s_of_answered", "abandoned",
		"satisfaction_mean",
	}
	comparedOperators = []string{
		"answer_time_mean", "answered_20s_of_answered", "transfer_wait_mean", "satisfaction_mean",
	}
)

// Build makes the report of a period, of one service or of all for "". Of the objectives it takes
// those of the period's year.
func Build(
	ctx context.Context, rows Rows, p Period, service string, terms quality.Terms,
	objectives []quality.Objective,
) (Report, error) {
	r := Report{
		Format: Format, Counts: quality.Version, Period: p.Name,
		From: p.From.Format(time.DateOnly), Until: p.Until.Format(time.DateOnly),
		ShortAbandonMs: terms.ShortAbandon.Milliseconds(),
		RepeatWithinMs: terms.RepeatWithin.Milliseconds(),
		Services:       []Service{}, Definitions: quality.Indicators(),
	}
	services := map[string]*sums{}
	err := rows.Rows(ctx, p.From, p.Until, service, func(row quality.Row) error {
		if services[row.Service] == nil {
			services[row.Service] = newSums()
		}
		services[row.Service].add(row)
		return nil
	})
	if err != nil {
		return r, fmt.Errorf("reading the counts of %s: %w", p.Name, err)
	}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		s := services[name].report(name, terms)
		for _, o := range objectives {
			if o.Service != name || o.Year != p.From.Year() {
				continue
			}
			result, err := s.judge(o, services[name].whole, terms)
			if err != nil {
				return r, err
			}
			s.Objectives = append(s.Objectives, result)
		}
		r.Services = append(r.Services, s)
	}
	return r, nil
}

// sums are the counts of one service, as a whole and in parts.
type sums struct {
	whole                     quality.Counts
	months, queues, operators map[string]quality.Counts
}

func newSums() *sums {
	return &sums{
		months: map[string]quality.Counts{}, queues: map[string]quality.Counts{},
		operators: map[string]quality.Counts{},
	}
}

func (s *sums) add(row quality.Row) {
	part := func(parts map[string]quality.Counts, name string) {
		c := parts[name]
		c.Add(row.Counts)
		parts[name] = c
	}
	switch row.Level() {
	case quality.LevelService:
		s.whole.Add(row.Counts)
		part(s.months, row.Day[:len("2026-11")])
	case quality.LevelQueue:
		part(s.queues, row.Queue)
	case quality.LevelOperator:
		part(s.operators, row.Operator)
	}
}

func (s *sums) report(name string, terms quality.Terms) Service {
	service := Service{
		Name: name, Objectives: []quality.Result{}, Waits: waitCells(s.whole.Wait), Talk: talkOf(s.whole),
		Satisfaction: satisfactionCells(s.whole.Survey.Satisfaction),
		Months:       parts(s.whole, s.months, comparedParts, terms),
		Queues:       parts(s.whole, s.queues, comparedParts, terms),
		Operators:    parts(s.whole, s.operators, comparedOperators, terms),
	}
	service.Figures = wholeFigures(s.whole, terms)
	return service
}

// judge is the result of an objective. Of a figure that is not published it has neither the value
// nor the verdict.
func (s Service) judge(
	o quality.Objective, whole quality.Counts, terms quality.Terms,
) (quality.Result, error) {
	r, err := o.Judge(whole, terms)
	for _, f := range s.Figures {
		if f.Indicator == o.Indicator && f.Suppressed {
			r.Value, r.Verdict, r.Why = f.Value, quality.NotKnown, quality.WhyFew
		}
	}
	return r, err
}
