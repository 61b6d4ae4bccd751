// Package policy holds the laws under which a service line may charge, as data: which rules each of them is made of, and where each rule comes from.
//
// In: a policy's name, the sector of the company, rules that a company adds of its own accord. Out: a Policy, which the meter asks what it must heed,
// and the check of a tariff asks what it may not price. The package decides nothing about a call and never reads a clock: metering does, by the
// rules' names. docs/policies.md says each rule in words; a test holds the two together.
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rule names a rule. The names stand in the evidence of each call.
type Rule string

// The rules.
const (
	// OperatorAnswer: nothing is due before an operator handles the request, nor whenever the caller is left alone again. Nothing can switch it off.
	OperatorAnswer Rule = "operator_answer"
	// ProtectedFree: a caller who is exempt never pays. Nothing can switch it off.
	ProtectedFree Rule = "protected_free"
	// OrdinaryNumber: the dialled number, and every number that the call is led to, is of a kind that costs what an ordinary call costs.
	OrdinaryNumber Rule = "ordinary_number"
	// BasicRate: a line for consumers about contracts that they have costs no more than an ordinary call.
	BasicRate Rule = "basic_rate"
	// ServiceFree: the service may have no price at all.
	ServiceFree Rule = "service_free"
	// TelecomFree: an operator of telephony or television may put no price on its assistance.
	TelecomFree Rule = "telecom_free"
	// Announced: the price is told before it is due.
	Announced Rule = "announced"
	// AnnouncementLead: the telling ends at least Lead before the price begins to run.
	AnnouncementLead Rule = "announcement_lead"
	// Consent: the caller agrees to the price expressly.
	Consent Rule = "consent"
	// WaitVoids: where the caller was made to pay for waiting, the fee of the whole call falls away.
	WaitVoids Rule = "wait_voids"
)

// Lead is how long before the charge an announcement must have ended (TKG §110(2)). Where the front desk announces, it is kept under every policy.
const Lead = 3 * time.Second

// Sectors of which some law speaks.
const (
	SectorOther   = "other"
	SectorTelecom = "telecom"
	SectorTV      = "tv"
)

// Sectors are the words for a company's sector.
var Sectors = []string{SectorOther, SectorTelecom, SectorTV}

// Strictest is the policy of whoever names none: all rules of all policies. Spain's is among them, so under it nothing may be priced.
const Strictest = "strictest"

// kinds of numbers that cost what an ordinary call costs (numbering.Kind), under every policy.
var ordinary = []string{"geographic", "mobile", "freephone", "voip", "internal"}

// laws are the policies. Each rule's source is in sources.
var laws = map[string][]Rule{
	"it": {OperatorAnswer, ProtectedFree, OrdinaryNumber, BasicRate, TelecomFree},
	"de": {OperatorAnswer, ProtectedFree, OrdinaryNumber, BasicRate, Announced, AnnouncementLead, WaitVoids},
	"fr": {OperatorAnswer, ProtectedFree, OrdinaryNumber, BasicRate},
	"es": {OperatorAnswer, ProtectedFree, OrdinaryNumber, BasicRate, ServiceFree},
	"uk": {OperatorAnswer, ProtectedFree, OrdinaryNumber, BasicRate, Announced, Consent},
}

// Source is where a rule of a policy comes from.
type Source struct {
	Policy string
	Rule   Rule
	Text   string
}

// sources name the law behind each rule; "*" is behind it under every policy that has no line of its own.
var sources = []Source{
	{"it", OperatorAnswer, "L. 124/2017 art. 1 c. 55; AGCOM 157/18/CIR"},
	{"de", OperatorAnswer, "TKG 2021 §3 no. 73, §115: waiting is free from call set-up until handling begins, and again after a transfer"},
	{"fr", OperatorAnswer, "Code de la consommation L.224-38"},
	{"es", OperatorAnswer, "Ley 10/2025"},
	{"uk", OperatorAnswer, "no law of its own: the gateway's first principle"},
	{"*", ProtectedFree, "the gateway's own promise: the elderly on a minimum pension, the unemployed and the disabled never pay"},
	{"*", OrdinaryNumber, "Directive 2011/83/EU art. 21; CJEU C-568/15"},
	{"uk", OrdinaryNumber, "Consumer Contracts Regulations 2013 (SI 2013/3134) reg. 41"},
	{"*", BasicRate, "Directive 2011/83/EU art. 21; CJEU C-568/15"},
	{"uk", BasicRate, "Consumer Contracts Regulations 2013 (SI 2013/3134) reg. 41"},
	{"it", TelecomFree, "AGCOM 255/24/CONS"},
	{"es", ServiceFree, "Ley 10/2025"},
	{"de", Announced, "TKG 2021 §110(2)"},
	{"uk", Announced, "Consumer Contracts Regulations 2013 (SI 2013/3134) reg. 40: consent presupposes that the price was told"},
	{"de", AnnouncementLead, "TKG 2021 §110(2)"},
	{"uk", Consent, "Consumer Contracts Regulations 2013 (SI 2013/3134) reg. 40"},
	{"de", WaitVoids, "TKG 2021 §115, §116"},
}

