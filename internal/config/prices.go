package config

import (
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/metering/tariff"
)

// Law says under whose law the services charge.
type Law struct {
	// The policy: `it`, `de`, `fr`, `es`, `uk`, or `strictest`, which has the rules of every country
	// and so allows no price. docs/policies.md has the rules.
	Policy string `yaml:"policy"`
	// The company's sector: `other`, `telecom`, `tv` or `finance`. In Italy telephone and television
	// companies, banks and insurers may not charge for assistance; in France telephone companies.
	Sector string `yaml:"sector"`
	// Rules to add to those of the policy: `announced`, `consent`, `wait_voids`.
	Also []string `yaml:"also"`
	// What a minute to an ordinary number costs callers, such as 0.10. An `after_sales` service on a
	// freephone number may cost no more.
	BasicRate string `yaml:"basic_rate"`
}

// Tariff is a price.
type Tariff struct {
	// The name, to which services refer. Required.
	Name string `yaml:"name"`
	// The price of a minute of talk, exact, up to six decimals, such as "0.96". Required.
	PerMinute string `yaml:"per_minute"`
	// What is charged in whole, from 1s to 1h: talk is rounded down to it. Required.
	Increment time.Duration `yaml:"increment"`
	// The ISO 4217 code, such as EUR. Required.
	Currency string `yaml:"currency"`
	// The first day of the price, such as 2026-01-01. Left out: from the beginning. The price in force
	// when a call arrives holds for the whole call.
	ValidFrom string `yaml:"valid_from"`
	// The day after the last one of the price. Left out: without end.
	ValidUntil string `yaml:"valid_until"`
	// The time zone of the days and the bands, such as Europe/Rome. Required with either.
	Zone string `yaml:"zone"`
	// Seconds of talk that are free, at its beginning.
	FreeSeconds int `yaml:"free_seconds"`
	// What a call costs at most, such as "5.00". Left out: no limit.
	CapPerCall string `yaml:"cap_per_call"`
	// Whether the amounts of the tariff include tax: `included`; or `added`, so that callers pay it on
	// top of them, and have it announced. Left out: records name no tax.
	Tax string `yaml:"tax"`
	// The rate of the tax in percent, such as "22". Required with `tax`.
	TaxPercent string `yaml:"tax_percent"`
	// Times of the week with a price of their own. At other times `per_minute` of the tariff holds.
	Bands []Band `yaml:"bands"`
}

// Band is a time of the week with a price of its own.
type Band struct {
	// The band in records.
	Name string `yaml:"name"`
	// Days of the week, such as mon-fri or sat,sun. Left out: every day.
	Days string `yaml:"days"`
	// When the band begins, such as "08:00".
	From string `yaml:"from"`
	// When the band ends, such as "18:30".
	Until string `yaml:"until"`
	// The price of a minute of talk.
	PerMinute string `yaml:"per_minute"`
}

// Price is the tariff as metering has it, without its days.
func (t Tariff) Price() tariff.Tariff {
	p := tariff.Tariff{
		Name: t.Name, PerMinute: t.PerMinute, Increment: t.Increment, Currency: t.Currency,
		FreeSeconds: int64(t.FreeSeconds), CapPerCall: t.CapPerCall,
		Tax: t.Tax, TaxPercent: t.TaxPercent,
	}
	for _, b := range t.Bands {
		p.Bands, p.Zone = append(p.Bands, tariff.Band(b)), t.Zone
	}
	return p
}

// dated is the price with the instants at which it begins and ends.
func (t Tariff) dated() (tariff.Dated, []error) {
	d := tariff.Dated{Tariff: t.Price()}
	var errs []error
	zone, err := time.LoadLocation(t.Zone)
	switch {
	case t.Zone == "" && t.ValidFrom+t.ValidUntil != "":
		return d, []error{errors.New("zone: missing: such as Europe/Rome; " +
			"a day begins at another instant in each zone")}
	case err != nil || t.Zone == "Local":
		return d, []error{fmt.Errorf("zone: %q is not a time zone such as Europe/Rome", t.Zone)}
	}
	for _, f := range []struct {
		key, text string
		at        *time.Time
	}{{"valid_from", t.ValidFrom, &d.From}, {"valid_until", t.ValidUntil, &d.Until}} {
		if f.text == "" {
			continue
		}
		if *f.at, err = time.ParseInLocation(time.DateOnly, f.text, zone); err != nil {
			errs = append(errs, fmt.Errorf("%s: %q is not a day such as 2026-01-01", f.key, f.text))
		}
	}
	return d, errs
}
