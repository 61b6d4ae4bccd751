// Package lookups opens everything that the configuration names to be asked whether a caller is exempt.
//
// In: a checked configuration. Out: one exemption.Lookup, each part behind a guard of its own, and the register where it is one of them.
// It asks nothing itself.
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

// Lookups are all that the configuration names to be asked whether a caller is exempt.
type Lookups struct {
	exemption.Lookup
	Registry *registry.Registry // nil where it is not asked
	closers  []func() error
}

// Open opens them, each behind a guard of its own. Nothing is asked yet.
func Open(ctx context.Context, c *config.Config, watch exemption.Watch) (*Lookups, error) {
	l := &Lookups{}
	if err := l.open(ctx, c, watch); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Lookups) open(ctx context.Context, c *config.Config, watch exemption.Watch) error {
	var all exemption.AnyOf
	add := func(name string, lookup exemption.Lookup, cache time.Duration) error {
		g, err := exemption.Guard(lookup, exemption.Limits{Name: name, Timeout: c.Exemption.Timeout, Cache: cache}, watch)
		if err != nil {
			return err
		}
		l.closers = append(l.closers, func() error { g.Close(); return nil })
		all = append(all, g)
		return nil
	}
	e := c.Exemption
	var errs []error
	// What is on this machine is asked each time: it answers at once, and what is entered there counts at once.
	if e.Registry != "" {
		names, err := c.Names()
		if err != nil {
			return err
		}
		if l.Registry, err = registry.Open(ctx, e.Registry, names); err != nil {
			return err
		}
		l.closers = append(l.closers, l.Registry.Close)
		errs = append(errs, add("registry", l.Registry, 0))
	}
	if e.CSV != "" {
		file, err := csv.Open(e.CSV, c.Callers.CountryCode)
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
		var ca *x509.CertPool
		if e.HTTP.CAFile != "" {
			var err error
			if ca, err = config.CertPool(e.HTTP.CAFile); err != nil {
				return fmt.Errorf("exemption.http: %w", err)
			}
		}
		service := exempthttp.New(exempthttp.Config{URL: e.HTTP.URL, Token: e.HTTP.Token.Reveal(), CA: ca})
		l.closers = append(l.closers, func() error { service.Close(); return nil })
		errs = append(errs, add("http", service, e.Cache))
	}
	l.Lookup = all
	return errors.Join(errs...)
}

// Close closes what was opened, the last first.
func (l *Lookups) Close() error {
	var errs []error
	for i := len(l.closers) - 1; i >= 0; i-- {
		errs = append(errs, l.closers[i]())
	}
	l.closers = nil
	return errors.Join(errs...)
}
