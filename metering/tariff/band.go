package tariff

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Band is a time of the week with a price of its own: on some days, between two times of day, by
// the wall clock of the tariff's zone. When summer time ends, the hour that comes twice belongs to
// its band both times.
type Band struct {
	Name      string
	Days      string // such as mon-fri, or sat,sun; "" for every day
	From      string // such as 08:00
	Until     string // such as 18:30, or 24:00
	PerMinute string
}

// dayNames are in the order of [time.Weekday].
var dayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

const minutesOfDay = 24 * 60

// days reads "mon-fri" or "sat,sun" into the days of the week.
func (b Band) days() (on [7]bool, err error) {
	if b.Days == "" {
		return [7]bool{true, true, true, true, true, true, true}, nil
	}
	for _, part := range strings.Split(b.Days, ",") {
		first, last, span := strings.Cut(strings.TrimSpace(part), "-")
		if !span {
			last = first
		}
		i, j := slices.Index(dayNames, first), slices.Index(dayNames, last)
		if i < 0 || j < 0 {
			return on, fmt.Errorf("days: %q is not such as mon-fri or sat,sun", b.Days)
		}
		for ; ; i = (i + 1) % len(on) {
			on[i] = true
			if i == j {
				break
			}
		}
	}
	return on, nil
}

var hourMinute = regexp.MustCompile(`^([01][0-9]|2[0-4]):([0-5][0-9])$`)

// minute reads "18:30" into minutes since midnight.
func minute(key, text string) (int, error) {
	m := hourMinute.FindStringSubmatch(text)
	if m == nil || m[1] == "24" && m[2] != "00" {
		return 0, fmt.Errorf("%s: %q is not a time such as 08:00", key, text)
	}
	h, _ := strconv.Atoi(m[1]) // two digits, as hourMinute requires
	mm, _ := strconv.Atoi(m[2])
	return h*60 + mm, nil
}

// inForce reports whether the band's price is in force at a time of the wall clock.
func (b Band) inForce(local time.Time) bool {
	on, err := b.days()
	from, err1 := minute("from", b.From)
	until, err2 := minute("until", b.Until)
	if errors.Join(err, err1, err2) != nil {
		panic("tariff: band " + b.Name + " was used without Validate")
	}
	now := local.Hour()*60 + local.Minute()
	return on[local.Weekday()] && now >= from && now < until
}

func (t Tariff) validateBands() (errs []error) {
	if len(t.Bands) == 0 {
		return nil
	}
	if t.Zone == "" {
		errs = append(errs, errors.New("zone: missing: bands need a time zone, such as Europe/Rome"))
	} else if _, err := time.LoadLocation(t.Zone); err != nil || t.Zone == "Local" {
		errs = append(errs, fmt.Errorf("zone: %q is not a time zone such as Europe/Rome", t.Zone))
	}
	var minutes weekMinutes
	names := map[string]bool{"": true}
	for i, b := range t.Bands {
		wrong := func(err error) { errs = append(errs, fmt.Errorf("bands[%d].%w", i, err)) }
		if names[b.Name] {
			wrong(errors.New("name: missing, or the same as another band's"))
		}
		names[b.Name] = true
		if err := checkPerMinute(b.PerMinute); err != nil {
			wrong(err)
		}
		on, err := b.days()
		from, err1 := minute("from", b.From)
		until, err2 := minute("until", b.Until)
		if err == nil && err1 == nil && err2 == nil && from >= until {
			err2 = fmt.Errorf("until: %s is not later than from: split a band that passes midnight in two",
				b.Until)
		}
		for _, e := range []error{err, err1, err2} {
			if e != nil {
				wrong(e)
			}
		}
		if err != nil || err1 != nil || err2 != nil {
			continue
		}
		if other := minutes.claim(on, from, until, b.Name); other != "" {
			wrong(fmt.Errorf("from: overlaps with band %q", other))
		}
	}
	return errs
}

// weekMinutes is the name of the band that has each minute of the week.
type weekMinutes [7][minutesOfDay]string

// claim gives the band its minutes, and returns the name of another band that has some of them.
func (w *weekMinutes) claim(on [7]bool, from, until int, name string) (other string) {
	for d := range on {
		if !on[d] {
			continue
		}
		for m := from; m < until; m++ {
			if have := w[d][m]; have != "" && have != name {
				other = have
			}
			w[d][m] = name
		}
	}
	return other
}

// At is the tariff for a call that arrives at an instant: with the price of the band that is in
// force then, and without bands.
func (t Tariff) At(arrived time.Time) Tariff {
	flat := t
	flat.Bands, flat.Zone = nil, ""
	if len(t.Bands) == 0 {
		return flat
	}
	zone, err := time.LoadLocation(t.Zone)
	if err != nil {
		panic("tariff: " + t.Name + " was used without Validate: zone is " + t.Zone)
	}
	for _, b := range t.Bands {
		if b.inForce(arrived.In(zone)) {
			flat.PerMinute, flat.Band = b.PerMinute, b.Name
			return flat
		}
	}
	return flat
}

// HighestPrice is the highest price per minute of the tariff and its bands, with the tax.
func (t Tariff) HighestPrice() *big.Rat {
	highest := t.price()
	for _, b := range t.Bands {
		if p, ok := new(big.Rat).SetString(b.PerMinute); ok && p.Cmp(highest) > 0 {
			highest = p
		}
	}
	return t.withTax(highest)
}
