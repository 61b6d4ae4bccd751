package config

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/risposta/gateway/metering/numbering"
	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/tariff"
)

func (l *loader) checkTariffs(c *Config) {
	firstOf := map[string]string{}
	books := map[string][]tariff.Dated{}
	for i, t := range c.Tariffs {
		key := fmt.Sprintf("tariffs[%d]", i)
		d, errs := t.dated()
		if err := t.Price().Validate(); err != nil {
			errs = append(errs, unjoin(err)...)
		}
		for _, e := range errs {
			field, what, _ := strings.Cut(e.Error(), ": ")
			l.problem(key+"."+field, "%s", what)
		}
		if len(errs) > 0 {
			continue
		}
		if books[t.Name] == nil {
			firstOf[t.Name] = key
		}
		books[t.Name] = append(books[t.Name], d)
	}
	for _, t := range c.Tariffs { // a gap or an overlap lies between two tariffs of one name
		key, ok := firstOf[t.Name]
		if _, err := tariff.NewBook(books[t.Name]); ok && err != nil {
			l.problem(key, "%q %v", t.Name, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		delete(firstOf, t.Name)
	}
}

func unjoin(err error) []error {
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		return many.Unwrap()
	}
	return []error{err}
}

func (l *loader) checkServices(c *Config) {
	if len(c.Services) == 0 {
		l.problem("services", "missing: the dialled number and dialplan context "+
			"of at least one metered service")
	}
	tariffs := map[string]bool{}
	for _, t := range c.Tariffs {
		tariffs[t.Name] = true
	}
	seen := map[string]bool{}
	tariffOf := map[string]string{}    // by service
	measuredAs := map[string]Service{} // by service
	for i, s := range c.Services {
		key := fmt.Sprintf("services[%d]", i)
		if s.Number == "" {
			l.problem(key+".number", "missing: the extension that the caller dials")
		}
		if s.Context == "" {
			l.problem(key+".context", "missing: the dialplan context in which the call comes in")
		}
		if s.Tariff != "" && !tariffs[s.Tariff] {
			l.problem(key+".tariff", "%q is not the name of a tariff", s.Tariff)
		}
		if other, ok := tariffOf[s.Name]; ok && other != s.Tariff {
			l.problem(key+".tariff", "service %q has another tariff above: %q; one name, one price",
				s.Name, other)
		}
		tariffOf[s.Name] = s.Tariff
		l.checkMeasured(key, s, measuredAs)
		l.checkGlobs(key+".callers", s.Callers)
		if at := s.Number + "@" + s.Context; seen[at] {
			l.problem(key, "%s is listed twice", at)
		} else {
			seen[at] = true
		}
	}
}

var extension = regexp.MustCompile(`^[0-9?]{1,8}$`)

func (l *loader) checkExtensions(c *Config) {
	for i, e := range c.Extensions {
		if !extension.MatchString(e) {
			l.problem(fmt.Sprintf("extensions[%d]", i), "%q is not an extension such as 101 or 10??: "+
				"digits and ?, 8 at most; a longer pattern could match outside numbers", e)
		}
	}
}

// rateDecimals are shown of law.basic_rate.
const rateDecimals = 2

var amount = regexp.MustCompile(`^[0-9]{1,6}(\.[0-9]{1,6})?$`)

// checkLaw refuses what the law forbids: a price where there may be none, a price that is too high,
// a number that may carry none.
func (l *loader) checkLaw(c *Config) {
	law, err := c.Policy()
	if err != nil {
		l.problem("law", "%s", strings.TrimPrefix(err.Error(), "law: "))
		return
	}
	basic, ok := new(big.Rat).SetString(c.Law.BasicRate)
	if !ok || basic.Sign() < 0 || !amount.MatchString(c.Law.BasicRate) {
		l.problem("law.basic_rate", "%q is not an amount such as 0.10", c.Law.BasicRate)
		return
	}
	dearest := map[string]*big.Rat{}
	for _, t := range c.Tariffs {
		p := t.Price()
		if p.Validate() != nil {
			return // checkTariffs reports it
		}
		if d := p.HighestPrice(); dearest[t.Name] == nil || d.Cmp(dearest[t.Name]) > 0 {
			dearest[t.Name] = d
		}
	}
	plan := c.Plan()
	for i, s := range c.Services {
		price := dearest[s.Tariff]
		if price == nil || price.Sign() == 0 {
			continue
		}
		key := fmt.Sprintf("services[%d]", i)
		l.checkPrice(key, law)
		l.checkAfterSales(key, s, price, basic, law, plan)
		l.checkDID(key, s, law, plan)
	}
}

func (l *loader) checkPrice(key string, law policy.Policy) {
	if r := law.NoPrice(); r != "" {
		hint := ""
		if law.Name == policy.Strictest {
			hint = "; law.policy is strictest, the rules of every country at once: " +
				"name the country under whose law you charge, such as it"
		}
		l.problem(key+".tariff", "policy %s allows this service no price: rule %s, %s%s",
			law.Name, r, law.Source(r), hint)
	}
}

// checkAfterSales holds the price of an after-sales line together with that of the call to its
// number to what an ordinary call costs. What the call costs is known where it is free alone.
func (l *loader) checkAfterSales(
	key string, s Service, price, basic *big.Rat, law policy.Policy, plan *numbering.Plan,
) {
	if !s.AfterSales || !law.Has(policy.BasicRate) {
		return
	}
	source := fmt.Sprintf("rule %s, %s", policy.BasicRate, law.Source(policy.BasicRate))
	switch {
	case plan.Public(s.DID) != numbering.Freephone:
		l.problem(key+".tariff", "policy %s allows an after-sales line no price on top of the call, "+
			"unless its did is a freephone number: %s", law.Name, source)
	case price.Cmp(basic) > 0:
		l.problem(key+".tariff", "policy %s lets an after-sales line cost no more than "+
			"law.basic_rate, %s: %s", law.Name, basic.FloatString(rateDecimals), source)
	}
}

func (l *loader) checkDID(key string, s Service, law policy.Policy, plan *numbering.Plan) {
	if s.DID == "" {
		l.problem(key+".did", "missing: the number that callers dial from outside, such as "+
			"+390612345678; a service whose number is not known may not charge")
		return
	}
	if kind := plan.Public(s.DID); !law.Allows(string(kind)) {
		l.problem(key+".did", "is of kind %s, which may carry no charge under policy %s: rule %s, %s",
			kind, law.Name, policy.OrdinaryNumber, law.Source(policy.OrdinaryNumber))
	}
}
