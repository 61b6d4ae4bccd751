// Package numbering says of what kind a dialled number is: whether a call to it costs what an ordinary call costs, or more.
//
// In: what was dialled, as a dial string, an extension or a DID. Out: a Kind. What nobody knows is Unknown, and policies refuse that. The kinds come from
// a dated table of ours (table.go), and behind it from the numbering plans of nyaruka/phonenumbers, of which alone a few premium ranges pass as
// ordinary. The package is pure: it asks nobody, and keeps no number.
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

// The kinds. Policies say which of them may be part of a charged call.
const (
	None       Kind = "" // no number at all: an endpoint's name
	Geographic Kind = "geographic"
	Mobile     Kind = "mobile"
	Freephone  Kind = "freephone"
	VoIP       Kind = "voip"     // nomadic numbers, at the price of an ordinary call
	Internal   Kind = "internal" // an extension of the PBX, by the configuration
	Premium    Kind = "premium"
	SharedCost Kind = "shared_cost"
	Personal   Kind = "personal"
	Special    Kind = "special" // short codes, mass traffic, universal access
	Unknown    Kind = "unknown"
)

// Plan is how numbers are read: by the numbering plan of a country, and with the PBX's own extensions.
type Plan struct {
	country  int
	region   string
	internal []string
	services map[string]bool
}

// NewPlan makes a plan for a country code such as "39", with patterns of internal extensions (`?` stands for a digit) and the numbers of metered services.
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
	digits = regexp.MustCompile(`^\+?[0-9*#]+$`)
	noise  = strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "")
)

// Dialled takes the number out of what Asterisk dials: "899123456@trunk", "PJSIP/trunk/sip:+39899123456@carrier", "0612345678". It is "" where an
// endpoint is dialled by its name.
func Dialled(text string) string {
	for _, part := range strings.Split(text, "/") {
		part, _, _ = strings.Cut(part, "@")
		part, _, _ = strings.Cut(part, ";")
		part = strings.TrimPrefix(strings.TrimPrefix(part, "sip:"), "sips:")
		part = strings.TrimPrefix(part, "tel:")
		if part = noise.Replace(part); digits.MatchString(part) {
			return part
		}
	}
	return ""
}

// Kind is the kind of what was dialled. Internal extensions are only those that the configuration names.
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

// Public is the kind of a number as the world outside dials it.
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
	if k, ok := ours(country, national); ok {
		return k
	}
	region := phonenumbers.GetRegionCodeForCountryCode(country)
	n, err := phonenumbers.Parse("+"+strconv.Itoa(country)+national, region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return Unknown
	}
	return kinds[phonenumbers.GetNumberType(n)]
}

// kinds are the library's types in our words; what is not here is Unknown.
var kinds = map[phonenumbers.PhoneNumberType]Kind{
	phonenumbers.FIXED_LINE:           Geographic,
	phonenumbers.MOBILE:               Mobile,
	phonenumbers.FIXED_LINE_OR_MOBILE: Geographic, // in such plans both cost the same
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

// split parts a number into country code and the rest as it follows that code internationally. Numbers in national form are of the plan's own country.
func (p *Plan) split(number string) (country int, national string) {
	if rest, ok := strings.CutPrefix(number, "00"); ok {
		number = "+" + rest
	}
	rest, international := strings.CutPrefix(number, "+")
	if !international {
		if p.country == 0 || strings.ContainsAny(number, "*#") {
			return 0, ""
		}
		if p.country != 39 { // Italy keeps the 0 of its area codes abroad, the others drop their trunk prefix
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
