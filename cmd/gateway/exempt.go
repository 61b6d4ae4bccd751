package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/exemption/registry"
)

// exemptCommand manages the register, beside a running gateway or without one. A change counts from
// the next lookup on.
type exemptCommand struct {
	Add    exemptAdd    `cmd:"" help:"Add an entitlement."`
	Import exemptImport `cmd:"" help:"Add all entitlements of a CSV file, or none."`
	Revoke exemptRevoke `cmd:"" help:"End an entitlement."`
	List   exemptList   `cmd:"" help:"List the entitlements that are in force, without numbers."`
	Expire exemptExpire `cmd:"" help:"Delete entitlements that ended long ago."`
	Keys   exemptKeys   `cmd:"" help:"List the keys of callers.key_file, and which of them are still needed."`
}

// openedRegistry is the register of a configuration, and what it needs to read days and numbers.
type openedRegistry struct {
	*registry.Registry
	conf *config.Config
	zone *time.Location // whose days entitlements begin and end by
}

func (f configFlag) openRegistry(ctx context.Context, io streams) (r openedRegistry, err error) {
	if r.conf, err = config.Load(f.Config, io.environ, config.CallersKey); err != nil {
		return r, usage{err}
	}
	if r.conf.Exemption.Registry == "" {
		return r, usage{errors.New("exemption.registry: missing: " +
			"this configuration has other exemption lookups, and no register of the gateway's own")}
	}
	if r.zone, err = time.LoadLocation(r.conf.Exemption.Zone); err != nil {
		return r, err
	}
	pseudonyms, err := r.conf.Pseudonyms()
	if err != nil {
		return r, err
	}
	r.Registry, err = registry.Open(ctx, r.conf.Exemption.Registry, pseudonyms)
	return r, err
}

// day is the first instant of a day, or fallback where text is "".
func (r openedRegistry) day(flag, text string, fallback time.Time) (time.Time, error) {
	if text == "" {
		return fallback, nil
	}
	t, err := exemption.ParseDay(text, r.zone)
	if err != nil {
		return t, usage{fmt.Errorf("%s: %w", flag, err)}
	}
	return t, nil
}

type exemptAdd struct {
	configFlag
	From     string `help:"The first day (default: today). A past day credits the calls since then." placeholder:"DAY"`
	Until    string `help:"The last day (default: no end), such as 2026-12-31." placeholder:"DAY"`
	Ref      string `help:"An opaque reference (default: a random one)." placeholder:"TEXT"`
	Category string `help:"Why the caller is exempt. It never leaves the register." placeholder:"TEXT"`
	Code     bool   `help:"Also make an exemption code, for calls from other phones. It is printed only once."`
	Number   string `arg:"" optional:"" help:"The caller's number; - reads it from standard input."`
}

// Help explains the dash.
func (exemptAdd) Help() string {
	return "A number on standard input does not stand in the shell's history."
}

// Run adds one entitlement.
func (c exemptAdd) Run(ctx context.Context, io streams) (err error) {
	r, err := c.openRegistry(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if c.Number == "-" {
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && line == "" {
			return fmt.Errorf("reading the number: %w", err)
		}
		c.Number = strings.TrimSpace(line)
	}
	now := time.Now()
	y, m, day := now.In(r.zone).Date()
	today := time.Date(y, m, day, 0, 0, 0, 0, r.zone)
	g := registry.Grant{
		Entitlement: registry.Entitlement{Ref: c.Ref, Category: c.Category},
	}
	if c.Number != "" {
		if g.Number, err = r.conf.NumberReader().Listed(c.Number); err != nil {
			return usage{fmt.Errorf("number: %w", err)}
		}
	}
	if g.From, err = r.day("--from", c.From, today); err != nil {
		return err
	}
	if g.Until, err = r.day("--until", c.Until, time.Time{}); err != nil {
		return err
	}
	if !g.Until.IsZero() {
		g.Until = g.Until.AddDate(0, 0, 1)
	}
	if c.Code {
		if g.Code, err = registry.NewCode(); err != nil {
			return err
		}
	}
	refs, err := r.Add(ctx, now, g)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.stdout, "entitlement %s is in the register\n", refs[0])
	if c.Code {
		fmt.Fprintf(io.stdout, "its code is %s\n", g.Code)
	}
	return nil
}

