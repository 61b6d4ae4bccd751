package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/gateway"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/policy"
)

type checkCommand struct {
	configFlag
	Offline bool `help:"Look at the configuration only, not at the PBX."`
}

var errFindings = errors.New("check found what must be mended")

// Run prints what it finds, a line each: "ok" or "WRONG", where, what.
func (c checkCommand) Run(ctx context.Context, io streams) error {
	conf, err := c.load(io)
	if err != nil {
		return err
	}
	r := &report{io: io}
	r.say(false, c.Config, "the configuration is complete")
	c.exemption(ctx, conf, r)
	if info, err := os.Stat(conf.Ledger.File); err == nil && info.Mode().Perm()&0o077 != 0 {
		r.say(true, "ledger.file", "%s is readable by others (%s): chmod 600", conf.Ledger.File, info.Mode().Perm())
	}
	if !c.Offline {
		c.pbxs(ctx, conf, r)
	}
	if r.bad > 0 {
		return fmt.Errorf("%w: %d", errFindings, r.bad)
	}
	return nil
}

// exemption opens what is asked whether callers are exempt, and asks it about a number that nobody has.
func (c checkCommand) exemption(ctx context.Context, conf *config.Config, r *report) {
	l, err := existingLookups(ctx, conf)
	if err != nil {
		r.say(true, "exemption", "%v", err)
		return
	}
	_, err = l.Exempt(ctx, metering.NewNumber("+99900000000", ""), time.Now())
	if err = errors.Join(err, l.Close()); err != nil {
		r.say(true, "exemption", "%v", err)
		return
	}
	r.say(false, "exemption", "whoever is asked answers")
}

func (c checkCommand) pbxs(ctx context.Context, conf *config.Config, r *report) {
	plan := expected(conf)
	nodes := map[string]string{}
	for _, p := range conf.PBX {
		access := native.Config{URL: p.URL, Username: p.Username, Password: p.Password.Reveal(), Application: p.Application}
		if p.CAFile != "" {
			var err error
			if access.CA, err = gateway.Trust(p.CAFile); err != nil {
				r.say(true, p.Name, "%v", err)
				continue
			}
		}
		info, found, err := native.Inspect(ctx, access, plan)
		if info.Node != "" {
			r.say(false, p.Name, "Asterisk %s answers as %s (systemname %q)", info.Version, info.Node, info.SystemName)
		}
		for _, f := range found {
			r.say(f.Bad, p.Name, "%s", f.Text)
		}
		if err != nil {
			r.say(true, p.Name, "%v", err)
			continue
		}
		if other, ok := nodes[info.Node]; ok {
			r.say(true, p.Name, "has the same id %s as %s: set entityid in asterisk.conf, another one on each", info.Node, other)
		}
		nodes[info.Node] = p.Name
	}
}

// expected is what the configuration expects of each PBX.
func expected(conf *config.Config) native.Plan {
	plan := native.Plan{Language: conf.FrontDesk.Language}
	for _, s := range conf.Services {
		plan.Entries = append(plan.Entries, native.Entry{Service: s.Name, Number: s.Number, Context: s.Context})
	}
	var currencies []string
	for _, t := range conf.Tariffs {
		if !slices.Contains(currencies, t.Currency) {
			currencies = append(currencies, t.Currency)
		}
	}
	plan.Prompts = frontdesk.Prompts(currencies)
	if law, err := conf.Policy(); err == nil { // a configuration that is loaded has one
		plan.NeedsAnnouncement = len(currencies) > 0 && (law.Has(policy.Announced) || law.Has(policy.Consent))
	}
	return plan
}

// report prints findings and counts the bad ones.
type report struct {
	io  streams
	bad int
}

func (r *report) say(bad bool, where, format string, args ...any) {
	word := "ok   "
	if bad {
		word = "WRONG"
		r.bad++
	}
	fmt.Fprintf(r.io.stdout, "%s  %s: %s\n", word, where, fmt.Sprintf(format, args...))
}
