package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/risposta/gateway/metering/quality"
)

// Quality says how the quality of service is measured, and what is aimed at.
type Quality struct {
	// A caller who hangs up after waiting this long or less for an operator abandons the call in
	// short: 5s, 10s, 20s, 30s or 1m.
	ShortAbandon time.Duration `yaml:"short_abandon"`
	// Within how long another call of the same caller is a repeat: 24h, 72h or 168h.
	RepeatWithin time.Duration `yaml:"repeat_within"`
	// What the company, or a law, has set as objective. Reports of that year have the result.
	Objectives []Objective `yaml:"objectives"`
}

func (q *Quality) defaults() {
	terms := quality.DefaultTerms()
	set(&q.ShortAbandon, terms.ShortAbandon)
	set(&q.RepeatWithin, terms.RepeatWithin)
}

// Terms are those of the reports.
func (q Quality) Terms() quality.Terms {
	return quality.Terms{ShortAbandon: q.ShortAbandon, RepeatWithin: q.RepeatWithin}
}

// Objective is what is aimed at for one indicator of a service in a year.
type Objective struct {
	// The name of the service. Required.
	Service string `yaml:"service"`
	// The name of the indicator, as docs/quality.md has it. Required.
	Indicator string `yaml:"indicator"`
	// The year, such as 2026. Required.
	Year int `yaml:"year"`
	// The limit, such as "70" seconds, or "0.40" for a share of 40 %: at most that where lower is
	// better, at least that where higher is. Required.
	Limit string `yaml:"limit"`
}

// OpenHours are the opening hours of the service as quality has them.
func (s Service) OpenHours() (quality.Hours, error) {
	var open []quality.Opening
	for _, h := range s.Hours {
		open = append(open, quality.Opening{Days: h.Days, From: h.From, Until: h.Until})
	}
	return quality.NewHours(s.Zone, open, s.Closed)
}

// Measured says how a call that arrived at an extension of a context is measured: whether that was
// outside the opening hours of its service, and whether the dialplan marks the choice of an operator.
// c must have come from [Load].
func (c *Config) Measured(context, exten string, arrived time.Time) (outside, marked bool) {
	for _, s := range c.Services {
		if s.Context != context || dialledNumber(s.Number) != dialledNumber(exten) {
			continue
		}
		hours, _ := s.OpenHours() // checked when the configuration was loaded
		return hours.Outside(arrived), s.Choice == ChoiceMark
	}
	return false, false
}

// checkMeasured checks how the quality of a service is measured: in one way for all entries of its
// name, of which before has the first.
func (l *loader) checkMeasured(key string, s Service, before map[string]Service) {
	if s.Choice != ChoiceQueue && s.Choice != ChoiceMark {
		l.problem(key+".choice", "%q is neither queue nor mark", s.Choice)
	}
	if _, err := s.OpenHours(); err != nil {
		for _, e := range unjoin(err) {
			field, what, _ := strings.Cut(e.Error(), ": ")
			l.problem(key+"."+field, "%s", what)
		}
	}
	first, again := before[s.Name]
	if !again {
		before[s.Name] = s
		return
	}
	if first.Choice != s.Choice || first.Zone != s.Zone || !slices.Equal(first.Hours, s.Hours) ||
		!slices.Equal(first.Closed, s.Closed) {
		l.problem(key, "service %q has another choice or other opening hours above: one name, one "+
			"way to measure", s.Name)
	}
}

// Targets are the objectives as quality has them.
func (q Quality) Targets() []quality.Objective {
	var all []quality.Objective
	for _, o := range q.Objectives {
		limit, _ := strconv.ParseFloat(o.Limit, 64) // checked when the configuration was loaded
		all = append(all, quality.Objective{
			Service: o.Service, Indicator: o.Indicator, Year: o.Year, Limit: limit,
		})
	}
	return all
}

// The bounds of the years.
const minYear, maxYear = 2000, 2999

func (l *loader) checkQuality(c *Config) {
	if d := c.Quality.ShortAbandon; !slices.Contains(quality.ShortAbandons(), d) {
		l.problem("quality.short_abandon", "%s is not told by the counts: use 5s, 10s, 20s, 30s or 1m", d)
	}
	if d := c.Quality.RepeatWithin; !slices.Contains(quality.RepeatsWithin(), d) {
		l.problem("quality.repeat_within", "%s is not told by the counts: use 24h, 72h or 168h", d)
	}
	services := map[string]bool{}
	for _, s := range c.Services {
		services[s.Name] = true
	}
	seen := map[Objective]bool{}
	for i, o := range c.Quality.Objectives {
		key := fmt.Sprintf("quality.objectives[%d]", i)
		if !services[o.Service] {
			l.problem(key+".service", "%q is the name of no service", o.Service)
		}
		indicator, known := quality.Find(o.Indicator)
		if !known {
			l.problem(key+".indicator", "%q is no indicator: docs/quality.md lists them", o.Indicator)
		}
		if o.Year < minYear || o.Year > maxYear {
			l.problem(key+".year", "%d is not a year from %d to %d", o.Year, minYear, maxYear)
		}
		limit, err := strconv.ParseFloat(o.Limit, 64)
		switch {
		case err != nil || !(limit >= 0) || math.IsInf(limit, 0):
			l.problem(key+".limit", "%q is not a number such as 70 or 0.40", o.Limit)
		case known && indicator.Unit == quality.Share && limit > 1:
			l.problem(key+".limit", "%s is more than the whole: write 0.40 for 40 %%", o.Limit)
		}
		o.Limit = ""
		if seen[o] {
			l.problem(key, "a second objective for %s of %s in %d", o.Indicator, o.Service, o.Year)
		}
		seen[o] = true
	}
}
