// Package policy holds the laws under which a service line may charge, as data: the rules of each
// law, and the source of each rule.
//
// In: the name of a policy, the sector of the company, rules that the company adds. Out: a
// [Policy], which the meter asks for its rules, and the configuration asks whether a price is
// allowed. The package decides nothing about a call and never reads a clock: metering applies the
// rules by their names. docs/policies.md explains each rule, and a test holds the two together.
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

// Rule is the name of a rule. The evidence of each call has the names.
type Rule string

// The rules.
const (
	// OperatorAnswer: nothing is due before an operator handles the request, nor while the caller
	// waits again afterwards. It cannot be switched off.
	OperatorAnswer Rule = "operator_answer"
	// ProtectedFree: an exempt caller never pays. It cannot be switched off.
	ProtectedFree Rule = "protected_free"
	// OrdinaryNumber: the dialled number, and every number that the call is led to, is of a kind that
	// costs what an ordinary call costs.
	OrdinaryNumber Rule = "ordinary_number"
	// BasicRate: what a consumer pays for a call about a contract is no more than an ordinary call
	// costs. A price comes on top of the call, so there may be one only where the call itself is free.
	BasicRate Rule = "basic_rate"
	// ServiceFree: the service may not have a price.
	ServiceFree Rule = "service_free"
	// TelecomFree: the assistance of a telephone or television company may not have a price.
	TelecomFree Rule = "telecom_free"
	// FinanceFree: the assistance of a bank, an insurer or a card company may not have a price.
	FinanceFree Rule = "finance_free"
	// Announced: the price is announced before it is due.
	Announced Rule = "announced"
	// AnnouncementLead: the price announcement ends at least [Lead] before the charge begins.
	AnnouncementLead Rule = "announcement_lead"
	// Consent: the caller expressly agrees to the price.
	Consent Rule = "consent"
	// WaitTold: on numbers that are neither free, geographic nor mobile the caller is told, before
	// waiting, how long the wait is expected to be and that it is free. See [Policy.TellsWait].
	WaitTold Rule = "wait_told"
	// SolvedFirst: the survey asks for satisfaction only once the caller has said that the matter is
	// solved.
	SolvedFirst Rule = "solved_first"
	// WaitVoids: a caller who had to pay for waiting pays no fee for the whole call.
	WaitVoids Rule = "wait_voids"
)

// Lead is how long before the charge a price announcement must have ended (TKG §110(2)). The front
// desk keeps it under every policy.
const Lead = 3 * time.Second

// The sectors that some law distinguishes.
const (
	SectorOther   = "other"
	SectorTelecom = "telecom"
	SectorTV      = "tv"
	SectorFinance = "finance" // banks, insurers, card companies
)

// Sectors are the possible sectors of a company.
var Sectors = []string{SectorOther, SectorTelecom, SectorTV, SectorFinance}

// Strictest is the default policy: all rules of all policies. Spain's are among them, so nothing
// may have a price under it.
const Strictest = "strictest"

// ordinary are the kinds of numbers (numbering.Kind) that cost what an ordinary call costs, under
// every policy.
var ordinary = []string{"geographic", "mobile", "freephone", "voip", "internal"}

// laws are the rules of each policy. The source of each rule is in sources.
var laws = map[string][]Rule{
	"it": {OperatorAnswer, ProtectedFree, OrdinaryNumber, BasicRate, TelecomFree, FinanceFree},
	"de": {
		OperatorAnswer, ProtectedFree, OrdinaryNumber, BasicRate, Announced, AnnouncementLead,
		WaitTold, WaitVoids,
	},
	"fr": {OperatorAnswer, ProtectedFree, OrdinaryNumber, BasicRate, TelecomFree},
	"es": {OperatorAnswer, ProtectedFree, OrdinaryNumber, BasicRate, ServiceFree, SolvedFirst},
	"uk": {OperatorAnswer, ProtectedFree, OrdinaryNumber, BasicRate, Announced, Consent},
}

// sectoral are the rules of a policy that bind companies of some sectors alone.
var sectoral = map[string]map[Rule][]string{
	"it": {TelecomFree: {SectorTelecom, SectorTV}, FinanceFree: {SectorFinance}},
	"fr": {TelecomFree: {SectorTelecom}},
}

// Source is the law behind a rule of a policy.
type Source struct {
	Policy string
	Rule   Rule
	Text   string
}

