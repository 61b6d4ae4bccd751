// Package tariff says what a number of seconds costs, exactly.
//
// In: dated prices per minute as decimal text, with an increment, free seconds, a cap for each call, bands of the week, a currency; when a call
// arrived, and how long was talked. Out: whole minor units of the currency. The price is the one in force when the call arrives, its band
// too, for the whole call: it is the one that the caller was told. Amounts are exact rationals until the one rounding at the end, which goes
// down: the seconds to whole increments, then the amount to whole minor units. There is no floating point here, and no clock.
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

// Tariff is a price, as the configuration or a call's header writes it. Check it with Validate before use.
type Tariff struct {
	Name        string
	PerMinute   string        // decimal text in major units, such as "0.96"
	Increment   time.Duration // whole seconds; only whole increments are charged
	Currency    string        // ISO 4217, such as EUR
	FreeSeconds int64         // of talk, at its beginning
	CapPerCall  string        // decimal text in major units: no call costs more; "": no cap
	Bands       []Band        // times of the week with a price of their own; PerMinute holds in the others
	Zone        string        // by whose clock the bands go, such as Europe/Rome
	Band        string        // which band's price this is; set by At, "" for PerMinute itself
}

// MaxPerMinute bounds a price against a slip of the decimal point: no lawful service comes near it.
const MaxPerMinute = 100

var decimal = regexp.MustCompile(`^[0-9]{1,6}(\.[0-9]{1,6})?$`)

// minorDigits is the number of decimals of the currencies that services may be priced in (ISO 4217).
var minorDigits = map[string]int{
	"EUR": 2, "GBP": 2, "USD": 2, "CHF": 2, "SEK": 2, "NOK": 2, "DKK": 2, "PLN": 2, "CZK": 2, "HUF": 2, "RON": 2, "BGN": 2, "JPY": 0,
}

// Validate says what is wrong with the tariff, one error for each field.
func (t Tariff) Validate() error {
	var errs []error
	if t.Name == "" {
		errs = append(errs, errors.New("name: missing"))
	}
	if !decimal.MatchString(t.PerMinute) {
		errs = append(errs, fmt.Errorf("per_minute: %q is not an amount such as 0.96", t.PerMinute))
	} else if t.price().Cmp(big.NewRat(MaxPerMinute, 1)) > 0 {
		errs = append(errs, fmt.Errorf("per_minute: %s is over the limit of %d", t.PerMinute, MaxPerMinute))
	}
	if t.Increment < time.Second || t.Increment%time.Second != 0 || t.Increment > time.Hour {
		errs = append(errs, fmt.Errorf("increment: %s is not a whole number of seconds from 1s to 1h", t.Increment))
	}
	if _, ok := minorDigits[t.Currency]; !ok {
		errs = append(errs, fmt.Errorf("currency: %q is not a known ISO 4217 code such as EUR", t.Currency))
	}
	if t.FreeSeconds < 0 || t.FreeSeconds > MaxFreeSeconds {
		errs = append(errs, fmt.Errorf("free_seconds: %d is not from 0 to %d", t.FreeSeconds, MaxFreeSeconds))
	}
	if t.CapPerCall != "" && !decimal.MatchString(t.CapPerCall) {
		errs = append(errs, fmt.Errorf("cap_per_call: %q is not an amount such as 5.00", t.CapPerCall))
	}
	return errors.Join(append(errs, t.validateBands()...)...)
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

// Ref names the tariff and what a call is charged by: "assistenza@3f0c2b9a51d4". The same words always give the same reference.
func (t Tariff) Ref() string {
	text := fmt.Appendf(nil, "%q %q %d %q", t.Name, t.PerMinute, int64(t.Increment/time.Second), t.Currency)
	if t.FreeSeconds != 0 || t.CapPerCall != "" || t.Band != "" {
		text = fmt.Appendf(text, " %d %q %q", t.FreeSeconds, t.CapPerCall, t.Band)
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

// Charge is the price of billable seconds, at most the cap, rounded down to the minor unit.
func (t Tariff) Charge(billableSeconds int64) Amount {
	digits := minorDigits[t.Currency]
	exact, _ := t.capped(billableSeconds)
	exact.Mul(exact, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)))
	minor := new(big.Int).Quo(exact.Num(), exact.Denom())
	return Amount{Minor: minor.Int64(), Digits: digits, Currency: t.Currency}
}

// Capped tells whether the cap, and not the seconds, decides what they cost.
func (t Tariff) Capped(billableSeconds int64) bool {
	_, capped := t.capped(billableSeconds)
	return capped
}

func (t Tariff) capped(billableSeconds int64) (exact *big.Rat, capped bool) {
	exact = new(big.Rat).Mul(t.price(), big.NewRat(billableSeconds, 60))
	if t.CapPerCall == "" {
		return exact, false
	}
	if most := t.rat("cap_per_call", t.CapPerCall); exact.Cmp(most) > 0 {
		return most, true
	}
	return exact, false
}

// exactDecimals is enough to write any price of six decimals, a sixtieth of it apart, without hiding how it was rounded.
const exactDecimals = 6

// Exact is the price of billable seconds, at most the cap, before the rounding, as decimal text; "..." follows where it does not end.
func (t Tariff) Exact(billableSeconds int64) string {
	exact, _ := t.capped(billableSeconds)
	text := exact.FloatString(exactDecimals)
	if back, ok := new(big.Rat).SetString(text); ok && back.Cmp(exact) != 0 {
		return text + "..."
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
