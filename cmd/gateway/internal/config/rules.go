package config

import (
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/cmd/gateway/internal/pipeline"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

// Rules turns the configuration into what the pipeline asks. c must have come from Load.
func (c *Config) Rules() (pipeline.Rules, error) {
	operators, err := pipeline.NewGlobs(c.Operators...)
	if err != nil {
		return pipeline.Rules{}, fmt.Errorf("operators: %w", err)
	}
	names, err := metering.NewPseudonyms([]byte(c.Callers.Key.Reveal()))
	if err != nil {
		return pipeline.Rules{}, fmt.Errorf("callers.key: %w", err)
	}
	type entry struct {
		name    string
		callers pipeline.Globs
	}
	entries := map[[2]string]entry{}
	books := map[string]tariff.Book{}
	for _, s := range c.Services {
		e := entry{name: s.Name}
		if e.callers, err = pipeline.NewGlobs(s.Callers...); err != nil {
			return pipeline.Rules{}, fmt.Errorf("services: %s: callers: %w", s.Name, err)
		}
		entries[[2]string{s.Context, s.Number}] = e
		if books[s.Name], err = c.book(s.Tariff); err != nil {
			return pipeline.Rules{}, fmt.Errorf("tariffs: %s: %w", s.Tariff, err)
		}
	}
	return pipeline.Rules{
		Service: func(ch ari.Channel) (string, bool) {
			e, ok := entries[[2]string{ch.Context, ch.Exten}]
			if ok && len(e.callers.Patterns()) > 0 && !e.callers.Match(ch.Endpoint()) {
				return "", false
			}
			return e.name, ok
		},
		Operators: operators,
		Terms: func(service string, arrived time.Time) metering.Terms {
			return metering.Terms{Tariff: books[service].At(arrived)}
		},
		Pseudonym:    names.Of,
		CountryCode:  c.Callers.CountryCode,
		AskExemption: c.Exemption.CSV != "",
	}, nil
}

// book gathers the prices of a name.
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