// sources are the laws behind the rules. "*" is behind a rule under every policy that has no line
// of its own for the rule.
var sources = []Source{
	{"it", OperatorAnswer, "the gateway's own principle; L. 124/2017 art. 1 c. 55 has it for paid " +
		"services on non-geographic numbers, from the operator's answer"},
	{"de", OperatorAnswer, "TKG 2021 §3 no. 73, §115: waiting is free from call set-up until " +
		"handling begins, and again after a transfer"},
	{"fr", OperatorAnswer, "no law of its own: the gateway's first principle"},
	{"es", OperatorAnswer, "no law of its own: the gateway's first principle"},
	{"uk", OperatorAnswer, "no law of its own: the gateway's first principle"},
	{"*", ProtectedFree, "the gateway's own promise: the elderly on a minimum pension, the " +
		"unemployed and the disabled never pay"},
	{"*", OrdinaryNumber, "Directive 2011/83/EU art. 21; CJEU C-568/15"},
	{"fr", OrdinaryNumber, "Code de la consommation L.121-16: the number may not be surcharged"},
	{"uk", OrdinaryNumber, "Consumer Contracts Regulations 2013 (SI 2013/3134) reg. 41"},
	{"*", BasicRate, "Directive 2011/83/EU art. 21; CJEU C-568/15"},
	{"it", BasicRate, "Codice del consumo art. 64; Directive 2011/83/EU art. 21; CJEU C-568/15"},
	{"uk", BasicRate, "Consumer Contracts Regulations 2013 (SI 2013/3134) reg. 41: the excess is " +
		"paid back"},
	{"it", TelecomFree, "AGCOM 255/24/CONS"},
	{"fr", TelecomFree, "Code de la consommation L.224-38: no cost beyond the call"},
	{"it", FinanceFree, "L. 124/2017 art. 1 c. 130, 131: no more than an ordinary urban call, from " +
		"mobiles too"},
	{"es", ServiceFree, "Ley 10/2025 art. 4.1, 10.4; companies have until 28 December 2026 to adapt"},
	{"de", Announced, "TKG 2021 §110(1), (2) for premium, short-code, directory and selection " +
		"services; the gateway's own strictness elsewhere"},
	{"uk", Announced, "the gateway's own caution: consent presupposes that the price was announced"},
	{"de", AnnouncementLead, "TKG 2021 §110(2) for premium, short-code, directory and selection " +
		"services; the gateway's own strictness elsewhere"},
	{"uk", Consent, "the gateway's own caution: Consumer Contracts Regulations 2013 (SI 2013/3134) " +
		"reg. 40 concerns payments agreed when a contract is made"},
	{"de", WaitTold, "TKG 2021 §115(2), §116"},
	{"de", WaitVoids, "TKG 2021 §115, §116"},
	{"es", SolvedFirst, "Ley 10/2025 art. 18"},
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

// Policy is the law that a service charges under. The zero value has no name and no rules.
type Policy struct {
	Name  string
	Rules []Rule
}

// For makes the policy of a name ("" for [Strictest]), with the rules in also added to it. Only
// [Addable] rules can be added. The rules of one sector are left out for a company of another, but
// never from Strictest.
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
		return Policy{}, fmt.Errorf("%q is not one of %s", name, strings.Join(Names(), ", "))
	}
	if !slices.Contains(Sectors, sector) {
		return Policy{}, fmt.Errorf("sector %q is not one of %s", sector, strings.Join(Sectors, ", "))
	}
	for _, r := range also {
		if !slices.Contains(Addable, r) {
			return Policy{}, fmt.Errorf("rule %q cannot be added: only %v can", r, Addable)
		}
	}
	rules = append(rules, also...)
	rules = slices.DeleteFunc(rules, func(r Rule) bool {
		sectors, some := sectoral[name][r]
		return some && !slices.Contains(sectors, sector)
	})
	slices.Sort(rules)
	return Policy{Name: name, Rules: slices.Compact(rules)}, nil
}

// Addable are the rules that a company may add to its policy, because it wants to or because
// another law binds it.
var Addable = []Rule{Announced, Consent, WaitVoids}

// Has reports whether the policy has the rule.
func (p Policy) Has(r Rule) bool { return slices.Contains(p.Rules, r) }

// Allows reports whether a call that is led to a number of this kind (numbering.Kind) may be
// charged. It may not for an unknown kind.
func (p Policy) Allows(kind string) bool {
	return !p.Has(OrdinaryNumber) || slices.Contains(ordinary, kind)
}

// TellsWait reports whether callers of a number of this kind (numbering.Kind) must be told how long
// the wait is expected to be. They must for an unknown kind.
func (p Policy) TellsWait(kind string) bool {
	return p.Has(WaitTold) && !slices.Contains([]string{"geographic", "mobile", "freephone"}, kind)
}

// NoPrice is the rule that forbids the service a price, "" if none does.
func (p Policy) NoPrice() Rule {
	for _, r := range []Rule{ServiceFree, TelecomFree, FinanceFree} {
		if p.Has(r) {
			return r
		}
	}
	return ""
}

// Source is the text of the laws behind one of the policy's rules.
func (p Policy) Source(r Rule) string {
	var found []string
	for _, s := range sources {
		own := slices.ContainsFunc(sources, func(o Source) bool {
			return o.Policy == p.Name && o.Rule == r
		})
		if s.Rule == r && (s.Policy == p.Name || s.Policy == "*" && !own || p.Name == Strictest) {
			found = append(found, s.Text)
		}
	}
	if found == nil {
		return "added by the company"
	}
	return strings.Join(slices.Compact(found), "; ")
}

// Sources are the laws behind all rules of all policies.
func Sources() []Source { return slices.Clone(sources) }

// Ref is the policy's name and a hash of its rules: "it@3f0c2b9a51d4". The zero Policy has "".
func (p Policy) Ref() string {
	if p.Name == "" {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s", p.Name, p.Rules, Lead))
	return p.Name + "@" + hex.EncodeToString(sum[:6])
}

// Check returns an error for a policy from evidence that cannot be one.
func (p Policy) Check() error {
	if (p.Name == "") != (len(p.Rules) == 0) {
		return errors.New("a policy has a name and rules, or neither")
	}
	return nil
}
