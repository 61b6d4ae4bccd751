package tariff

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// noCurrencyDigits is the number of decimals of an amount without a currency.
const noCurrencyDigits = 2

// NoCurrency is ISO 4217's code for "no currency is involved": the currency of a call without a
// tariff.
const NoCurrency = "XXX"

// Zero is the amount 0 in the tariff's currency. A nil tariff has [NoCurrency].
func Zero(t *Tariff) Amount {
	if t == nil {
		return Amount{Digits: noCurrencyDigits, Currency: NoCurrency}
	}
	return Amount{Digits: minorDigits[t.Currency], Currency: t.Currency}
}

// MinorDigits is the number of decimals of a currency that services may be priced in.
func MinorDigits(currency string) int { return minorDigits[currency] }

// Less is the amount less another one of the same currency.
func (a Amount) Less(b Amount) Amount {
	a.Minor -= b.Minor
	return a
}

// Amount is money in minor units, such as cents. 10^Digits of them make one of Currency.
type Amount struct {
	Minor    int64
	Digits   int
	Currency string
}

// String writes the amount in major units with all its decimals: "0.14".
func (a Amount) String() string {
	if a.Digits == 0 {
		return strconv.FormatInt(a.Minor, 10)
	}
	sign, minor := "", a.Minor
	if minor < 0 { // a change may be negative, a charge never is
		sign, minor = "-", -minor
	}
	s := fmt.Sprintf("%0*d", a.Digits+1, minor)
	return sign + s[:len(s)-a.Digits] + "." + s[len(s)-a.Digits:]
}

// MarshalJSON writes {"amount":"0.14","currency":"EUR"}. The amount is text, so that no reader
// makes a floating-point number of it.
func (a Amount) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"amount":%q,"currency":%q}`, a.String(), a.Currency), nil
}

// UnmarshalJSON reads the form that MarshalJSON writes.
func (a *Amount) UnmarshalJSON(b []byte) error {
	m := amountJSON.FindSubmatch(b)
	if m == nil {
		return fmt.Errorf("amount: %q is not such as {\"amount\":\"0.14\",\"currency\":\"EUR\"}", b)
	}
	digits := strings.TrimPrefix(string(m[2]), ".")
	minor, ok := new(big.Int).SetString(string(m[1])+digits, 10)
	if !ok || !minor.IsInt64() {
		return fmt.Errorf("amount: %q is out of range", m[0])
	}
	*a = Amount{Minor: minor.Int64(), Digits: len(digits), Currency: string(m[3])}
	return nil
}

var amountJSON = regexp.MustCompile(
	`^\s*\{\s*"amount"\s*:\s*"(\d+)(\.\d+)?"\s*,\s*"currency"\s*:\s*"([A-Z]{3})"\s*\}\s*$`)
