// Package lookups opens every exemption lookup that the configuration names.
//
// In: a checked [config.Config]. Out: one [exemption.Lookup], each part behind its own
// [exemption.Guard], and the gateway's own [registry.Registry] where the configuration names one.
// It asks no lookup itself.
package lookups

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/exemption/csv"
	exempthttp "github.com/risposta/gateway/metering/exemption/http"
	"github.com/risposta/gateway/metering/exemption/registry"
	"github.com/risposta/gateway/metering/exemption/sql"
)

// Lookups are the open lookups of a configuration. One yes among them is a yes.
type Lookups struct {
	exemption.Lookup
	Registry *registry.Registry // nil where the configuration names none
	closers  []func() error
}

// Open opens every lookup. The register may be unusable ([registry.Registry.Usable]). observer gets
// what the guards do. An error names the lookup that could not be opened.
func Open(ctx context.Context, c *config.Config, observer exemption.Observer) (*Lookups, error) {
	l := &Lookups{}
	if err := l.open(ctx, c, observer); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// OpenExisting is [Open] for a command that only reads: it leaves out a register that the first run
// is still to make.
func OpenExisting(ctx context.Context, c *config.Config) (*Lookups, error) {
	existing := *c
	if !exists(existing.Exemption.Registry) {
		there, err := hasLedger(ctx, c)
		if err != nil {
			return nil, err
		}
		if !there {
			existing.Exemption.Registry = ""
		}
	}
	return Open(ctx, &existing, exemption.Observer{})
}

func (l *Lookups) open(ctx context.Context, c *config.Config, observer exemption.Observer) error {
	e := c.Exemption
	var all exemption.AnyOf
	add := func(name string, lookup exemption.Lookup, cache time.Duration) error {
		limits := exemption.Limits{Name: name, Timeout: e.Timeout, Cache: cache}
		g, err := exemption.Guard(lookup, limits, observer)
		if err != nil {
			return err
		}
		l.closers = append(l.closers, func() error { g.Close(); return nil })
		all = append(all, g)
		return nil
	}
	var errs []error
	// Nothing is cached of the registry and the CSV file: they are on this machine and answer at once,
	// and a change to them counts at once.
	if e.Registry != "" {
		var err error
		if l.Registry, err = Register(ctx, c); err != nil {
			return err
		}
		l.closers = append(l.closers, l.Registry.Close)
		errs = append(errs, add("registry", l.Registry, 0))
	}
	if e.CSV != "" {
		zone, err := time.LoadLocation(e.Zone)
		if err != nil {
			return err
		}
		file, err := csv.Open(ctx, e.CSV, c.Callers.CountryCode, zone)
		if err != nil {
			return err
		}
		errs = append(errs, add("csv", file, 0))
	}
	if e.SQL.Query != "" {
		db, err := sql.Open(ctx, e.SQL.DSN.Reveal(), e.SQL.Query)
		if err != nil {
			return err
		}
		l.closers = append(l.closers, func() error { db.Close(); return nil })
		errs = append(errs, add("sql", db, e.Cache))
	}
	if e.HTTP.URL != "" {
		service, err := l.openHTTP(e.HTTP)
		if err != nil {
			return err
		}
		errs = append(errs, add("http", service, e.Cache))
	}
	l.Lookup = all
	return errors.Join(errs...)
}

func (l *Lookups) openHTTP(c config.HTTP) (*exempthttp.Service, error) {
	var ca *x509.CertPool
	if c.CAFile != "" {
		var err error
		if ca, err = config.CertPool(c.CAFile); err != nil {
			return nil, fmt.Errorf("exemption.http: %w", err)
		}
	}
	service := exempthttp.New(exempthttp.Config{URL: c.URL, Token: c.Token.Reveal(), CA: ca})
	l.closers = append(l.closers, func() error { service.Close(); return nil })
	return service, nil
}

// Close closes the lookups, the last one first.
func (l *Lookups) Close() error {
	var errs []error
	for i := len(l.closers) - 1; i >= 0; i-- {
		errs = append(errs, l.closers[i]())
	}
	l.closers = nil
	return errors.Join(errs...)
}
