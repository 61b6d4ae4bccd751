// Package check finds what would make metering wrong, before a call does.
//
// In: a [config.Config] that has loaded. Out: a [Finding] for each thing that was looked at, good
// or bad. It changes nothing in the configuration, the ledger or the registry. It dials nothing at
// the PBX: [native.Inspect] says what it does there.
package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/gateway"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/tariff"
)

// Finding is the result of one check: ok where it neither failed nor is a note.
type Finding struct {
	Failed bool   // it must be put right before the gateway can be trusted
	Note   bool   // it could not be checked, or a reader must judge it
	Where  string // a key of the configuration, or the name of a PBX
	Text   string // one line; no number, no secret
}

// Checks are the checks of one configuration.
type Checks struct {
	conf  *config.Config
	found func(Finding)
	items func(pbx string, all []Item)
}

// New prepares the checks. found gets each finding as it is made, items what each PBX has.
func New(conf *config.Config, found func(Finding), items func(pbx string, all []Item)) Checks {
	return Checks{conf: conf, found: found, items: items}
}

func (c Checks) ok(where, format string, args ...any) {
	c.found(Finding{Where: where, Text: fmt.Sprintf(format, args...)})
}

func (c Checks) fail(where, format string, args ...any) {
	c.found(Finding{Failed: true, Where: where, Text: fmt.Sprintf(format, args...)})
}

func (c Checks) note(where, format string, args ...any) {
	c.found(Finding{Note: true, Where: where, Text: fmt.Sprintf(format, args...)})
}

// unusedNumber is no caller's: the country code 999 is assigned to no country.
const unusedNumber = "+99900000000"

// Machine checks what the configuration names on this machine: the ledger's permissions, how many
// callers' numbers in it were not understood, secrets that others can read, and the exemption lookups,
// each of which gets one question about a number that belongs to no caller.
func (c Checks) Machine(ctx context.Context) {
	now := time.Now()
	c.numbers(now)
	c.exemption(ctx)
	c.callers(ctx, now)
	file := c.conf.Ledger.File
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o077 != 0 {
		c.fail("ledger.file", "%s is readable by others (%s): chmod 600", file, info.Mode().Perm())
	}
	c.attestation()
	c.secrets()
}

func (c Checks) exemption(ctx context.Context) {
	const where = "exemption"
	all, err := lookups.OpenExisting(ctx, c.conf)
	if err != nil {
		c.fail(where, "%v", err)
		return
	}
	_, err = all.Exempt(ctx, metering.NewNumber(unusedNumber), time.Now())
	if err = errors.Join(err, all.Close()); err != nil {
		c.fail(where, "%v", err)
		return
	}
	c.ok(where, "all exemption lookups responded")
}

// attestation warns where every number exempts, also one that a stranger sends.
func (c Checks) attestation() {
	if c.conf.Exemption.ByNumber == config.NumberTrusted {
		return
	}
	text := "any: a caller who sends the number of an exempt person is exempt"
	if len(c.conf.Callers.Attestation) == 0 {
		text += "; callers.attestation names no trunk whose numbers somebody vouches for, so the front " +
			"desk announces the price to exempt callers too"
	}
	c.note("exemption.by_number", "%s", text)
}

// PBXs checks each PBX, that no two have the same id, and that each pattern of operators matches an
// endpoint.
func (c Checks) PBXs(ctx context.Context) {
	plan, err := c.plan(ctx)
	if err != nil {
		c.fail("pbx", "%v", err)
		return
	}
	var endpoints []string
	complete := true             // all endpoints of all PBXs are known
	named := map[string]string{} // id -> the PBX's name in the configuration
	for _, p := range c.conf.PBX {
		access, err := access(p)
		if err != nil {
			c.fail(p.Name, "%v", err)
			complete = false
			continue
		}
		report, err := native.Inspect(ctx, access, plan)
		info := report.Info
		endpoints = append(endpoints, report.Endpoints...)
		complete = complete && report.Endpoints != nil
		if info.Node != "" {
			c.ok(p.Name, "Asterisk %s responds as %s (systemname %q)",
				info.Version, info.Node, info.SystemName)
		}
		for _, f := range report.Findings {
			c.found(Finding{Failed: f.Bad, Note: f.Note, Where: p.Name, Text: f.Text})
		}
		if err != nil {
			c.fail(p.Name, "%v", err)
			continue
		}
		if other, ok := named[info.Node]; ok {
			c.fail(p.Name, "has the same id %s as %s: set a different entityid in each asterisk.conf",
				info.Node, other)
		}
		named[info.Node] = p.Name
		if items, err := c.inventory(report, plan, time.Now()); err == nil {
			c.items(p.Name, items)
		} else {
			c.fail(p.Name, "%v", err)
		}
	}
	c.patterns(endpoints, complete)
}

// access is how a PBX is reached.
func access(p config.PBX) (native.Config, error) {
	a := native.Config{
		URL: p.URL, Username: p.Username, Password: p.Password.Reveal(), Application: p.Application,
	}
	if p.CAFile == "" {
		return a, nil
	}
	ca, err := gateway.Trust(p.CAFile)
	a.CA = ca
	return a, err
}

// plan is what the configuration expects of each PBX.
func (c Checks) plan(ctx context.Context) (plan native.Plan, err error) {
	if plan.Operator, plan.Caller, err = c.roles(); err != nil {
		return plan, err
	}
	trust := c.conf.Trust()
	plan.Carrier = func(endpoint string) bool { return trust.By(endpoint) == config.ByTrunk }
	plan.Signed = func(endpoint string) bool { return trust.By(endpoint) == config.BySTIRSHAKEN }
	if plan.Queues, err = c.queues(ctx); err != nil {
		c.note("ledger.file", "not checked: queues that only earlier calls name: %v", err)
	}
	plan.Language = c.conf.FrontDesk.Language
	for _, s := range c.conf.Services {
		plan.Entries = append(plan.Entries,
			native.Entry{Service: s.Name, Number: s.Number, Context: s.Context})
	}
	currencies := map[string]int{}
	for _, t := range c.conf.Tariffs {
		currencies[t.Currency] = tariff.MinorDigits(t.Currency)
	}
	plan.Prompts = frontdesk.Prompts(currencies)
	if law, err := c.conf.Policy(); err == nil { // a configuration that has loaded has one
		announce := law.Has(policy.Announced) || law.Has(policy.Consent)
		plan.NeedsAnnouncement = len(currencies) > 0 && announce
		plan.WaitVoids = law.Has(policy.WaitVoids)
	}
	return plan, nil
}
