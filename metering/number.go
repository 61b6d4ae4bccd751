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

// NewNumber is a number as the network gave it, or one in international form. Text without digits
// gives a withheld number. Package numbering reads what the network gave.
func NewNumber(text string) Number {
	if !strings.ContainsAny(text, "0123456789") {
		return Number{}
	}
	return Number{digits: text}
}

// Withheld reports whether the number is not known.
func (n Number) Withheld() bool { return n.digits == "" }

// Clear returns the text, of several readings the likeliest. Do not print it.
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
