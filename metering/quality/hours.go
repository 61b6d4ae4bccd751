package quality

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hours are the opening hours of a service, by the wall clock of a zone. The zero value has none: the
// service is always open.
type Hours struct {
	zone   *time.Location
	open   []Opening
	closed []string // days, such as 2026-12-25
}

// Opening is a time of the week in which a service is open.
type Opening struct {
	Days  string // such as mon-fri, or sat,sun; "" for every day
	From  string // such as 08:00
	Until string // such as 18:30, or 24:00
	on    [7]bool
	// minutes since midnight
	from, until int
}

// NewHours reads opening hours. Its error joins all problems, each of which begins with the key of
// the configuration: zone, hours[0].from, closed[1].
func NewHours(zone string, open []Opening, closed []string) (Hours, error) {
	if len(open) == 0 {
		if zone != "" || len(closed) > 0 {
			return Hours{}, errors.New("hours: missing: a zone or closed days mean nothing without hours")
		}
		return Hours{}, nil
	}
	h := Hours{open: slices.Clone(open), closed: closed}
	var errs []error
	var err error
	if h.zone, err = time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		errs = append(errs, fmt.Errorf("zone: %q is not a time zone such as Europe/Rome", zone))
	}
	for i := range h.open {
		for _, err := range h.open[i].read() {
			errs = append(errs, fmt.Errorf("hours[%d].%w", i, err))
		}
	}
	for i, d := range closed {
		if _, err := time.Parse(time.DateOnly, d); err != nil {
			errs = append(errs, fmt.Errorf("closed[%d]: %q is not a day such as 2026-12-25", i, d))
		}
	}
	return h, errors.Join(errs...)
}

// Outside reports whether an instant is outside the opening hours.
func (h Hours) Outside(at time.Time) bool {
	if len(h.open) == 0 {
		return false
	}
	local := at.In(h.zone)
	if slices.Contains(h.closed, local.Format(time.DateOnly)) {
		return true
	}
	minute := local.Hour()*60 + local.Minute()
	return !slices.ContainsFunc(h.open, func(o Opening) bool {
		return o.on[local.Weekday()] && minute >= o.from && minute < o.until
	})
}

// weekdays are in the order of [time.Weekday].
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

var wallClock = regexp.MustCompile(`^([01][0-9]|2[0-4]):([0-5][0-9])$`)

func (o *Opening) read() (errs []error) {
	var err, err1, err2 error
	o.on, err = readDays(o.Days)
	o.from, err1 = readMinute("from", o.From)
	o.until, err2 = readMinute("until", o.Until)
	for _, e := range []error{err, err1, err2} {
		if e != nil {
			errs = append(errs, e)
		}
	}
	if len(errs) == 0 && o.from >= o.until {
		errs = append(errs, fmt.Errorf("until: %s is not later than from: split hours that pass "+
			"midnight in two", o.Until))
	}
	return errs
}

func readDays(text string) (on [7]bool, err error) {
	if text == "" {
		return [7]bool{true, true, true, true, true, true, true}, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, span := strings.Cut(strings.TrimSpace(part), "-")
		if !span {
			last = first
		}
		i, j := slices.Index(weekdays, first), slices.Index(weekdays, last)
		if i < 0 || j < 0 {
			return on, fmt.Errorf("days: %q is not such as mon-fri or sat,sun", text)
		}
		for ; i != j; i = (i + 1) % len(on) {
			on[i] = true
		}
		on[j] = true
	}
	return on, nil
}

// readMinute reads 18:30 into minutes since midnight.
func readMinute(key, text string) (int, error) {
	m := wallClock.FindStringSubmatch(text)
	if m == nil || m[1] == "24" && m[2] != "00" {
		return 0, fmt.Errorf("%s: %q is not a time such as 08:00", key, text)
	}
	h, _ := strconv.Atoi(m[1]) // two digits, as wallClock requires
	minute, _ := strconv.Atoi(m[2])
	return h*60 + minute, nil
}
