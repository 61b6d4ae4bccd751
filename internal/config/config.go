// Package config reads the gateway's configuration: one YAML file, overridden by the environment, strictly.
//
// In: a file and RISPOSTA_... variables. Out: a Config that needs no further checking, or a list of what is wrong, each as one line
// with file, line and key. An unknown key is wrong, an unknown RISPOSTA_ variable too. Secrets come from the environment or
// from a file of their own, never from the YAML. It opens no connection and starts nothing.
package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"
	_ "time/tzdata" // a machine may have no zones of its own

	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/tariff"
)

// Config is the whole configuration. The keys are explained in deploy/gateway.yaml.
type Config struct {
	PBX       []PBX     `yaml:"pbx"`
	Operators []string  `yaml:"operators"`
	Services  []Service `yaml:"services"`
	Tariffs   []Tariff  `yaml:"tariffs"`
	Law       Law       `yaml:"law"`
	// Extensions are patterns of the PBX's own extensions, to which a call may be led without a question: 10??.
	Extensions []string  `yaml:"extensions"`
	FrontDesk  FrontDesk `yaml:"front_desk"`
	Callers    Callers   `yaml:"callers"`
	Exemption  Exemption `yaml:"exemption"`
	Ledger     Ledger    `yaml:"ledger"`
	Admin      Admin     `yaml:"admin"`
	Log        Log       `yaml:"log"`
}

// PBX is one Asterisk.
type PBX struct {
	Name         string `yaml:"name"`
	URL          string `yaml:"url"`
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
	Password     Secret `yaml:"password"`
	Application  string `yaml:"application"`
	CAFile       string `yaml:"ca_file"`
	Listen       Listen `yaml:"listen"`
}

// Listen is where the PBX connects to us, in place of us to it. An empty address: it does not.
type Listen struct {
	Address      string `yaml:"address"`
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
	Password     Secret `yaml:"password"`
	CertFile     string `yaml:"cert_file"`
	KeyFile      string `yaml:"key_file"`
}

// Service is a metered service: what the caller dialled, and in which dialplan context the call comes in.
type Service struct {
	Name    string   `yaml:"name"`
	Number  string   `yaml:"number"`
	Context string   `yaml:"context"`
	Callers []string `yaml:"callers"` // endpoints that calls come from; none: any that is no operator's
	Tariff  string   `yaml:"tariff"`
	DID     string   `yaml:"did"` // the number that callers dial from outside
	// AfterSales: the line is for consumers about contracts that they have (CRD art. 21): no dearer than law.basic_rate.
	AfterSales bool `yaml:"after_sales"`
}

// Law says under whose law the services charge.
type Law struct {
	Policy    string   `yaml:"policy"`     // it, de, fr, es, uk, strictest
	Sector    string   `yaml:"sector"`     // other, telecom, tv
	Also      []string `yaml:"also"`       // rules added to the policy's
	BasicRate string   `yaml:"basic_rate"` // what a minute to an ordinary number costs callers
}

// FrontDesk says how Stasis(risposta,...) speaks with callers.
type FrontDesk struct {
	Language       string `yaml:"language"`        // where the dialplan names none
	WithoutConsent string `yaml:"without_consent"` // hangup, or free: what becomes of a caller who does not agree to the price
}

// The words of FrontDesk.WithoutConsent.
const (
	HangUp = "hangup"
	Free   = "free"
)

// Tariff is a price. Several of one name follow each other in time.
type Tariff struct {
	Name       string        `yaml:"name"`
	PerMinute  string        `yaml:"per_minute"`
	Increment  time.Duration `yaml:"increment"`
	Currency   string        `yaml:"currency"`
	ValidFrom  string        `yaml:"valid_from"`  // a day, such as 2026-01-01: from its first instant
	ValidUntil string        `yaml:"valid_until"` // a day: up to its first instant
	Zone       string        `yaml:"zone"`        // whose days, and whose clock the bands go by, such as Europe/Rome
	FreeSecs   int           `yaml:"free_seconds"`
	Cap        string        `yaml:"cap_per_call"`
	Bands      []Band        `yaml:"bands"`
}

// Band is a time of the week with a price of its own.
type Band struct {
	Name      string `yaml:"name"`
	Days      string `yaml:"days"`
	From      string `yaml:"from"`
	Until     string `yaml:"until"`
	PerMinute string `yaml:"per_minute"`
}

// dated is the tariff with the instants at which it begins and ends.
func (t Tariff) dated() (tariff.Dated, []error) {
	d := tariff.Dated{Tariff: t.Price()}
	var errs []error
	zone, err := time.LoadLocation(t.Zone)
	switch {
	case t.Zone == "" && t.ValidFrom+t.ValidUntil != "":
		return d, []error{errors.New("zone: missing: a day begins at another instant in each zone; such as Europe/Rome")}
	case err != nil || t.Zone == "Local":
		return d, []error{fmt.Errorf("zone: %q is no time zone such as Europe/Rome", t.Zone)}
	}
	for _, f := range []struct {
		key, text string
		at        *time.Time
	}{{"valid_from", t.ValidFrom, &d.From}, {"valid_until", t.ValidUntil, &d.Until}} {
		if f.text == "" {
			continue
		}
		if *f.at, err = time.ParseInLocation(time.DateOnly, f.text, zone); err != nil {
			errs = append(errs, fmt.Errorf("%s: %q is not a day such as 2026-01-01", f.key, f.text))
		}
	}
	return d, errs
}

