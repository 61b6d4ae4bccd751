package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/numbering"
	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/quality"
	"github.com/risposta/gateway/metering/tariff"
)

// Rules are the mediator's rules. c must have come from [Load].
func (c *Config) Rules() (mediation.Rules, error) {
	operators, err := mediation.NewGlobs(c.Operators...)
	if err != nil {
		return mediation.Rules{}, fmt.Errorf("operators: %w", err)
	}
	pseudonyms, err := c.Pseudonyms()
	if err != nil {
		return mediation.Rules{}, err
	}
	law, err := c.Policy()
	if err != nil {
		return mediation.Rules{}, err
	}
	readCaller, err := c.callerReader()
	if err != nil {
		return mediation.Rules{}, err
	}
	plan := c.Plan()
	kinds := map[string]string{}
	type entry struct {
		name    string
		callers mediation.Globs
	}
	entries, normal := map[[2]string]entry{}, map[[2]string]entry{}
	contexts := map[string]bool{}
	books := map[string]tariff.Book{}
	hours, marked := map[string]quality.Hours{}, map[string]bool{}
	for _, s := range c.Services {
		e := entry{name: s.Name}
		if e.callers, err = mediation.NewGlobs(s.Callers...); err != nil {
			return mediation.Rules{}, fmt.Errorf("services: %s: callers: %w", s.Name, err)
		}
		entries[[2]string{s.Context, s.Number}] = e
		normal[[2]string{s.Context, dialledNumber(s.Number)}] = e
		contexts[s.Context] = true
		if s.DID != "" {
			kinds[s.Name] = string(plan.Public(s.DID))
		}
		marked[s.Name] = s.Choice == ChoiceMark
		if hours[s.Name], err = s.OpenHours(); err != nil {
			return mediation.Rules{}, fmt.Errorf("services: %s: %w", s.Name, err)
		}
		if books[s.Name], err = c.book(s.Tariff); err != nil {
			return mediation.Rules{}, fmt.Errorf("tariffs: %s: %w", s.Tariff, err)
		}
	}
	return mediation.Rules{
		Service: func(ch ari.Channel) (string, bool) {
			e, ok := entries[[2]string{ch.Context, ch.Exten}]
			if !ok {
				e, ok = normal[[2]string{ch.Context, dialledNumber(ch.Exten)}]
			}
			if ok && len(e.callers.Patterns()) > 0 && !e.callers.Match(ch.Endpoint()) {
				return "", false
			}
			return e.name, ok
		},
		ServiceContext: func(context string) bool { return contexts[context] },
		Operators:      operators,
		Terms: func(service string, arrived time.Time) metering.Terms {
			return metering.Terms{
				Tariff: books[service].At(arrived), Policy: law, NumberKind: kinds[service],
				OutsideHours: hours[service].Outside(arrived), ChoiceMarked: marked[service],
			}
		},
		NumberKind: func(endpoint, dialled string) string {
			return string(plan.Kind(endpoint, dialled))
		},
		RecordName:   recordName,
		Encrypt:      pseudonyms.Encrypt,
		Pseudonym:    pseudonyms.Of,
		ReadCaller:   readCaller,
		AskExemption: true,
	}, nil
}

// recordName is random: 100 bits, so that no two of a company's calls ever share one.
func recordName() string { return strings.ToLower(rand.Text()[:20]) }

// dialledNumber is the number in an extension as a carrier may write it: without the parameters of a
// tel URI, as in 1001;npdi;rn=+3906, and without the + of an international number.
func dialledNumber(exten string) string {
	number, _, _ := strings.Cut(exten, ";")
	return strings.TrimPrefix(number, "+")
}

// Pseudonyms makes callers' pseudonyms, and encrypts their numbers.
func (c *Config) Pseudonyms() (*metering.Pseudonyms, error) {
	pseudonyms, err := metering.ParseKeys(c.Callers.Key.Reveal())
	if err != nil {
		return nil, fmt.Errorf("callers.key: %w", err)
	}
	return pseudonyms, nil
}

// Policy is the law under which the services charge.
func (c *Config) Policy() (policy.Policy, error) {
	var also []policy.Rule
	for _, r := range c.Law.Also {
		also = append(also, policy.Rule(r))
	}
	p, err := policy.For(c.Law.Policy, c.Law.Sector, also)
	if err != nil {
		return p, fmt.Errorf("law: %w", err)
	}
	return p, nil
}

// Plan tells the kinds of numbers.
func (c *Config) Plan() *numbering.Plan {
	var services []string
	for _, s := range c.Services {
		services = append(services, s.Number)
	}
	return numbering.NewPlan(c.Callers.CountryCode, c.Extensions, services)
}

// book has the prices of one name.
func (c *Config) book(name string) (tariff.Book, error) {
	var prices []tariff.Dated
	for _, t := range c.Tariffs {
		if t.Name != name {
			continue
		}
		d, errs := t.dated()
		if len(errs) > 0 {
			return nil, errors.Join(errs...)
		}
		prices = append(prices, d)
	}
	return tariff.NewBook(prices)
}
