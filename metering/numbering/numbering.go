// Package numbering finds the kind of a dialled number: whether a call to it costs what an ordinary
// call costs, or more.
//
// In: a dial string, an extension or a DID. Out: a [Kind]. A number that neither source has is
// [Unknown], which policies refuse. The sources are a dated table of our own (table.go), and after
// it the numbering plans of nyaruka/phonenumbers, which alone let a few premium ranges pass as
// ordinary. The package is pure: it sends nothing and keeps no number.
package numbering

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Kind is the kind of a number.
type Kind string

// The kinds. A policy decides which of them may be part of a charged call.
const (
	None       Kind = ""            // not a number: an endpoint's name
	Geographic Kind = "geographic"  // a landline
	Mobile     Kind = "mobile"      // a mobile telephone
	Freephone  Kind = "freephone"   // free for the caller
	VoIP       Kind = "voip"        // nomadic numbers, at the price of an ordinary call
	Internal   Kind = "internal"    // an extension of the PBX, by the configuration
	Premium    Kind = "premium"     // at a surcharge
	SharedCost Kind = "shared_cost" // the caller pays part of the cost
	Personal   Kind = "personal"    // follows a person, at a price of its own
	Special    Kind = "special"     // short codes, mass traffic, universal access
	Unknown    Kind = "unknown"     // in no numbering plan that is known
)

// Plan reads numbers by the numbering plan of a country, and knows the PBX's own extensions.
type Plan struct {
	country  int
	region   string
	internal []string
	services map[string]bool
}

// NewPlan makes a plan for a country code such as "39", with patterns of internal extensions (`?`
// stands for a digit) and the numbers of metered services.
func NewPlan(countryCode string, internal, services []string) *Plan {
	p := &Plan{internal: internal, services: map[string]bool{}}
	if n, err := strconv.Atoi(countryCode); err == nil {
		p.country = n
		p.region = phonenumbers.GetRegionCodeForCountryCode(n)
	}
	for _, s := range services {
		p.services[s] = true
	}
	return p
}

var (
	digits     = regexp.MustCompile(`^\+?[0-9*#]+$`)
	separators = strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "")
)

// Dialled is the number in a text that Asterisk dials: "899123456@trunk",
// "PJSIP/trunk/sip:+39899123456@carrier", "0612345678". It is "" where Asterisk dials an endpoint
// by its name.
func Dialled(text string) string {
	for _, part := range strings.Split(text, "/") {
		part, _, _ = strings.Cut(part, "@")
		part, _, _ = strings.Cut(part, ";")
		part = strings.TrimPrefix(strings.TrimPrefix(part, "sip:"), "sips:")
		part = strings.TrimPrefix(part, "tel:")
		if part = separators.Replace(part); digits.MatchString(part) {
			return part
		}
	}
	return ""
}

// Kind is the kind of a dialled text. Only the extensions of the configuration are internal.
func (p *Plan) Kind(dialled string) Kind {
	number := Dialled(dialled)
	switch {
	case number == "":
		return None
	case p.isInternal(number):
		return Internal
	}
	return p.public(number)
}

// Public is the kind of a number that is dialled from outside the PBX.
func (p *Plan) Public(text string) Kind {
	number := Dialled(text)
	if number == "" {
		return Unknown
	}
	return p.public(number)
}

func (p *Plan) isInternal(number string) bool {
	if p.services[number] {
		return true
	}
	for _, pattern := range p.internal {
		if ok, err := path.Match(pattern, number); err == nil && ok {
			return true
		}
	}
	return false
}

func (p *Plan) public(number string) Kind {
	country, national := p.split(number)
	if country == 0 {
		return Unknown
	}
	if k, ok := inTable(country, national); ok {
		return k
	}
	region := phonenumbers.GetRegionCodeForCountryCode(country)
	n, err := phonenumbers.Parse("+"+strconv.Itoa(country)+national, region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return Unknown
	}
	return kinds[phonenumbers.GetNumberType(n)]
}

// kinds are the library's types as kinds. A type that is not here would have no kind, which no
// policy allows.
var kinds = map[phonenumbers.PhoneNumberType]Kind{
	phonenumbers.FIXED_LINE:           Geographic,
	phonenumbers.MOBILE:               Mobile,
	phonenumbers.FIXED_LINE_OR_MOBILE: Geographic, // both cost the same in such plans
	phonenumbers.TOLL_FREE:            Freephone,
	phonenumbers.VOIP:                 VoIP,
	phonenumbers.PREMIUM_RATE:         Premium,
	phonenumbers.SHARED_COST:          SharedCost,
	phonenumbers.PERSONAL_NUMBER:      Personal,
	phonenumbers.UAN:                  Special,
	phonenumbers.PAGER:                Special,
	phonenumbers.VOICEMAIL:            Special,
	phonenumbers.UNKNOWN:              Unknown,
}

// split divides a number into its country code and the rest, as it follows the code
// internationally. A number in national form is of the plan's own country.
func (p *Plan) split(number string) (country int, national string) {
	if rest, ok := strings.CutPrefix(number, "00"); ok {
		number = "+" + rest
	}
	rest, international := strings.CutPrefix(number, "+")
	if !international {
		if p.country == 0 || strings.ContainsAny(number, "*#") {
			return 0, ""
		}
		if p.country != 39 { // Italy keeps the 0 of its area codes abroad, other countries drop it
			number = strings.TrimPrefix(number, "0")
		}
		return p.country, number
	}
	for n := 1; n <= 3 && n <= len(rest); n++ {
		c, err := strconv.Atoi(rest[:n])
		if err == nil && phonenumbers.GetRegionCodeForCountryCode(c) != "ZZ" {
			return c, rest[n:]
		}
	}
	return 0, ""
}
