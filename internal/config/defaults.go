package config

import (
	"path/filepath"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering/policy"
)

const defaultProbeEvery = 10 * time.Second

// defaults sets the keys that are not given.
func (c *Config) defaults() {
	for i := range c.PBX {
		p := &c.PBX[i]
		set(&p.Name, p.URL)
		set(&p.Application, ari.DefaultApplication)
		set(&p.ProbeEvery, defaultProbeEvery)
		if p.Listen.Address != "" {
			set(&p.Listen.Username, "risposta")
		}
	}
	for i := range c.Services {
		set(&c.Services[i].Name, c.Services[i].Number)
		set(&c.Services[i].Choice, ChoiceQueue)
	}
	set(&c.Admin.Listen, "127.0.0.1:9108")
	set(&c.Admin.Username, "risposta")
	if c.Ledger.File != "" {
		set(&c.Ledger.KeyFile, c.Ledger.File+".key")
	}
	set(&c.Ledger.KeepMonths, 6)
	set(&c.Ledger.SignEvery, time.Hour)
	set(&c.Ledger.CommitEvery, 100*time.Millisecond)
	for i := range c.Delivery {
		c.Delivery[i].defaults()
	}
	c.NATS.defaults()
	c.meterDefaults()
	set(&c.Tap.JournalBytes, 1<<30)
	c.Quality.defaults()
	set(&c.Log.Format, "json")
	set(&c.Log.Level, "info")
	if len(c.Callers.Attestation) > 0 {
		set(&c.Exemption.ByNumber, NumberTrusted)
	}
	c.Exemption.defaults(c.Ledger.File)
	set(&c.Law.Policy, policy.Strictest)
	set(&c.Law.Sector, policy.SectorOther)
	set(&c.Law.BasicRate, "0")
	set(&c.FrontDesk.Language, "it")
	set(&c.FrontDesk.WithoutConsent, HangUp)
	set(&c.FrontDesk.Pace, NormalPace)
}

// given reports whether there is a lookup.
func (e *Exemption) given() bool {
	return e.Registry != "" || e.CSV != "" || e.SQL.Query != "" || e.HTTP.URL != ""
}

func (e *Exemption) defaults(ledger string) {
	if ledger != "" && !e.given() {
		set(&e.Registry, filepath.Join(filepath.Dir(ledger), "exempt.db"))
	}
	set(&e.Zone, "UTC")
	set(&e.ByNumber, NumberAny)
	set(&e.Timeout, 2*time.Second)
	set(&e.Cache, time.Minute)
	set(&e.GiveUpAfter, 30*24*time.Hour)
}

// set gives a key its default where it has no value.
func set[T comparable](key *T, value T) {
	var none T
	if *key == none {
		*key = value
	}
}
