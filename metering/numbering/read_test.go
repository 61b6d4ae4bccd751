package numbering_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/numbering"
)

// readings are the digits of each reading, separated by spaces.
func readings(n metering.Number) string {
	var all []string
	for _, reading := range n.Readings() {
		all = append(all, reading.Clear())
	}
	return strings.Join(all, " ")
}

// callers are numbers as they come in, by the country of the PBX and its outside prefix, with the
// readings that are looked up. "": the number is withheld, and was understood as such; "?": it was
// not understood.
var callers = []struct{ country, prefix, text, want string }{
	// Rome, as carriers and PBXs write it.
	{"39", "", "+390612345678", "+390612345678"},
	{"39", "", "00390612345678", "+390612345678"},
	{"39", "", "0039 0612345678", "+390612345678"},
	{"39", "", "390612345678", "+390612345678"},
	{"39", "", "0612345678", "+390612345678"},
	{"39", "", "06 1234-5678", "+390612345678"},
	{"39", "", "06/12345678", "+390612345678"},
	{"39", "", "0612345678;phone-context=+39", "+390612345678"},
	{"39", "", "+390612345678;npdi;rn=+3906", "+390612345678"},
	{"39", "", "+390612345678;phone-context=x", "+390612345678"},
	{"39", "", "0612345678@192.0.2.7:5060", "+390612345678"},
	{"39", "", "sip:+390612345678@carrier.example;user=phone", "+390612345678"},
	{"39", "", "tel:+39-06-12345678", "+390612345678"},
	{"39", "", "+39 (0)6 12345678", "+390612345678"},
	{"39", "", "(+39) 06 12345678", "+390612345678"},
	{"39", "0", "00612345678", "+390612345678"},
	{"39", "0", "0612345678", "+390612345678"},
	{"39", "0", "000390612345678", "+390612345678"},
	{"39", "0", "0390612345678", "+390612345678"},
	{"39", "0", "0+390612345678", "+390612345678"},
	{"39", "9", "90612345678", "+390612345678"},
	{"", "", "+390612345678", "+390612345678"},
	{"", "", "00390612345678", "+390612345678"},
	{"49", "", "00390612345678", "+390612345678"},
	{"1", "", "011390612345678", "+390612345678"},
	// Italian mobiles, of ten digits and of nine.
	{"39", "", "3331234567", "+393331234567"},
	{"39", "", "+393331234567", "+393331234567"},
	{"39", "", "393331234567", "+393331234567"},
	{"39", "0", "03331234567", "+393331234567"},
	{"39", "", "+39 (0)333 1234567", "+393331234567"},
	{"39", "", "335123456", "+39335123456"},
	// What means two numbers: the mobile 390 or Rome, the mobile 328 or Namur, Padova or Aichach.
	{"39", "", "3906123456", "+393906123456 +3906123456"},
	{"39", "", "3281234567", "+393281234567 +3281234567"},
	{"39", "", "498251234", "+390498251234 +498251234"},
	{"39", "", "02012345678;phone-context=+44", "+442012345678 +3902012345678"},
	// Germany.
	{"49", "", "030 1234567", "+49301234567"},
	{"49", "", "+49 (0)30 1234567", "+49301234567"},
	{"49", "", "+49301234567", "+49301234567"},
	{"49", "", "0049301234567", "+49301234567"},
	{"49", "", "49301234567", "+49301234567"},
	{"49", "", "+490301234567", "+49301234567"},
	{"49", "0", "00301234567", "+49301234567"},
	{"49", "", "0151 12345678", "+4915112345678"},
	{"39", "", "49301234567", "+49301234567"},
	// France.
	{"33", "", "01 42 34 56 78", "+33142345678"},
	{"33", "", "+33 (0)1 42 34 56 78", "+33142345678"},
	{"33", "", "33142345678", "+33142345678"},
	{"33", "", "06.12.34.56.78", "+33612345678"},
	{"33", "0", "00142345678", "+33142345678"},
	// Spain, which has no prefix within the country.
	{"34", "", "912 34 56 78", "+34912345678"},
	{"34", "", "34912345678", "+34912345678"},
	{"34", "", "+34 (0)912345678", "+34912345678"},
	{"34", "0", "0612345678", "+34612345678"},
	// The United Kingdom.
	{"44", "", "020 7123 4567", "+442071234567"},
	{"44", "", "+44 (0)20 7123 4567", "+442071234567"},
	{"44", "", "442071234567", "+442071234567"},
	{"44", "9", "902071234567", "+442071234567"},
	{"44", "", "07911 123456", "+447911123456"},
	// Austria, Switzerland, Hungary, Russia, Argentina, San Marino.
	{"43", "", "0043 5572 12345", "+43557212345"},
	{"43", "", "05572/12345", "+43557212345"},
	{"41", "", "044 668 18 00", "+41446681800"},
	{"41", "", "41446681800", "+41446681800"},
	{"36", "", "06 1 234 5678", "+3612345678"},
	{"36", "", "+36 1 234 5678", "+3612345678"},
	{"7", "", "8 (495) 123-45-67", "+74951234567 +84951234567"},
	{"54", "", "011 15 2345-6789", "+5491123456789"},
	{"39", "", "+378 0549 886377", "+3780549886377"},
	// North America.
	{"1", "", "(202) 555-0123", "+12025550123"},
	{"1", "", "1-202-555-0123", "+12025550123"},
	{"1", "", "+1 202 555 0123", "+12025550123"},
	{"1", "9", "912025550123", "+12025550123 +912025550123"}, // or Pune
	{"39", "", "0012025550123", "+12025550123"},
	// Telephones at sea and in space have numbers too.
	{"39", "", "+870776123456", "+870776123456"},
	// Withheld.
	{"39", "", "", ""},
	{"39", "", "anonymous", ""},
	{"39", "", "sip:anonymous@192.0.2.7", ""},
	{"39", "0", "Restricted", ""},
	// Not understood: nobody's, and no reason for a "no".
	{"39", "", "266696687", "?"},
	{"39", "", "0000000000", "?"},
	{"39", "", "00612345678", "?"},
	{"39", "", "612345678", "?"},
	{"39", "", "+39612345678", "?"},
	{"39", "", "333123456789012345", "?"},
	{"39", "", "+999123456789", "?"},
	{"39", "", "1007", "?"},
	{"39", "", "+", ""},
	{"39", "", "12+34", "?"},
	{"39", "", "0612345678x12", "?"},
	{"39", "", "0612345678/0698765432", "?"},
	{"39", "", "0612345678;0698765432", "?"},
	{"39", "", "3331234567.0", "?"},
	{"", "", "0612345678", "?"},
	{"", "", "390612345678", "?"},
}

func TestCallersNumbers(t *testing.T) {
	for _, c := range callers {
		n, understood := numbering.NewReader(c.country).Caller(c.text, c.prefix)
		got := readings(n)
		if !understood {
			got = "?"
		}
		if got != c.want || n.Withheld() != (c.want == "" || c.want == "?") {
			t.Errorf("+%s, prefix %q: %q is %q, want %q", c.country, c.prefix, c.text, got, c.want)
		}
	}
}

// What an office writes into its list; "": the row is refused.
func TestListedNumbers(t *testing.T) {
	for _, c := range []struct{ country, text, want string }{
		{"39", "0612345678", "+390612345678"},
		{"39", "390612345678", "+390612345678"},
		{"39", "+39 06 12345678", "+390612345678"},
		{"39", "0039-06-12345678", "+390612345678"},
		{"39", "+39 (0)6 12345678", "+390612345678"},
		{"39", "\u202a+39\u00a0333\u20111234567\u202c", "+393331234567"},
		{"39", "06.1234.5678", "+390612345678"},
		{"39", "+49 30 1234567", "+49301234567"},
		{"39", "3906123456", "+393906123456 +3906123456"},
		{"49", "(030) 1234567", "+49301234567"},
		{"39", "3281234567", "+393281234567"}, // not Namur: nothing is guessed in a list
		{"", "+390612345678", "+390612345678"},
		{"39", "612345678", ""},    // a spreadsheet has dropped the zero
		{"39", "498251234", ""},    // the same, and it looks German
		{"39", "3331234567.0", ""}, // a spreadsheet has added a decimal
		{"39", "3,33123E+09", ""},
		{"39", "33312345670", ""},
		{"39", "333123456", "+39333123456"},
		{"39", "33312345", ""},
		{"39", "0612345678 0698765432", ""},
		{"39", "0612345678/0698765432", ""},
		{"39", "0612345678;0698765432", ""},
		{"39", "0612345678 (Maria)", ""},
		{"39", "#REF!", ""},
		{"39", "anonymous", ""},
		{"39", "", ""},
		{"39", "0000000000", ""},
		{"39", "1007", ""},
		{"", "0612345678", ""},
		{"", "390612345678", ""},
	} {
		n, err := numbering.NewReader(c.country).Listed(c.text)
		if got := readings(n); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("+%s: %q is %q, %v; want %q", c.country, c.text, got, err, c.want)
		}
		if err != nil && c.text != "" && strings.Contains(err.Error(), c.text) {
			t.Errorf("%q is quoted: %v", c.text, err)
		}
	}
}

