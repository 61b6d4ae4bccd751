package metering

import (
	"fmt"
	"strings"
)

// Number is a telephone number in clear. It prints as "[number]" whatever the verb, so that it cannot slip into a log,
// an error or a record; Clear is the one way to the digits, and is called only to look the caller up and to make the pseudonym.
type Number struct{ digits string }

// NewNumber takes a number as the network gave it and brings it to one form: separators dropped, 00 as +, and with a
// country code ("39") a national number becomes an international one. Text that is not a number is withheld.
func NewNumber(text, countryCode string) Number {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r >= '0' && r <= '9', r == '+' && i == 0:
			b.WriteRune(r)
		case strings.ContainsRune(" -./()", r):
		default:
			return Number{}
		}
	}
	n := b.String()
	if rest, ok := strings.CutPrefix(n, "00"); ok {
		n = "+" + rest
	}
	if n == "" || n == "+" {
		return Number{}
	}
	if n[0] != '+' && countryCode != "" {
		// The trunk prefix 0 is dropped abroad and kept in Italy (E.164 and the national plans).
		if countryCode != "39" {
			n = strings.TrimPrefix(n, "0")
		}
		n = "+" + countryCode + n
	}
	return Number{digits: n}
}

// Withheld tells that the caller's number is not known.
func (n Number) Withheld() bool { return n.digits == "" }

// Clear returns the digits. Do not print them.
func (n Number) Clear() string { return n.digits }

// String hides the digits.
func (n Number) String() string {
	if n.Withheld() {
		return "[withheld]"
	}
	return "[number]"
}

// Format hides the digits from every verb: without it %d would show them.
func (n Number) Format(f fmt.State, _ rune) { fmt.Fprint(f, n.String()) }

// MarshalText hides the digits from every encoder.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }
