// Package tariff computes exactly what a number of seconds costs.
//
// In: dated prices ([Book], [Tariff]) as decimal text per minute, with an increment, free seconds,
// a cap for each call, bands of the week ([Band]) and a currency; when a call arrived, and how long
// its talk was. Out: whole minor units of the currency ([Amount]). The price and the band that are
// in force when the call arrives hold for the whole call, because that is the price that is
// announced. Amounts are exact rationals until they are rounded down: the seconds to whole
// increments, then the amount to whole minor units. Where the tariff names a tax, the amounts with and
// without it are each rounded once, from the exact price. The package uses no floating point and no
// clock.
package tariff

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"
)

// Tariff is a price, as the configuration or a call's evidence has it. Check it with
// [Tariff.Validate] before use.
type Tariff struct {
	Name        string
	PerMinute   string        // decimal text in major units, such as "0.96"
	Increment   time.Duration // whole seconds; only whole increments are charged
	Currency    string        // ISO 4217, such as EUR
	FreeSeconds int64         // at the beginning of talk
	CapPerCall  string        // decimal text in major units; "": no cap
	Bands       []Band        // times of the week with a price of their own; others cost PerMinute
	Zone        string        // the time zone of the bands, such as Europe/Rome
	Band        string        // the band whose price this is, set by At; "": PerMinute's own
	Tax         string        // TaxIncluded or TaxAdded; "": the tariff names no tax
	TaxPercent  string        // decimal text, such as "22"
}

// MaxPerMinute bounds a price, so that a misplaced decimal point is found. No lawful service comes
// near it.
const MaxPerMinute = 100

var decimal = regexp.MustCompile(`^[0-9]{1,6}(\.[0-9]{1,6})?$`)

// minorDigits is the number of decimals of the currencies that services may be priced in (ISO
// 4217).
var minorDigits = map[string]int{
	"EUR": 2, "GBP": 2, "USD": 2, "CHF": 2, "SEK": 2, "NOK": 2, "DKK": 2,
	"PLN": 2, "CZK": 2, "HUF": 2, "RON": 2, "BGN": 2, "ISK": 0, "JPY": 0, "KWD": 3, "TND": 3,
}

// Validate returns one error for each field that is wrong, joined. Each begins with the field's
// key.
func (t Tariff) Validate() error {
	var errs []error
	if t.Name == "" {
		errs = append(errs, errors.New("name: missing"))
	}
	if err := checkPerMinute(t.PerMinute); err != nil {
		errs = append(errs, err)
	}
	if t.Increment < time.Second || t.Increment%time.Second != 0 || t.Increment > time.Hour {
		err := fmt.Errorf("increment: %s is not a whole number of seconds from 1s to 1h", t.Increment)
		errs = append(errs, err)
	}
	if _, ok := minorDigits[t.Currency]; !ok {
		err := fmt.Errorf("currency: %q is not a known ISO 4217 code such as EUR", t.Currency)
		errs = append(errs, err)
	}
	if t.FreeSeconds < 0 || t.FreeSeconds > MaxFreeSeconds {
		err := fmt.Errorf("free_seconds: %d is not from 0 to %d", t.FreeSeconds, MaxFreeSeconds)
		errs = append(errs, err)
	}
	if t.CapPerCall != "" && !decimal.MatchString(t.CapPerCall) {
		err := fmt.Errorf("cap_per_call: %q is not an amount such as 5.00", t.CapPerCall)
		errs = append(errs, err)
	}
	errs = append(errs, t.validateTax()...)
	return errors.Join(append(errs, t.validateBands()...)...)
}

func checkPerMinute(text string) error {
	if !decimal.MatchString(text) {
		return fmt.Errorf("per_minute: %q is not an amount such as 0.96", text)
	}
	if p, ok := new(big.Rat).SetString(text); !ok || p.Cmp(big.NewRat(MaxPerMinute, 1)) > 0 {
		return fmt.Errorf("per_minute: %s is over the limit of %d", text, MaxPerMinute)
	}
	return nil
}

// MaxFreeSeconds bounds the free seconds: an hour.
const MaxFreeSeconds = 3600

func (t Tariff) price() *big.Rat { return t.rat("per_minute", t.PerMinute) }

func (t Tariff) rat(key, text string) *big.Rat {
	p, ok := new(big.Rat).SetString(text)
	if !ok {
		panic("tariff: " + t.Name + " was used without Validate: " + key + " is " + text)
	}
	return p
}

// Ref is the tariff's name and a hash of everything that a call is charged by:
// "assistenza@3f0c2b9a51d4". The same tariff always gives the same reference.
func (t Tariff) Ref() string {
	increment := int64(t.Increment / time.Second)
	text := fmt.Appendf(nil, "%q %q %d %q", t.Name, t.PerMinute, increment, t.Currency)
	if t.FreeSeconds != 0 || t.CapPerCall != "" || t.Band != "" {
		text = fmt.Appendf(text, " %d %q %q", t.FreeSeconds, t.CapPerCall, t.Band)
	}
	if t.Tax != "" {
		text = fmt.Appendf(text, " %s %q", t.Tax, t.TaxPercent)
	}
	sum := sha256.Sum256(text)
	return t.Name + "@" + hex.EncodeToString(sum[:6])
}

// Billable is talk less the free seconds, rounded down to whole increments, in seconds.
func (t Tariff) Billable(talk time.Duration) int64 {
	talk -= time.Duration(t.FreeSeconds) * time.Second
	if talk < 0 {
		return 0
	}
	return int64(talk / t.Increment * (t.Increment / time.Second))
}

// Charge is what the caller pays for billable seconds: their price, at most the cap, with the tax,
// rounded down to whole minor units.
func (t Tariff) Charge(billableSeconds int64) Amount {
	exact, _ := t.capped(billableSeconds)
	return t.roundDown(t.withTax(exact))
}

// roundDown is the only rounding of an amount.
func (t Tariff) roundDown(exact *big.Rat) Amount {
	digits := minorDigits[t.Currency]
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	scaled := new(big.Rat).Mul(exact, new(big.Rat).SetInt(scale))
	minor := new(big.Int).Quo(scaled.Num(), scaled.Denom())
	return Amount{Minor: minor.Int64(), Digits: digits, Currency: t.Currency}
}

// Capped reports whether the billable seconds would cost more than the cap.
func (t Tariff) Capped(billableSeconds int64) bool {
	_, capped := t.capped(billableSeconds)
	return capped
}

func (t Tariff) capped(billableSeconds int64) (exact *big.Rat, capped bool) {
	exact = new(big.Rat).Mul(t.price(), big.NewRat(billableSeconds, 60))
	if t.CapPerCall == "" {
		return exact, false
	}
	if limit := t.rat("cap_per_call", t.CapPerCall); exact.Cmp(limit) > 0 {
		return limit, true
	}
	return exact, false
}

// exactDecimals is enough to show how the price of some seconds, a sixtieth of a price of at most
// six decimals each, was rounded.
const exactDecimals = 6

// Exact is the charge for billable seconds before it is rounded: decimal text, with "..." at the end
// where more digits follow.
func (t Tariff) Exact(billableSeconds int64) string {
	exact, _ := t.capped(billableSeconds)
	exact = t.withTax(exact)
	text := exact.FloatString(exactDecimals)
	if back, ok := new(big.Rat).SetString(text); ok && back.Cmp(exact) != 0 {
		return text + "..."
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
