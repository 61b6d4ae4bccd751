package numbering

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/nyaruka/phonenumbers"
)

// plan is the numbering plan of one country code, from the data of nyaruka/phonenumbers. The
// library's own check compiles and matches each pattern twice, which is too slow for a list of a
// million people; TestPlansAgreeWithTheLibrary holds this one to it.
type plan struct {
	code    string   // the country code, such as 39
	main    string   // the main region, such as IT
	regions []region // those that share the code, the main one first
	prefix  string   // for calls within the country, such as 0; "" for none
	// abroad matches the prefix of calls to other countries. nil: none is known beside 00.
	abroad *regexp.Regexp
	// strips reports whether national forms have more than the prefix in front: carriers' codes,
	// tokens for mobiles.
	strips bool
}

// region is one of the regions that share a country code.
type region struct {
	leading *regexp.Regexp // what its numbers begin with; nil: it is not told by that
	general pattern
	kinds   []pattern // of landlines, mobiles and so on
}

// pattern matches whole national numbers of certain lengths.
type pattern struct {
	lengths []int32 // empty: any
	whole   *regexp.Regexp
}

func (p pattern) matches(national string) bool {
	if len(p.lengths) > 0 && !slices.Contains(p.lengths, int32(len(national))) {
		return false
	}
	return p.whole.MatchString(national)
}

// maxCode is the highest country code.
const maxCode = 999

// maxNational is more digits than any national number has: E.164 allows 15 with the country code,
// and some plans exceed that by two.
const maxNational = 17

// plans are those that have been asked for. Each is made once, or twice at the same instant.
var plans [maxCode + 1]atomic.Pointer[plan]

// planOf is the plan of a country code; nil where no country has it.
func planOf(code int) *plan {
	if code < 1 || code > maxCode {
		return nil
	}
	if p := plans[code].Load(); p != nil {
		return p
	}
	names := phonenumbers.GetRegionCodesForCountryCode(code)
	if len(names) == 0 {
		return nil
	}
	p := newPlan(code, names)
	plans[code].Store(p)
	return p
}

func newPlan(code int, names []string) *plan {
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		panic("numbering: the plans of phonenumbers cannot be read: " + err.Error()) // they are linked in
	}
	p := &plan{code: strconv.Itoa(code), main: names[0]}
	for _, name := range names {
		for _, m := range all.GetMetadata() {
			if m.GetId() != name || int(m.GetCountryCode()) != code {
				continue
			}
			if len(p.regions) == 0 {
				p.prefix = strings.ReplaceAll(m.GetNationalPrefix(), "~", "")
				p.strips = m.GetNationalPrefixForParsing() != ""
				p.abroad = atStart(m.GetInternationalPrefix())
			}
			p.regions = append(p.regions, newRegion(m))
		}
	}
	return p
}

func newRegion(m *phonenumbers.PhoneMetadata) region {
	r := region{leading: atStart(m.GetLeadingDigits()), general: newPattern(m.GetGeneralDesc())}
	for _, d := range []*phonenumbers.PhoneNumberDesc{
		m.GetFixedLine(), m.GetMobile(), m.GetVoip(), m.GetTollFree(), m.GetSharedCost(),
		m.GetPremiumRate(), m.GetPersonalNumber(), m.GetUan(), m.GetPager(),
	} {
		if d.GetNationalNumberPattern() != "" {
			r.kinds = append(r.kinds, newPattern(d))
		}
	}
	return r
}

func newPattern(d *phonenumbers.PhoneNumberDesc) pattern {
	whole := regexp.MustCompile("^(?:" + d.GetNationalNumberPattern() + ")$")
	return pattern{lengths: d.GetPossibleLength(), whole: whole}
}

func atStart(expr string) *regexp.Regexp {
	if expr == "" {
		return nil
	}
	return regexp.MustCompile("^(?:" + expr + ")")
}

// has reports whether a number, as it follows the country code, is in the plan. Mailboxes, which
// look like a number with a digit too many, are left out: nobody calls from one.
func (p *plan) has(national string) bool {
	if len(national) > maxNational {
		return false
	}
	for _, r := range p.regions {
		valid := func(k pattern) bool { return k.matches(national) }
		// One region is asked outright, as the library does. Of several the first that may have it.
		told := len(p.regions) > 1 && r.leading != nil
		if told && !r.leading.MatchString(national) {
			continue
		}
		if r.general.matches(national) && slices.ContainsFunc(r.kinds, valid) {
			return true
		}
		if told {
			return false
		}
	}
	return false
}

// cutAbroad cuts the country's prefix of calls to other countries off.
func (p *plan) cutAbroad(digits string) (rest string, ok bool) {
	if p.abroad == nil {
		return "", false
	}
	end := p.abroad.FindStringIndex(digits)
	if end == nil {
		return "", false
	}
	return digits[end[1]:], true
}

// split divides the digits of an international number into its country's plan and the rest; nil for
// a code that no country has.
func split(digits string) (*plan, string) {
	if strings.HasPrefix(digits, "0") {
		return nil, ""
	}
	for n := 1; n <= 3 && n <= len(digits); n++ {
		if code, err := strconv.Atoi(digits[:n]); err == nil {
			if p := planOf(code); p != nil {
				return p, digits[n:]
			}
		}
	}
	return nil, ""
}