// Names are the names of all policies, in order.
func Names() []string {
	names := []string{Strictest}
	for n := range laws {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Policy is the law that a service charges under. The zero value has no rules: it is that of evidence older than policies.
type Policy struct {
	Name  string
	Rules []Rule
}

// For makes a policy: a name, the company's sector, and rules added to it. Where the sector is not one that TelecomFree speaks of, that rule is left out.
func For(name, sector string, also []Rule) (Policy, error) {
	if name == "" {
		name = Strictest
	}
	var rules []Rule
	for _, law := range Names() {
		if law == name || name == Strictest {
			rules = append(rules, laws[law]...)
		}
	}
	if rules == nil {
		return Policy{}, fmt.Errorf("%q is none of %s", name, strings.Join(Names(), ", "))
	}
	if !slices.Contains(Sectors, sector) {
		return Policy{}, fmt.Errorf("sector %q is none of %s", sector, strings.Join(Sectors, ", "))
	}
	for _, r := range also {
		if !slices.Contains(Addable, r) {
			return Policy{}, fmt.Errorf("rule %q can't be added: only %v can", r, Addable)
		}
	}
	rules = append(rules, also...)
	if sector == SectorOther && name != Strictest {
		rules = slices.DeleteFunc(rules, func(r Rule) bool { return r == TelecomFree })
	}
	slices.Sort(rules)
	return Policy{Name: name, Rules: slices.Compact(rules)}, nil
}

// Addable are the rules that a company may add to its policy of its own accord, or because another law of its binds it.
var Addable = []Rule{Announced, Consent, WaitVoids}

// Has tells whether the rule is one of the policy's.
func (p Policy) Has(r Rule) bool { return slices.Contains(p.Rules, r) }

// Carries tells whether a number of this kind may be part of a call that is charged. A kind that nobody knows may not.
func (p Policy) Carries(kind string) bool {
	return !p.Has(OrdinaryNumber) || slices.Contains(ordinary, kind)
}

// NoPrice names the rule by which the policy allows no price, "" if it allows one.
func (p Policy) NoPrice() Rule {
	for _, r := range []Rule{ServiceFree, TelecomFree} {
		if p.Has(r) {
			return r
		}
	}
	return ""
}

// Source is the law behind one of the policy's rules.
func (p Policy) Source(r Rule) string {
	var found []string
	for _, s := range sources {
		own := slices.ContainsFunc(sources, func(o Source) bool { return o.Policy == p.Name && o.Rule == r })
		if s.Rule == r && (s.Policy == p.Name || s.Policy == "*" && !own || p.Name == Strictest) {
			found = append(found, s.Text)
		}
	}
	if found == nil {
		return "added by the company"
	}
	return strings.Join(slices.Compact(found), "; ")
}

// Sources are all rules of all policies with the laws behind them.
func Sources() []Source { return slices.Clone(sources) }

// Ref names the policy and its rules: "it@3f0c2b9a51d4"; "" for none.
func (p Policy) Ref() string {
	if p.Name == "" {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s", p.Name, p.Rules, Lead))
	return p.Name + "@" + hex.EncodeToString(sum[:6])
}

// Check says what is wrong with a policy that was read from evidence.
func (p Policy) Check() error {
	if (p.Name == "") != (len(p.Rules) == 0) {
		return errors.New("a policy has a name and rules, or neither")
	}
	return nil
}
