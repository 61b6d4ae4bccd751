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
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/exemption/registry"
)

// exemptCommand manages the register, beside a running gateway or without one. A change counts from
// the next lookup on.
type exemptCommand struct {
	Init   exemptInit   `cmd:"" help:"Make the register, or accept the one that is there as the right one."`
	Add    exemptAdd    `cmd:"" help:"Add an entitlement."`
	Import exemptImport `cmd:"" help:"Add all entitlements of a CSV file, or none."`
	Revoke exemptRevoke `cmd:"" help:"End an entitlement and its code."`
	List   exemptList   `cmd:"" help:"List the entitlements that are in force, without numbers."`
	Log    exemptLog    `cmd:"" help:"List the changes of the register: who, what, when."`
	Expire exemptExpire `cmd:"" help:"Delete entitlements that ended long ago."`
	Keys   exemptKeys   `cmd:"" help:"List the keys of callers.key_file, and which of them are still needed."`
}

// openedRegistry is the register of a configuration, and what it needs to read days and numbers.
type openedRegistry struct {
	*registry.Registry
	conf *config.Config
	zone *time.Location // whose days entitlements begin and end by
}

// registerConfig is a configuration that names a register.
func (f configFlag) registerConfig(io streams) (*config.Config, error) {
	conf, err := config.Load(f.Config, io.environ, config.CallersKey)
	if err != nil {
		return nil, usage{err}
	}
	if conf.Exemption.Registry == "" {
		return nil, usage{errors.New("exemption.registry: missing: " +
			"this configuration has other exemption lookups, and no register of the gateway's own")}
	}
	return conf, nil
}

func (f configFlag) openRegistry(ctx context.Context, io streams) (r openedRegistry, err error) {
	if r.conf, err = f.registerConfig(io); err != nil {
		return r, err
	}
	if r.zone, err = time.LoadLocation(r.conf.Exemption.Zone); err != nil {
		return r, err
	}
	r.Registry, err = lookups.Register(ctx, r.conf)
	return r, err
}

// today is the first instant of the present day.
func (r openedRegistry) today() time.Time {
	y, m, d := time.Now().In(r.zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, r.zone)
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
	Number   string `arg:"" optional:"" help:"- reads the caller's number from standard input."`
	Visible  bool   `name:"number-on-command-line" help:"Take the number itself as the argument."`
}

// Help explains the dash.
func (exemptAdd) Help() string {
	return "A number on the command line stands in the shell's history and in the list of processes."
}

// number reads the caller's number; "" where there is none.
func (c exemptAdd) number() (string, error) {
	switch {
	case c.Number == "" || c.Number != "-" && c.Visible:
		return c.Number, nil
	case c.Number != "-":
		return "", usage{errors.New("a number does not belong on the command line, where others can " +
			"read it: give - and write it to standard input, or add --number-on-command-line")}
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && line == "" {
		return "", fmt.Errorf("reading the number: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// Run adds one entitlement.
func (c exemptAdd) Run(ctx context.Context, io streams) (err error) {
	text, err := c.number()
	if err != nil {
		return err
	}
	r, err := c.openRegistry(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	g := registry.Grant{Entitlement: registry.Entitlement{Ref: c.Ref, Category: c.Category}}
	if text != "" {
		g.Number, err = r.ReadNumber(text)
		if err != nil {
			return usage{fmt.Errorf("number: %w", err)}
		}
	}
	if g.From, err = r.day("--from", c.From, r.today()); err != nil {
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
	refs, err := r.Add(ctx, lookups.Author(), g)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.stdout, "entitlement %s is in the register\n", refs[0])
	if c.Code {
		fmt.Fprintf(io.stdout, "its code is %s\n", g.Code)
	}
	return nil
}

type exemptInit struct{ configFlag }

// Help says when it is needed.
func (exemptInit) Help() string {
	return "The first run makes the register. Later one that is missing, or is another than the ledger " +
		"knows, is not used before this command: its callers would be charged."
}

// Run makes or accepts the register.
func (c exemptInit) Run(ctx context.Context, io streams) error {
	conf, err := c.registerConfig(io)
	if err != nil {
		return err
	}
	made, err := lookups.Init(ctx, conf)
	if err != nil {
		return err
	}
	what := "accepted as it is"
	if made {
		what = "new and empty"
	}
	_, err = fmt.Fprintf(io.stdout, "the register %s is %s\n", conf.Exemption.Registry, what)
	return err
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
	until, err := r.day("--on", c.On, time.Now())
	if err != nil {
		return err
	}
	if err := r.Revoke(ctx, lookups.Author(), c.Ref, until); err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.stdout, "entitlement %s ends at %s; earlier calls stay exempt\n",
		c.Ref, until.In(r.zone).Format(time.RFC3339))
	return err
}
