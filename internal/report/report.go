// Package report makes the report of a period from the counts of metering/quality.
//
// In: the counts that a ledger keeps ([Source]), and what is wanted of them ([Request]). Out: a
// [Report], and its forms: JSON, CSV, and one HTML page in Italian or English, without scripts,
// that needs no other file. Every figure
// of every form is one of the Report, so nothing small enough to point at a caller is in any of
// them: it is taken out when the Report is built.
package report

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
)

// Format is the version of the report's JSON and CSV.
const Format = 1

// Source is one state of a ledger.
type Source interface {
	ledger.QualityReader
	ledger.RepeatReader
	// Heads returns the signed heads of the ledger log, oldest first.
	Heads(ctx context.Context) ([][]byte, error)
}

// Request is what a report is to be about.
type Request struct {
	Period  Period
	Service string // "": all of them
	Terms   quality.Terms
	// Objectives may be of any year: those of the period's year are judged.
	Objectives []quality.Objective
	// Policy is the law that the services charge under, with the hash of its rules. "": not known.
	Policy string
}

// Report is what is published of a period.
type Report struct {
	Format int `json:"format"`
	// Counts is the version of the counts: see [quality.Version].
	Counts int    `json:"counts"`
	Period string `json:"period"`
	From   string `json:"from"`  // the first day
	Until  string `json:"until"` // the day after the last
	Zone   string `json:"zone"`  // the time zone of the days
	Days   int    `json:"days"`  // of the period
	// The first and the last day on which a call of these services was counted, and the number of
	// days on which one was. Left out: there was none.
	CountedFrom string `json:"counted_from,omitzero"`
	CountedTo   string `json:"counted_to,omitzero"`
	CountedDays int    `json:"counted_days"`
	// The terms of the figures, in milliseconds.
	ShortAbandonMs int64 `json:"short_abandon_ms"`
	RepeatWithinMs int64 `json:"repeat_within_ms"`
	// RepeatsUntil is the first day of the period for which it is not counted yet who called again.
	// Left out: it is counted for none.
	RepeatsUntil string `json:"repeats_until,omitzero"`
	// Policy is the law that the services charge under, with the hash of its rules: it@3f0c2b9a51d4.
	Policy string `json:"policy,omitzero"`
	// Head is the newest signed head of the ledger that the counts were read from. Left out: there
	// is none.
	Head        string              `json:"head,omitzero"`
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

// Build makes a report.
func Build(ctx context.Context, from Source, q Request) (Report, error) {
	p := q.Period
	r := Report{
		Format: Format, Counts: quality.Version, Period: p.Name,
		From: p.From.Format(time.DateOnly), Until: p.Until.Format(time.DateOnly),
		Zone: p.From.Location().String(), Days: p.days(),
		ShortAbandonMs: q.Terms.ShortAbandon.Milliseconds(),
		RepeatWithinMs: q.Terms.RepeatWithin.Milliseconds(),
		Policy:         q.Policy, Services: []Service{}, Definitions: quality.Indicators(),
	}
	if err := r.readState(ctx, from); err != nil {
		return r, fmt.Errorf("reading the state of the ledger: %w", err)
	}
	services, err := r.count(ctx, from, q)
	if err != nil {
		return r, fmt.Errorf("reading the counts of %s: %w", p.Name, err)
	}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		s := services[name].report(name, q.Terms)
		for _, o := range q.Objectives {
			if o.Service != name || o.Year != p.From.Year() {
				continue
			}
			result, err := s.judge(o, services[name].whole, q.Terms)
			if err != nil {
				return r, err
			}
			s.Objectives = append(s.Objectives, result)
		}
		r.Services = append(r.Services, s)
	}
	return r, nil
}

// count adds up the counts of each service, and notes on which days there are any.
func (r *Report) count(ctx context.Context, from Source, q Request) (map[string]*sums, error) {
	services, days := map[string]*sums{}, map[string]bool{}
	zone := q.Period.From.Location()
	err := q.Period.Rows(ctx, from, q.Service, func(hour time.Time, row quality.Row) {
		if services[row.Service] == nil {
			services[row.Service] = newSums()
		}
		day := hour.In(zone).Format(time.DateOnly)
		days[day] = true
		services[row.Service].add(row, day[:len("2026-11")])
	})
	if all := slices.Sorted(maps.Keys(days)); len(all) > 0 {
		r.CountedFrom, r.CountedTo, r.CountedDays = all[0], all[len(all)-1], len(all)
	}
	return services, err
}

// readState notes how far repeats are counted, and the newest head.
func (r *Report) readState(ctx context.Context, from Source) error {
	until, err := from.RepeatsUntil(ctx)
	if err != nil {
		return err
	}
	if until > r.From {
		r.RepeatsUntil = min(until, r.Until)
	}
	heads, err := from.Heads(ctx)
	if err == nil && len(heads) > 0 {
		r.Head = string(heads[len(heads)-1])
	}
	return err
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

func (s *sums) add(row quality.Row, month string) {
	part := func(parts map[string]quality.Counts, name string) {
		c := parts[name]
		c.Add(row.Counts)
		parts[name] = c
	}
	switch row.Level() {
	case quality.LevelService:
		s.whole.Add(row.Counts)
		part(s.months, month)
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

// WhyNotPublished is why an objective's verdict is not known: its figure is suppressed.
const WhyNotPublished = "not_published"

// judge is the result of an objective. Of a figure that is not published it has neither the value
// nor the verdict.
func (s Service) judge(
	o quality.Objective, whole quality.Counts, terms quality.Terms,
) (quality.Result, error) {
	r, err := o.Judge(whole, terms)
	for _, f := range s.Figures {
		if f.Indicator == o.Indicator && f.Suppressed {
			r.Value, r.Verdict, r.Why = f.Value, quality.NotKnown, WhyNotPublished
		}
	}
	return r, err
}
