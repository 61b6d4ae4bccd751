package metering

import (
	"fmt"
	"strings"
)

// Number is a telephone number in clear. It prints as "[number]" with every verb, so that it cannot
// get into a log, an error or a record. Only [Number.Clear] gives the digits: to look the caller
// up, and to make the pseudonym.
//
// A text can mean more than one number: 3906123456 is an Italian mobile, or one of Rome with the
// country code. Then the number has several readings, which package numbering finds.
type Number struct {
	digits string
	also   string // the other readings, separated by spaces
}

// NewNumber brings a number that the network gave to one form. It drops separators, reads 00 as +,
// and with a country code ("39") makes a national number international. Text that is not a number
// gives a withheld number.
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
		// Numbers lose their trunk prefix 0 abroad, but not in Italy (E.164 and the national plans).
		if countryCode != "39" {
			n = strings.TrimPrefix(n, "0")
		}
		n = "+" + countryCode + n
	}
	return Number{digits: n}
}

// Withheld reports whether the number is not known.
func (n Number) Withheld() bool { return n.digits == "" }

// Clear returns the digits, of several readings the likeliest. Do not print them.
func (n Number) Clear() string { return n.digits }

// Or adds another number that the same text may mean.
func (n Number) Or(other Number) Number {
	n.also = strings.TrimPrefix(n.also+" "+other.digits, " ")
	return n
}

// Readings are the numbers that the text may mean, each alone, the likeliest first. A withheld
// number has none.
func (n Number) Readings() []Number {
	if n.Withheld() {
		return nil
	}
	readings := []Number{{digits: n.digits}}
	for also := range strings.FieldsSeq(n.also) {
		readings = append(readings, Number{digits: also})
	}
	return readings
}

// String hides the digits.
func (n Number) String() string {
	if n.Withheld() {
		return "[withheld]"
	}
	return "[number]"
}

// Format hides the digits from every verb. Without it %d would print them.
func (n Number) Format(f fmt.State, _ rune) { fmt.Fprint(f, n.String()) }

// MarshalText hides the digits from every encoder.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }
