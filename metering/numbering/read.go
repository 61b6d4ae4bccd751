package numbering

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/risposta/gateway/metering"
)

// Reader reads telephone numbers as networks send them and as people write them, by the numbering
// plans. Each number that it returns has the international form +390612345678, under which one
// person is found whatever the number looked like. A number that is in no plan is not returned: an
// exempt caller must not be charged because of a number that is nobody's.
type Reader struct {
	home *plan // nil: no country is known, so that national numbers cannot be read
}

// NewReader makes a reader for numbers that arrive in the country with a code such as "39"; "" where
// it is not known.
func NewReader(countryCode string) *Reader {
	code, err := strconv.Atoi(countryCode)
	if err != nil {
		return &Reader{}
	}
	return &Reader{home: planOf(code)}
}

// IsCountryCode reports whether a country, or a network of the world, has this code.
func IsCountryCode(text string) bool {
	code, err := strconv.Atoi(text)
	return err == nil && strconv.Itoa(code) == text && planOf(code) != nil
}

// Caller reads a caller's number as the PBX gives it. prefix is what the PBX puts in front of
// callers' numbers, so that its phones can call them back; "" for nothing.
//
// It may be written as +39, 0039, 39 or in national form, with the prefix or without. Where more
// than one of them is in a plan, the number has all of them as its readings, the likeliest first.
// understood is false where digits were given that are in no plan; the number is withheld then.
func (r *Reader) Caller(text, prefix string) (n metering.Number, understood bool) {
	var found []string
	if rest, ok := strings.CutPrefix(text, prefix); ok && prefix != "" {
		if w, ok := readText(rest); ok {
			found = r.caller(found, w)
		}
	}
	w, ok := readText(text)
	if ok {
		found = r.caller(found, w)
	}
	return number(found), len(found) > 0 || !w.given
}

// Listed reads a number that an office or a program wrote into a list. It reads what
// [Reader.Caller] reads, but a foreign number must have + or 00 in front: 498251234 is not German
// but 0498251234 of Padova, whose zero a spreadsheet has dropped. The error does not quote the text.
func (r *Reader) Listed(text string) (metering.Number, error) {
	w, ok := readText(text)
	if !ok {
		return metering.Number{}, errors.New("not a telephone number, or more than one")
	}
	found := r.listed(nil, w.digits)
	if w.without != "" {
		found = r.listed(found, w.without)
	}
	switch {
	case len(found) > 0:
		return number(found), nil
	case r.home == nil:
		return metering.Number{}, errors.New("not a telephone number with + and its country code: " +
			"no other can be read where callers.country_code is not set")
	}
	return metering.Number{}, errors.New("a telephone number that no numbering plan has: " +
		"a digit may be missing or too many; write it in full, with + and the country code")
}

// number has the readings that were found.
func number(found []string) metering.Number {
	if len(found) == 0 {
		return metering.Number{}
	}
	n := metering.NewNumber(found[0])
	for _, also := range found[1:] {
		n = n.Or(metering.NewNumber(also))
	}
	return n
}

func (r *Reader) caller(found []string, w written) []string {
	if w.context != "" && w.digits[0] != '+' {
		found = international(found, w.context+w.digits)
	}
	for _, digits := range []string{w.digits, w.without} {
		if digits == "" {
			continue
		}
		found = r.listed(found, digits)
		if p, national := split(digits); r.home != nil && p != nil && p.has(national) {
			if !r.hasHome(found) && r.home.has("0"+digits) {
				found = add(found, r.home, "0"+digits) // of Padova, where a carrier has dropped the zero
			}
			found = add(found, p, national)
		}
	}
	return found
}

// hasHome reports whether one of the readings is a number of the own country.
func (r *Reader) hasHome(found []string) bool {
	return slices.ContainsFunc(found, func(reading string) bool {
		return strings.HasPrefix(reading, "+"+r.home.code)
	})
}

// listed adds the readings of digits in which nothing is guessed about the country.
func (r *Reader) listed(found []string, digits string) []string {
	if rest, ok := strings.CutPrefix(digits, "+"); ok {
		return international(found, rest)
	}
	if rest, ok := strings.CutPrefix(digits, "00"); ok {
		found = international(found, rest)
	}
	if r.home == nil {
		return found
	}
	if rest, ok := r.home.cutAbroad(digits); ok {
		found = international(found, rest)
	}
	found = national(found, r.home, digits)
	if rest, ok := strings.CutPrefix(digits, r.home.code); ok {
		found = national(found, r.home, rest)
	}
	return found
}

// international adds the reading of digits that begin with a country code.
func international(found []string, digits string) []string {
	p, rest := split(digits)
	if p == nil {
		return found
	}
	return national(found, p, rest)
}

// national adds the reading of digits that a country's plan has, as they are or without what is
// dialled in front of them within the country.
func national(found []string, p *plan, digits string) []string {
	if p.has(digits) {
		return add(found, p, digits)
	}
	if rest, ok := strings.CutPrefix(digits, p.prefix); ok && p.prefix != "" && p.has(rest) {
		return add(found, p, rest)
	}
	if !p.strips || len(digits) > maxNational {
		return found
	}
	n, err := phonenumbers.Parse(digits, p.main)
	if err != nil || strconv.Itoa(int(n.GetCountryCode())) != p.code {
		return found
	}
	if rest := phonenumbers.GetNationalSignificantNumber(n); p.has(rest) {
		return add(found, p, rest)
	}
	return found
}

func add(found []string, p *plan, national string) []string {
	reading := "+" + p.code + national
	if slices.Contains(found, reading) {
		return found
	}
	return append(found, reading)
}