// Each reading reads as itself, in any country and with any prefix.
func TestReadingTwiceChangesNothing(t *testing.T) {
	text := rapid.OneOf(
		rapid.StringMatching(`(\+|00|0)?[1-9][0-9]{5,13}`),
		rapid.StringMatching(`(\+39|0039|39)?(0[1-9]|3)[0-9]{5,9}`),
		rapid.StringMatching(`\+[1-9][0-9]{0,2} \(0\)[0-9]{5,9}`),
		rapid.StringMatching(`0?[1-9][0-9]{5,9};phone-context=\+[1-9][0-9]{0,2}`),
		rapid.String(),
	)
	country := rapid.SampledFrom([]string{"", "39", "49", "33", "34", "44", "1", "7", "54", "52", "36"})
	prefix := rapid.SampledFrom([]string{"", "0", "9", "01"})
	rapid.Check(t, func(t *rapid.T) {
		text, reader := text.Draw(t, "text"), numbering.NewReader(country.Draw(t, "country"))
		n, _ := reader.Caller(text, prefix.Draw(t, "prefix"))
		if n.Withheld() {
			return
		}
		home := country.Draw(t, "another country")
		for _, reading := range n.Readings() {
			again, ok := numbering.NewReader(home).Caller(reading.Clear(), prefix.Draw(t, "another prefix"))
			listed, err := reader.Listed(reading.Clear())
			if !ok || err != nil || again != reading || listed != reading {
				t.Fatalf("%q reads as %s, and that as %s, listed as %s, %v",
					text, reading.Clear(), readings(again), readings(listed), err)
			}
		}
	})
}

// Whoever is in a list is found in every form in which a carrier of any country may send the
// number. The forms are the library's own, which the reader does not use.
func TestEveryFormOfAListedNumberIsFound(t *testing.T) {
	numbers := 0
	for code := range phonenumbers.GetSupportedCallingCodes() {
		for _, region := range phonenumbers.GetRegionCodesForCountryCode(code) {
			for _, kind := range []phonenumbers.PhoneNumberType{
				phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.VOIP,
			} {
				n := phonenumbers.GetExampleNumberForType(region, kind)
				if n == nil || !phonenumbers.IsValidNumber(n) {
					continue
				}
				numbers++
				everyForm(t, n)
			}
		}
	}
	if numbers < 400 {
		t.Errorf("only %d numbers", numbers)
	}
}

func everyForm(t *testing.T, n *phonenumbers.PhoneNumber) {
	t.Helper()
	full := phonenumbers.Format(n, phonenumbers.E164)
	digits := strings.TrimPrefix(full, "+")
	country := strings.TrimSuffix(digits, phonenumbers.GetNationalSignificantNumber(n))
	home := numbering.NewReader(country)
	listed, err := home.Listed(full)
	if err != nil || readings(listed) != full {
		t.Errorf("%s is listed as %q, %v", full, readings(listed), err)
	}
	within := phonenumbers.Format(n, phonenumbers.NATIONAL)
	if country == "54" && strings.HasPrefix(within, "09 15") {
		within = "011 15-2345-6789" // the library drops the area code
	}
	forms := []string{
		full, "00" + digits, digits, within, full + ";npdi;rn=+1", full + "@192.0.2.7",
		within + ";phone-context=+" + country,
		phonenumbers.Format(n, phonenumbers.INTERNATIONAL),
		phonenumbers.Format(n, phonenumbers.RFC3966),
	}
	for _, form := range forms {
		for _, prefix := range []string{"", "0", "9"} {
			got, _ := home.Caller(prefix+form, prefix)
			if !slices.Contains(strings.Fields(readings(got)), full) {
				t.Errorf("%s of +%s: %q with prefix %q is %q", full, country, prefix+form, prefix, readings(got))
			}
		}
	}
}
