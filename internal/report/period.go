package report

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Period is a part of the calendar, in UTC.
type Period struct {
	Name        string
	From, Until time.Time // Until is the first instant after it
}

var periodName = regexp.MustCompile(`^(\d{4})(?:-(?:H([12])|Q([1-4])|(0[1-9]|1[0-2])))?$`)

// ParsePeriod reads 2026, 2026-H1, 2026-Q3 or 2026-11.
func ParsePeriod(name string) (Period, error) {
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
	from := time.Date(number(m[1]), time.Month(first), 1, 0, 0, 0, 0, time.UTC)
	return Period{Name: name, From: from, Until: from.AddDate(0, months, 0)}, nil
}
