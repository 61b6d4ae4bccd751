package metering

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
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

// MinKeyBytes is the shortest key a pseudonym may be made with: a shorter one could be searched.
const MinKeyBytes = 16

// Pseudonyms turns numbers into keyed pseudonyms: the same number gives the same name under the same key, and nobody
// without the key can go back, although there are few enough numbers to try them all.
type Pseudonyms struct{ key []byte }

// NewPseudonyms takes the key. A nil *Pseudonyms gives every caller the empty name.
func NewPseudonyms(key []byte) (*Pseudonyms, error) {
	if len(key) < MinKeyBytes {
		return nil, errors.New("the key is too short: 16 bytes at least, such as from `openssl rand -hex 32`")
	}
	return &Pseudonyms{key: key}, nil
}

// Of is the pseudonym of n: "c-" and 26 letters and digits (128 bits of HMAC-SHA256), or "" for a withheld number.
func (p *Pseudonyms) Of(n Number) string {
	if p == nil || n.Withheld() {
		return ""
	}
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte(n.digits))
	return "c-" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil)[:16]))
}
