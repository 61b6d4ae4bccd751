package report

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/risposta/gateway/metering/quality"
)

// Period is a part of the calendar of a time zone.
type Period struct {
	Name        string
	From, Until time.Time // in the zone; Until is the first instant after it
}

var periodName = regexp.MustCompile(`^(\d{4})(?:-(?:H([12])|Q([1-4])|(0[1-9]|1[0-2])))?$`)

// ParsePeriod reads 2026, 2026-H1, 2026-Q3 or 2026-11, of a time zone whose months begin with an
// hour of UTC: the counts tell no shorter time.
func ParsePeriod(name string, zone *time.Location) (Period, error) {
	m := periodName.FindStringSubmatch(name)
	if m == nil {
		return Period{}, fmt.Errorf("%q is no period: write a year (2026), a half (2026-H1), "+
			"a quarter (2026-Q3) or a month (2026-11)", name)
	}
	number := func(text string) int {
		n, _ := strconv.Atoi(text) // digits, or empty
		return n
	}
	first, months := 1, 12
	switch {
	case m[2] != "":
		first, months = number(m[2])*6-5, 6
	case m[3] != "":
		first, months = number(m[3])*3-2, 3
	case m[4] != "":
		first, months = number(m[4]), 1
	}
	from := time.Date(number(m[1]), time.Month(first), 1, 0, 0, 0, 0, zone)
	for month := range months + 1 {
		if at := from.AddDate(0, month, 0); !at.Equal(at.Truncate(time.Hour)) {
			return Period{}, fmt.Errorf("%s begins at %s in %s: only time zones that are whole hours from UTC "+
				"can be reported", at.Format(time.DateOnly), at.UTC().Format("15:04 UTC"), zone)
		}
	}
	return Period{Name: name, From: from, Until: from.AddDate(0, months, 0)}, nil
}

// has reports whether an hour of the counts is in the period.
func (p Period) has(hour time.Time) bool {
	return !hour.Before(p.From) && hour.Before(p.Until)
}

// Counts is the side of the ledger that Rows needs.
type Counts interface {
	Quality(ctx context.Context, since, until time.Time, service string, f func(quality.Row) error) error
}

// Rows gives the counts of the calls that arrived in the period, each with its hour. service "" is all.
func (p Period) Rows(
	ctx context.Context, from Counts, service string, f func(hour time.Time, row quality.Row),
) error {
	// Days of the counts are of UTC: the last one may be the day on which the period ends elsewhere.
	until := p.Until.Add(24*time.Hour - 1)
	return from.Quality(ctx, p.From, until, service, func(row quality.Row) error {
		hour, err := hourOf(row.Key)
		if err == nil && p.has(hour) {
			f(hour, row)
		}
		return err
	})
}

// days is how many days the period has.
func (p Period) days() (n int) {
	for at := p.From; at.Before(p.Until); at = at.AddDate(0, 0, 1) {
		n++
	}
	return n
}

// hourOf is the hour in which the calls of a row arrived.
func hourOf(key quality.Key) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, key.Day)
	if err != nil {
		return day, fmt.Errorf("the counts of a day: %w", err)
	}
	return day.Add(time.Duration(key.Hour) * time.Hour), nil
}