// Price is the tariff as metering knows it.
func (t Tariff) Price() tariff.Tariff {
	p := tariff.Tariff{
		Name: t.Name, PerMinute: t.PerMinute, Increment: t.Increment, Currency: t.Currency, FreeSeconds: int64(t.FreeSecs), CapPerCall: t.Cap,
	}
	for _, b := range t.Bands {
		p.Bands, p.Zone = append(p.Bands, tariff.Band(b)), t.Zone
	}
	return p
}

// Callers says how callers' numbers are treated.
type Callers struct {
	KeyFile     string `yaml:"key_file"`
	Key         Secret `yaml:"key"`
	CountryCode string `yaml:"country_code"`
}

// Exemption says who is asked whether a caller is exempt: all that is named here, where none is, the register beside the ledger. One yes is enough.
type Exemption struct {
	Registry  string        `yaml:"registry"` // the file of the gateway's own register
	CSV       string        `yaml:"csv"`
	SQL       SQL           `yaml:"sql"`
	HTTP      HTTP          `yaml:"http"`
	Timeout   time.Duration `yaml:"timeout"`    // for one question
	Cache     time.Duration `yaml:"cache"`      // how long an answer is remembered at most
	SettleFor time.Duration `yaml:"settle_for"` // how long an unanswered question is asked again after the call
	Zone      string        `yaml:"zone"`       // whose days entitlements go by
}

// SQL is a query on the company's PostgreSQL.
type SQL struct {
	DSNFile string `yaml:"dsn_file"`
	DSN     Secret `yaml:"dsn"`
	Query   string `yaml:"query"`
}

// HTTP is the company's own service.
type HTTP struct {
	URL       string `yaml:"url"`
	TokenFile string `yaml:"token_file"`
	Token     Secret `yaml:"token"`
	CAFile    string `yaml:"ca_file"`
}

// Ledger is where records and evidence are kept.
type Ledger struct {
	File       string        `yaml:"file"`
	KeepMonths int           `yaml:"keep_months"` // of the callers' detail
	KeyFile    string        `yaml:"key_file"`    // of the key that signs the log's heads
	SealEvery  time.Duration `yaml:"seal_every"`
}

// EraseBefore is the instant before which calls must have arrived for their detail to go.
func (l Ledger) EraseBefore(now time.Time) time.Time { return now.UTC().AddDate(0, -l.KeepMonths, 0) }

// Admin is where health and metrics are served.
type Admin struct {
	Listen string `yaml:"listen"`
}

// Log says how the gateway speaks.
type Log struct {
	Format string `yaml:"format"`
	Level  string `yaml:"level"`
}

// Secret prints as [secret], whatever the verb.
type Secret struct{ value string }

// NewSecret wraps a secret.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the secret. Do not print it.
func (s Secret) Reveal() string { return s.value }

// Empty tells that there is none.
func (s Secret) Empty() bool { return s.value == "" }

// String hides the secret.
func (Secret) String() string { return "[secret]" }

// Format hides the secret from every verb: without it %d would show it.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// MarshalText hides the secret from every encoder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// defaults are the values of keys that are not given.
func (c *Config) defaults() {
	for i := range c.PBX {
		p := &c.PBX[i]
		set(&p.Name, p.URL)
		set(&p.Application, "risposta")
		if p.Listen.Address != "" {
			set(&p.Listen.Username, "risposta")
		}
	}
	for i := range c.Services {
		set(&c.Services[i].Name, c.Services[i].Number)
	}
	set(&c.Admin.Listen, "127.0.0.1:9108")
	set(&c.Ledger.KeyFile, c.Ledger.File+".key")
	if c.Ledger.KeepMonths == 0 {
		c.Ledger.KeepMonths = 6
	}
	if c.Ledger.SealEvery == 0 {
		c.Ledger.SealEvery = time.Hour
	}
	set(&c.Log.Format, "json")
	set(&c.Log.Level, "info")
	c.Exemption.defaults(c.Ledger.File)
	set(&c.Law.Policy, policy.Strictest)
	set(&c.Law.Sector, policy.SectorOther)
	set(&c.Law.BasicRate, "0")
	set(&c.FrontDesk.Language, "it")
	set(&c.FrontDesk.WithoutConsent, HangUp)
}

func (e *Exemption) defaults(ledger string) {
	if e.CSV == "" && e.SQL.Query == "" && e.HTTP.URL == "" {
		set(&e.Registry, filepath.Join(filepath.Dir(ledger), "exempt.db"))
	}
	set(&e.Zone, "UTC")
	if e.Timeout == 0 {
		e.Timeout = 2 * time.Second
	}
	if e.Cache == 0 {
		e.Cache = time.Minute
	}
	if e.SettleFor == 0 {
		e.SettleFor = 30 * 24 * time.Hour
	}
}

func set(s *string, value string) {
	if *s == "" {
		*s = value
	}
}
