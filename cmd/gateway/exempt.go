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
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption/registry"
)

// exemptCommand keeps the register, beside a running gateway or without one. What it changes counts from the next question on.
type exemptCommand struct {
	Add    exemptAdd    `cmd:"" help:"Add an entitlement."`
	Import exemptImport `cmd:"" help:"Add all entitlements of a CSV file, or none."`
	Revoke exemptRevoke `cmd:"" help:"End an entitlement."`
	List   exemptList   `cmd:"" help:"List the entitlements that are in force, without numbers."`
	Expire exemptExpire `cmd:"" help:"Forget entitlements that ended long ago."`
	Keys   exemptKeys   `cmd:"" help:"Say which keys of callers.key_file are still needed."`
}

// desk is an open register, with what the configuration says about it.
type desk struct {
	*registry.Registry
	conf *config.Config
	zone *time.Location
}

func (f configFlag) register(ctx context.Context, io streams) (d desk, err error) {
	if d.conf, err = config.Load(f.Config, io.environ, config.CallersKey); err != nil {
		return d, usage{err}
	}
	if d.conf.Exemption.Registry == "" {
		return d, usage{errors.New("exemption.registry: missing: the configuration asks others, and names no register of the gateway's own")}
	}
	if d.zone, err = time.LoadLocation(d.conf.Exemption.Zone); err != nil {
		return d, err
	}
	names, err := d.conf.Names()
	if err != nil {
		return d, err
	}
	d.Registry, err = registry.Open(ctx, d.conf.Exemption.Registry, names)
	return d, err
}

// day is the first instant of a day, or fallback where text is "".
func (d desk) day(flag, text string, fallback time.Time) (time.Time, error) {
	if text == "" {
		return fallback, nil
	}
	t, err := registry.Day(text, d.zone)
	if err != nil {
		return t, usage{fmt.Errorf("%s: %w", flag, err)}
	}
	return t, nil
}

type exemptAdd struct {
	configFlag
	From     string `help:"The first day, such as 2026-01-31; today if left out. A day in the past refunds the calls since." placeholder:"DAY"`
	Until    string `help:"The last day; for ever if left out." placeholder:"DAY"`
	Ref      string `help:"An opaque reference; made if left out." placeholder:"TEXT"`
	Category string `help:"Why. It never leaves the register." placeholder:"TEXT"`
	Code     bool   `help:"Make an exemption code, too, for calls from other phones. It is printed once, and known to nobody afterwards."`
	Number   string `arg:"" optional:"" help:"The caller's number, or - to read it from standard input, so that it stands in no history."`
}

// Run adds one entitlement.
func (c exemptAdd) Run(ctx context.Context, io streams) (err error) {
	d, err := c.register(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if c.Number == "-" {
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && line == "" {
			return fmt.Errorf("reading the number: %w", err)
		}
		c.Number = strings.TrimSpace(line)
	}
	now := time.Now()
	y, m, day := now.In(d.zone).Date()
	g := registry.Grant{Number: metering.NewNumber(c.Number, d.conf.Callers.CountryCode), Entitlement: registry.Entitlement{Ref: c.Ref, Category: c.Category}}
	if c.Number != "" && g.Number.Withheld() {
		return usage{errors.New("number: not a telephone number")}
	}
	if g.From, err = d.day("--from", c.From, time.Date(y, m, day, 0, 0, 0, 0, d.zone)); err != nil {
		return err
	}
	if g.Until, err = d.day("--until", c.Until, time.Time{}); err != nil {
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
	refs, err := d.Add(ctx, now, g)
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

// maxBadRows bounds what is printed of a hopeless file.
const maxBadRows = 1000

// Run adds all or nothing, and names each bad row.
func (c exemptImport) Run(ctx context.Context, io streams) (err error) {
	d, err := c.register(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	grants, err := registry.ReadCSV(f, d.conf.Callers.CountryCode, d.zone)
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
	if _, err := d.Add(ctx, time.Now(), grants...); err != nil {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	fmt.Fprintf(io.stdout, "%d entitlements were imported\n", len(grants))
	return nil
}

type exemptRevoke struct {
	configFlag
	On  string `help:"The first day on which it no longer holds; from now on if left out." placeholder:"DAY"`
	Ref string `arg:"" help:"The entitlement's reference."`
}

// Run ends one entitlement.
func (c exemptRevoke) Run(ctx context.Context, io streams) (err error) {
	d, err := c.register(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	now := time.Now()
	until, err := d.day("--on", c.On, now)
	if err != nil {
		return err
	}
	if err := d.Revoke(ctx, c.Ref, until, now); err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.stdout, "entitlement %s ends at %s; calls of before stay exempt\n", c.Ref, until.In(d.zone).Format(time.RFC3339))
	return err
}

type exemptList struct {
	configFlag
	All      bool `help:"Those that are over or have not begun, too."`
	Category bool `help:"Print categories: for those only who keep the register."`
}

// Run lists entitlements: reference, first and last day, category where asked for.
func (c exemptList) Run(ctx context.Context, io streams) (err error) {
	d, err := c.register(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	at := time.Now()
	if c.All {
		at = time.Time{}
	}
	return d.List(ctx, at, func(e registry.Entitlement) error {
		until := "for ever"
		if !e.Until.IsZero() {
			until = "until " + e.Until.In(d.zone).Format(time.RFC3339)
		}
		line := fmt.Sprintf("%s  from %s  %s", e.Ref, e.From.In(d.zone).Format(time.DateOnly), until)
		if !e.Revoked.IsZero() {
			line += "  revoked " + e.Revoked.In(d.zone).Format(time.DateOnly)
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
	Before string `help:"Forget those that ended before this day; ledger.keep_months ago if left out." placeholder:"DAY"`
}

// Run forgets what ended long ago.
func (c exemptExpire) Run(ctx context.Context, io streams) (err error) {
	d, err := c.register(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	before, err := d.day("--before", c.Before, d.conf.Ledger.EraseBefore(time.Now()))
	if err != nil {
		return err
	}
	n, err := d.Expire(ctx, before)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.stdout, "%d entitlements that ended before %s are forgotten\n", n, before.In(d.zone).Format(time.DateOnly))
	return err
}

type exemptKeys struct{ configFlag }

// Run lists the keys of the key file in its order: what is known under each, and for how much it is needed.
func (c exemptKeys) Run(ctx context.Context, io streams) (err error) {
	d, err := c.register(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	uses, err := d.Keys(ctx)
	if err != nil {
		return err
	}
	for i, u := range uses {
		word := "former"
		if i == 0 {
			word = "present"
		}
		fmt.Fprintf(io.stdout, "%s key %s: %d names, %d entitlements known under no other\n", word, u.ID, u.Names, u.Only)
	}
	return nil
}
