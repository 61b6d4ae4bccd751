// Package tariff says what a number of seconds costs, exactly.
//
// In: a price per minute as decimal text, an increment, a currency; and how long was talked. Out: whole minor units of the
// currency. Amounts are exact rationals until the one rounding at the end, which goes down: the seconds to whole
// increments, then the amount to whole minor units. There is no floating point here, and no clock.
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
	Name      string        `json:"name"`
	PerMinute string        `json:"per_minute"` // decimal text in major units, such as "0.96"
	Increment time.Duration `json:"increment"`  // whole seconds; only whole increments are charged
	Currency  string        `json:"currency"`   // ISO 4217, such as EUR
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
	return errors.Join(errs...)
}

func (t Tariff) price() *big.Rat {
	p, ok := new(big.Rat).SetString(t.PerMinute)
	if !ok {
		panic("tariff: " + t.Name + " was used without Validate: per_minute is " + t.PerMinute)
	}
	return p
}

// Ref names the tariff and its content: "assistenza@3f0c2b9a51d4". The same words always give the same reference.
func (t Tariff) Ref() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %q", t.Name, t.PerMinute, int64(t.Increment/time.Second), t.Currency))
	return t.Name + "@" + hex.EncodeToString(sum[:6])
}

// Billable is talk rounded down to whole increments, in seconds.
func (t Tariff) Billable(talk time.Duration) int64 {
	if talk < 0 {
		return 0
	}
	return int64(talk / t.Increment * (t.Increment / time.Second))
}

// Charge is the price of billable seconds, rounded down to the minor unit.
func (t Tariff) Charge(billableSeconds int64) Amount {
	digits := minorDigits[t.Currency]
	exact := new(big.Rat).Mul(t.price(), big.NewRat(billableSeconds, 60))
	exact.Mul(exact, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)))
	minor := new(big.Int).Quo(exact.Num(), exact.Denom())
	return Amount{Minor: minor.Int64(), Digits: digits, Currency: t.Currency}
}

// exactDecimals is enough to write any price of six decimals, a sixtieth of it apart, without hiding how it was rounded.
const exactDecimals = 6

// Exact is the price of billable seconds before the rounding, as decimal text; "..." follows where it does not end.
func (t Tariff) Exact(billableSeconds int64) string {
	exact := new(big.Rat).Mul(t.price(), big.NewRat(billableSeconds, 60))
	text := exact.FloatString(exactDecimals)
	if back, ok := new(big.Rat).SetString(text); ok && back.Cmp(exact) != 0 {
		return text + "..."
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// NoCurrency is ISO 4217 for "no currency is involved": the amount of a call without a tariff.
const NoCurrency = "XXX"

// Zero is nothing, in the tariff's currency; a nil tariff has none.
func Zero(t *Tariff) Amount {
	if t == nil {
		return Amount{Digits: 2, Currency: NoCurrency}
	}
	return Amount{Digits: minorDigits[t.Currency], Currency: t.Currency}
}

// Amount is money: Minor units (cents), of which 10^Digits make one of Currency.
type Amount struct {
	Minor    int64
	Digits   int
	Currency string
}

// String writes the amount in major units with all its decimals: "0.14".
func (a Amount) String() string {
	if a.Digits == 0 {
		return fmt.Sprint(a.Minor)
	}
	s := fmt.Sprintf("%0*d", a.Digits+1, a.Minor)
	return s[:len(s)-a.Digits] + "." + s[len(s)-a.Digits:]
}

// MarshalJSON writes {"amount":"0.14","currency":"EUR"}: text, so that no reader makes a float of it.
func (a Amount) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"amount":%q,"currency":%q}`, a.String(), a.Currency), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (a *Amount) UnmarshalJSON(b []byte) error {
	m := amountJSON.FindSubmatch(b)
	if m == nil {
		return fmt.Errorf("amount: %q is not as in {\"amount\":\"0.14\",\"currency\":\"EUR\"}", b)
	}
	digits := strings.TrimPrefix(string(m[2]), ".")
	minor, ok := new(big.Int).SetString(string(m[1])+digits, 10)
	if !ok || !minor.IsInt64() {
		return fmt.Errorf("amount: %q is out of range", m[0])
	}
	*a = Amount{Minor: minor.Int64(), Digits: len(digits), Currency: string(m[3])}
	return nil
}

var amountJSON = regexp.MustCompile(`^\s*\{\s*"amount"\s*:\s*"(\d+)(\.\d+)?"\s*,\s*"currency"\s*:\s*"([A-Z]{3})"\s*\}\s*$`)
