// Package numbering reads telephone numbers by the numbering plans: whose number a caller's is, and
// whether a call to a dialled one costs what an ordinary call costs, or more.
//
// In: a caller's number or one of a list, in any form. Out of a [Reader]: a [metering.Number] in
// international form, under which one person is always found.
//
// In: a dial string, an extension or a DID. Out of a [Plan]: a [Kind]. A number that neither source
// has is [Unknown], which policies refuse. The sources are a dated table of our own (table.go), and
// after it the numbering plans of nyaruka/phonenumbers, which alone let a few premium ranges pass as
// ordinary.
//
// The package is pure: it sends nothing and keeps no number.
package numbering

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Kind is the kind of a number.
type Kind string

// The kinds. A policy decides which of them may be part of a charged call.
const (
	None       Kind = ""            // not a number: an endpoint's own name
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

// Plan finds the kinds of numbers that are dialled in a country, and knows the PBX's own extensions.
type Plan struct {
	home     *plan // nil: no country is known, so that national numbers have no kind
	internal []string
	services map[string]bool
}

// NewPlan makes a plan for a country code such as "39", with patterns of internal extensions (`?`
// stands for a digit) and the numbers of metered services.
func NewPlan(countryCode string, internal, services []string) *Plan {
	p := &Plan{home: NewReader(countryCode).home, internal: internal, services: map[string]bool{}}
	for _, s := range services {
		p.services[s] = true
	}
	return p
}

// Kind is the kind of what a PBX dials for a channel of an endpoint; without an endpoint, of an
// extension to which a call is transferred.
func (p *Plan) Kind(endpoint, text string) Kind {
	if endpoint == "" {
		return p.extension(text)
	}
	return p.dialled(endpoint, text)
}

// dialled is the kind of what the PBX dials for a channel of an endpoint, such as PJSIP/trunk: the
// number behind an account, a contact, options or pauses. The endpoint's own name is no number. What
// cannot be read is Unknown. Half of a Local channel only enters the dialplan: it is an extension.
func (p *Plan) dialled(endpoint, text string) Kind {
	technology, own, _ := strings.Cut(endpoint, "/")
	text = cutFold(text, technology+"/")
	if strings.EqualFold(technology, "Local") {
		return p.extension(text)
	}
	target, ok := dialTarget(text)
	switch w, read := readText(target); {
	case ok && target == own:
		return None
	case ok && read:
		return p.kind(w)
	case p.isInternal(own):
		return Internal // a telephone of the PBX, by a contact that is no number
	}
	return Unknown
}

// extension is the kind of an extension of the dialplan to which a call is led. A name is no number:
// what it leads to is dialled from there.
func (p *Plan) extension(text string) Kind {
	text, _, _ = strings.Cut(text, "@")
	text, _, _ = strings.Cut(text, ";")
	if !strings.ContainsAny(text, "0123456789*#") || strings.ContainsFunc(text, isLetter) {
		return None
	}
	w, ok := readText(text)
	if !ok {
		return Unknown
	}
	return p.kind(w)
}

// Public is the kind of a number that is dialled from outside the PBX.
func (p *Plan) Public(text string) Kind {
	w, ok := readText(text)
	if !ok {
		return Unknown
	}
	return p.public(w)
}

func (p *Plan) kind(w written) Kind {
	if p.isInternal(w.digits) {
		return Internal
	}
	return p.public(w)
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

// public is the kind of a number in any of its readings. The dearest counts: the call may cost that.
func (p *Plan) public(w written) Kind {
	var found []Kind
	note := func(k Kind) {
		if k != Unknown {
			found = append(found, k)
		}
	}
	abroad := func(digits string) {
		if country, national := split(digits); country != nil {
			note(country.kind(national))
		}
	}
	digits, international := strings.CutPrefix(w.digits, "+")
	switch {
	case international:
		abroad(digits)
	case w.context != "":
		abroad(w.context + digits)
	}
	if rest, ok := strings.CutPrefix(digits, "00"); ok && !international {
		abroad(rest)
	}
	if p.home != nil && !international {
		if rest, ok := p.home.cutAbroad(digits); ok {
			abroad(rest)
		}
		note(p.home.kind(digits))
		if rest, ok := strings.CutPrefix(digits, p.home.code); ok && p.home.has(rest) {
			note(p.home.kind(rest))
		}
	}
	if i := slices.IndexFunc(found, dear); i >= 0 {
		return found[i]
	}
	return append(found, Unknown)[0]
}

// dear reports whether a kind is more than an ordinary number.
func dear(k Kind) bool {
	return k == Premium || k == SharedCost || k == Personal || k == Special
}

// kind is the kind of a number as it follows the country code, or as it is dialled in the country.
func (p *plan) kind(national string) Kind {
	code, err := strconv.Atoi(p.code)
	if err != nil {
		return Unknown
	}
	if k, ok := inTable(code, national); ok {
		return k
	}
	if rest, ok := strings.CutPrefix(national, p.prefix); ok && p.prefix != "" && !p.has(national) {
		national = rest
		if k, ok := inTable(code, national); ok {
			return k
		}
	}
	n, err := phonenumbers.Parse("+"+p.code+national, "")
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return Unknown
	}
	if k, ok := inTable(code, phonenumbers.GetNationalSignificantNumber(n)); ok {
		return k
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