type exemptImport struct {
	configFlag
	File string `arg:"" help:"A CSV file with the columns number,from,until,ref,category." type:"existingfile"`
}

// maxBadRows bounds the rows that are printed of one file.
const maxBadRows = 1000

// Run adds all rows or none, and prints each bad row.
func (c exemptImport) Run(ctx context.Context, io streams) (err error) {
	r, err := c.openRegistry(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	grants, err := registry.ReadCSV(f, r.conf.Callers.CountryCode, r.zone)
	if cerr := f.Close(); cerr != nil {
		return errors.Join(err, cerr)
	}
	if err != nil {
		lines := strings.Split(err.Error(), "\n")
		for _, line := range lines[:min(len(lines), maxBadRows)] {
			fmt.Fprintf(io.stdout, "%s: %s\n", c.File, line)
		}
		return fmt.Errorf("%d bad rows: nothing was imported", len(lines))
	}
	if _, err := r.Add(ctx, time.Now(), grants...); err != nil {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	fmt.Fprintf(io.stdout, "%d entitlements imported\n", len(grants))
	return nil
}

type exemptRevoke struct {
	configFlag
	On  string `help:"The first day without the exemption (default: from now on)." placeholder:"DAY"`
	Ref string `arg:"" help:"The entitlement's reference."`
}

// Run ends one entitlement.
func (c exemptRevoke) Run(ctx context.Context, io streams) (err error) {
	r, err := c.openRegistry(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	now := time.Now()
	until, err := r.day("--on", c.On, now)
	if err != nil {
		return err
	}
	if err := r.Revoke(ctx, c.Ref, until, now); err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.stdout, "entitlement %s ends at %s; earlier calls stay exempt\n",
		c.Ref, until.In(r.zone).Format(time.RFC3339))
	return err
}

type exemptList struct {
	configFlag
	All      bool `help:"Also list those that have ended or not begun."`
	Category bool `help:"Print the categories. They are personal data."`
}

// Run prints a line for each entitlement: reference, first and last day, category where asked for.
func (c exemptList) Run(ctx context.Context, io streams) (err error) {
	r, err := c.openRegistry(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	at := time.Now()
	if c.All {
		at = time.Time{}
	}
	return r.List(ctx, at, func(e registry.Entitlement) error {
		until := "without end"
		if !e.Until.IsZero() {
			until = "until " + e.Until.In(r.zone).Format(time.RFC3339)
		}
		line := fmt.Sprintf("%s  from %s  %s", e.Ref, e.From.In(r.zone).Format(time.DateOnly), until)
		if !e.Revoked.IsZero() {
			line += "  revoked " + e.Revoked.In(r.zone).Format(time.DateOnly)
		}
		if c.Category {
			line += "  " + e.Category
		}
		_, err := fmt.Fprintln(io.stdout, line)
		return err
	})
}

type exemptExpire struct {
	configFlag
	Before string `help:"Delete those that ended before this day (default: ledger.keep_months ago)." placeholder:"DAY"`
}

// Run deletes what ended long ago.
func (c exemptExpire) Run(ctx context.Context, io streams) (err error) {
	r, err := c.openRegistry(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	before, err := r.day("--before", c.Before, r.conf.Ledger.EraseBefore(time.Now()))
	if err != nil {
		return err
	}
	n, err := r.Expire(ctx, before)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.stdout, "%d entitlements that ended before %s deleted\n",
		n, before.In(r.zone).Format(time.DateOnly))
	return err
}

type exemptKeys struct{ configFlag }

// Run prints the keys in the order of the key file, and how many entitlements need each.
func (c exemptKeys) Run(ctx context.Context, io streams) (err error) {
	r, err := c.openRegistry(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	uses, err := r.Keys(ctx)
	if err != nil {
		return err
	}
	for i, u := range uses {
		age := "former"
		if i == 0 {
			age = "current"
		}
		fmt.Fprintf(io.stdout, "%s key %s: %d pseudonyms, %d entitlements under this key alone\n",
			age, u.ID, u.Pseudonyms, u.Only)
	}
	return nil
}
