package config

import (
	"fmt"
	"math/big"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/risposta/gateway/metering/numbering"
	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/tariff"
)

// The bounds of the exemption's times.
const (
	maxCache     = time.Hour
	minSettleFor = time.Minute
	maxSettleFor = 180 * 24 * time.Hour
)

func (l *loader) checkExemption(e Exemption) {
	if t := e.Timeout; t < minTimeout || t > maxTimeout {
		l.wrong("exemption.timeout", "%s is not from %s to %s", t, minTimeout, maxTimeout)
	}
	if e.Cache < 0 || e.Cache > maxCache {
		l.wrong("exemption.cache", "%s is not from 0s to %s", e.Cache, maxCache)
	}
	if e.SettleFor < minSettleFor || e.SettleFor > maxSettleFor {
		l.wrong("exemption.settle_for", "%s is not from %s to %s", e.SettleFor, minSettleFor, maxSettleFor)
	}
	if _, err := time.LoadLocation(e.Zone); err != nil || e.Zone == "Local" {
		l.wrong("exemption.zone", "%q is no time zone such as Europe/Rome", e.Zone)
	}
	if e.SQL.Query == "" && (e.SQL.DSNFile != "" || !e.SQL.DSN.Empty()) {
		l.wrong("exemption.sql.query", "missing: such as SELECT true, ref, valid_until FROM exempt WHERE number = $1 AND valid_from <= $2 AND valid_until > $2")
	}
	if e.HTTP == (HTTP{}) {
		return
	}
	u, err := url.Parse(e.HTTP.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		l.wrong("exemption.http.url", "%q is not an address such as https://registry.example/exempt", e.HTTP.URL)
	case u.User != nil:
		l.wrong("exemption.http.url", "holds a user or a password: use token_file")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		l.wrong("exemption.http.url", "%q carries callers' numbers over the network in clear: use https", e.HTTP.URL)
	case e.HTTP.CAFile != "" && u.Scheme != "https":
		l.wrong("exemption.http.ca_file", "has no use without an https url")
	}
}

var extension = regexp.MustCompile(`^[0-9?]{1,8}$`)

var language = regexp.MustCompile(`^[a-z]{2}(_[A-Z]{2})?$`)

// checkLaw refuses what the law forbids: prices where there may be none, numbers that may carry none.
func (l *loader) checkLaw(c *Config) {
	for i, e := range c.Extensions {
		if !extension.MatchString(e) {
			l.wrong(fmt.Sprintf("extensions[%d]", i), "%q is not an extension such as 101 or 10??: digits and ?, 8 at most; a pattern of any length could hide numbers of the world outside", e)
		}
	}
	if !language.MatchString(c.FrontDesk.Language) {
		l.wrong("front_desk.language", "%q is not a language such as it or en", c.FrontDesk.Language)
	}
	if w := c.FrontDesk.WithoutConsent; w != HangUp && w != Free {
		l.wrong("front_desk.without_consent", "%q is neither hangup nor free", w)
	}
	law, err := c.Policy()
	if err != nil {
		l.wrong("law", "%s", strings.TrimPrefix(err.Error(), "law: "))
		return
	}
	basic, ok := new(big.Rat).SetString(c.Law.BasicRate)
	if !ok || basic.Sign() < 0 || !amount.MatchString(c.Law.BasicRate) {
		l.wrong("law.basic_rate", "%q is not an amount such as 0.10", c.Law.BasicRate)
		return
	}
	dearest := map[string]*big.Rat{}
	for _, t := range c.Tariffs {
		p := t.Price()
		if p.Validate() != nil {
			return // that is said elsewhere
		}
		if d := p.Dearest(); dearest[t.Name] == nil || d.Cmp(dearest[t.Name]) > 0 {
			dearest[t.Name] = d
		}
	}
	plan := c.Plan()
	for i, s := range c.Services {
		price := dearest[s.Tariff]
		if price == nil || price.Sign() == 0 {
			continue
		}
		l.checkPriced(fmt.Sprintf("services[%d]", i), s, price, basic, law, plan)
	}
}

var amount = regexp.MustCompile(`^[0-9]{1,6}(\.[0-9]{1,6})?$`)

func (l *loader) checkPriced(key string, s Service, price, basic *big.Rat, law policy.Policy, plan *numbering.Plan) {
	if r := law.NoPrice(); r != "" {
		hint := ""
		if law.Name == policy.Strictest {
			hint = "; law.policy is strictest, the rules of every country at once: name the one under whose law you charge, such as it"
		}
		l.wrong(key+".tariff", "policy %s allows this service no price: rule %s, %s%s", law.Name, r, law.Source(r), hint)
	}
	if s.AfterSales && law.Has(policy.BasicRate) && price.Cmp(basic) > 0 {
		l.wrong(key+".tariff", "policy %s lets an after-sales line cost no more than law.basic_rate, %s: rule %s, %s",
			law.Name, basic.FloatString(tariff.MinorDigits), policy.BasicRate, law.Source(policy.BasicRate))
	}
	if s.DID == "" {
		l.wrong(key+".did", "missing: the number that callers dial from outside, such as +390612345678: of a number of no known kind nothing may be charged")
		return
	}
	if kind := plan.Public(s.DID); !law.Carries(string(kind)) {
		l.wrong(key+".did", "is of kind %s, which may carry no charge under policy %s: rule %s, %s", kind, law.Name, policy.OrdinaryNumber, law.Source(policy.OrdinaryNumber))
	}
}
