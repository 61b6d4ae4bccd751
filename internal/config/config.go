// Package config reads the gateway's configuration: one YAML file, overridden by the environment,
// strictly.
//
// In: a file and variables whose names begin with [EnvPrefix]. Out: a [Config] that needs no
// further checking, or the list of its problems, each a [Problem]: one line with file, line and
// key. An unknown key is a problem, and so is an unknown variable of ours. Secrets come from the
// environment or from a file of their own, never from the YAML. The package opens no connection and
// starts nothing.
//
// The comments of the types are docs/configuration.md: `go generate ./internal/config` writes it,
// and a test fails when it is out of date.
package config

import (
	"time"
	_ "time/tzdata" // a machine may have no time zones of its own
)

//go:generate go test -run ^TestReference$ -count=1 . -write

// Config is the whole configuration.
type Config struct {
	// Where events come from: `pbx`, the PBXs below, or `cluster`, NATS.
	Source string `yaml:"source"`
	// The PBXs to meter. Each needs an `entityid` and a `systemname` of its own in its asterisk.conf.
	// Required with `source: pbx`: at least one.
	PBX []PBX `yaml:"pbx"`
	// Endpoints of human operators, such as `PJSIP/agent*`. `*` and `?` stand for anything but a
	// slash. Talk with any other endpoint, a machine, a voicemail or an outside number, is never
	// charged. A pattern that can match no channel of Asterisk 22 is an error: ISDN channels are
	// `DAHDI/i*/*`, analog ones `DAHDI/[0-9]*`. Required.
	Operators []string `yaml:"operators" reload:""`
	// The metered services. Required: at least one.
	Services []Service `yaml:"services" reload:""`
	// The prices. Several of one name are a price that changes: one begins where the last ends,
	// without a gap or an overlap.
	Tariffs []Tariff `yaml:"tariffs" reload:""`
	// The law under which the services charge.
	Law Law `yaml:"law" reload:""`
	// Patterns of the PBX's own extensions, such as `10??`, to which a call may be led. A call that is
	// led to any other number is free unless that number is of an ordinary kind.
	Extensions []string `yaml:"extensions" reload:""`
	// What callers hear from `Stasis(risposta,announce)` and `Stasis(risposta,survey)` in the
	// dialplan.
	FrontDesk FrontDesk `yaml:"front_desk" reload:""`
	// How callers' numbers are read and hidden.
	Callers Callers `yaml:"callers"`
	// The lookups that say whether a caller is exempt. One yes is enough.
	Exemption Exemption `yaml:"exemption"`
	// Where records and evidence are kept.
	Ledger Ledger `yaml:"ledger"`
	// Who gets to know who pays.
	Billing Billing `yaml:"billing"`
	// The other systems that get the records. docs/delivery.md explains it.
	Delivery []Delivery `yaml:"delivery"`
	// The cluster's own NATS, by which taps send what their PBXs do. docs/tap.md explains it.
	NATS NATS `yaml:"nats"`
	// How a gateway with `source: cluster` meters its share of the PBXs.
	Meter Meter `yaml:"meter"`
	// What `risposta tap` does beside a PBX, in place of `risposta run`.
	Tap Tap `yaml:"tap"`
	// How the quality of service is measured, and what is aimed at.
	Quality Quality `yaml:"quality" reload:""`
	// Health and metrics.
	Admin Admin `yaml:"admin"`
	// The gateway's own log, on standard output.
	Log Log `yaml:"log"`
}

// PBX is one Asterisk.
type PBX struct {
	// The PBX in logs and metrics. Left out: its url.
	Name string `yaml:"name"`
	// The address of ARI, such as http://127.0.0.1:8088/ari. A plain http address must be on loopback.
	// Required.
	URL string `yaml:"url"`
	// The user of ari.conf. Required.
	Username string `yaml:"username"`
	// The file that holds the user's password.
	PasswordFile string `yaml:"password_file"`
	// The user's password.
	Password Secret `yaml:"password"`
	// The name of the ARI application. Two gateways at one PBX need two names.
	Application string `yaml:"application"`
	// The certificates that an https url is verified with.
	CAFile string `yaml:"ca_file"`
	// How often, while talk runs, the PBX is asked whether packets come from both legs, from 2s to 1m.
	ProbeEvery time.Duration `yaml:"probe_every" reload:""`
	// Where Asterisk connects to the gateway, from 22.5 on. It then keeps its events while the gateway
	// restarts. Left out: the gateway connects to Asterisk.
	Listen Listen `yaml:"listen"`
}

// Listen is where the PBX connects to the gateway, as an outbound WebSocket of Asterisk. An empty
// address: it does not.
type Listen struct {
	// The address to listen on, such as 127.0.0.1:8787. Without a certificate it must be on loopback.
	Address string `yaml:"address"`
	// The user of websocket_client.conf.
	Username string `yaml:"username"`
	// The file that holds the user's password.
	PasswordFile string `yaml:"password_file"`
	// The user's password.
	Password Secret `yaml:"password"`
	// The certificate for wss.
	CertFile string `yaml:"cert_file"`
	// The private key of the certificate.
	KeyFile string `yaml:"key_file"`
}

// Service is a metered service.
type Service struct {
	// The service in records, logs and metrics. Left out: its number. Several entries may share a
	// name, and then share the tariff.
	Name string `yaml:"name"`
	// The extension that the caller dials, with the caller's own channel or through Local channels. It
	// also stands for itself with a + before it, or with parameters behind it (`1001;npdi`). Required.
	Number string `yaml:"number"`
	// The dialplan context in which the call comes in. Required.
	Context string `yaml:"context"`
	// Endpoints that calls come from, such as `PJSIP/trunk*`. Left out: any that is no operator's.
	// A pattern that can match no channel is an error.
	Callers []string `yaml:"callers"`
	// The name of the price. Left out: the service is metered and free.
	Tariff string `yaml:"tariff"`
	// The number that callers dial from outside, such as +390612345678. A service with a price needs
	// one, of a kind that may carry a charge under the law.
	DID string `yaml:"did"`
	// `true`: consumers call the line about contracts that they have (Directive 2011/83/EU art. 21),
	// so it may have a price only on a freephone number, of at most `law.basic_rate`.
	AfterSales bool `yaml:"after_sales"`
	// When the caller has chosen an operator, for the quality of service: `queue`, joining the first
	// queue, or `mark`, where the dialplan runs `Gosub(risposta,chosen,1)`.
	Choice string `yaml:"choice"`
	// The opening hours. Calls outside them are counted apart. Left out: the service is always open.
	Hours []OpeningHours `yaml:"hours"`
	// Days on which the service is closed all the same, such as 2026-12-25.
	Closed []string `yaml:"closed"`
	// The time zone of the hours and the closed days, such as Europe/Rome. Required with hours.
	Zone string `yaml:"zone"`
}

// OpeningHours is a time of the week in which the service is open.
type OpeningHours struct {
	// Days of the week, such as mon-fri or sat,sun. Left out: every day.
	Days string `yaml:"days"`
	// When the service opens, such as "08:00". Required.
	From string `yaml:"from"`
	// When it closes, such as "18:30" or "24:00". Required.
	Until string `yaml:"until"`
}

// The values of Service.Choice.
const (
	ChoiceQueue = "queue"
	ChoiceMark  = "mark"
)

// FrontDesk says how the front desk speaks with callers.
type FrontDesk struct {
	// The language of the prompts where the dialplan names none, such as it or en.
	Language string `yaml:"language"`
	// What happens to a caller who does not agree to the price: `hangup`, or `free`, which puts the
	// call through free of charge.
	WithoutConsent string `yaml:"without_consent"`
	// `normal`, or `slow`: a pause after each sentence, time limits doubled, and the slower recordings
	// of prompts where there are any.
	Pace string `yaml:"pace"`
	// `true`: every caller is told how long the wait is expected to be, not only those whom the policy
	// wants told (`wait_told`).
	TellWait bool `yaml:"tell_wait"`
}

// The values of FrontDesk.WithoutConsent.
const (
	HangUp = "hangup"
	Free   = "free"
)

// The values of FrontDesk.Pace.
const (
	NormalPace = "normal"
	Slow       = "slow"
)

// Ledger says where records and evidence are kept, and for how long.
type Ledger struct {
	// The file, which the first run makes, readable by its owner only. Give it or `ledger.postgres`.
	File string `yaml:"file"`
	// A PostgreSQL that holds the ledger, in place of a file.
	Postgres LedgerPostgres `yaml:"postgres"`
	// How many months callers' detail and the evidence are kept, from 1 to 120. Then they are erased,
	// except those of disputed calls.
	KeepMonths int `yaml:"keep_months" reload:""`
	// The key that signs the ledger log, which the first run makes, with its public half in .pub
	// beside it. Left out: ledger.file with .key at its end; with ledger.postgres it is required.
	KeyFile string `yaml:"key_file"`
	// Second places for the signed heads, beside the log. At the start the ledger is compared with
	// those that can be read back: files, and https where it answers a GET.
	Heads []HeadPlace `yaml:"heads"`
	// How often the ledger log is signed, from 1s to 24h.
	SignEvery time.Duration `yaml:"sign_every"`
	// How far apart commits are at least, from 10ms to 1s; an event may wait twice as long. A full
	// batch does not wait. A crash of the gateway loses what was waiting: talk in it is not charged.
	CommitEvery time.Duration `yaml:"commit_every"`
}

// LedgerPostgres is the PostgreSQL that holds the ledger, version 15 or later. The first run makes the
// tables, in the schema risposta.
type LedgerPostgres struct {
	// The file that holds the connection string.
	DSNFile string `yaml:"dsn_file"`
	// The connection string in libpq's form. To another machine it needs sslmode=verify-full.
	DSN Secret `yaml:"dsn"`
}

// given reports whether the ledger is to be in PostgreSQL.
func (p LedgerPostgres) given() bool { return p.DSNFile != "" || !p.DSN.Empty() }

// HeadPlace is where the signed heads are kept, too.
type HeadPlace struct {
	// `file:/path` on another mount, `https://host/path`, `syslog+tls://host:6514`, `syslog+tcp://` or
	// `syslog+udp://`. A plain http address must be on loopback. Required.
	To string `yaml:"to"`
	// The certificates that an https or syslog+tls address is verified with.
	CAFile string `yaml:"ca_file"`
	// The file that holds the bearer token of an https address.
	TokenFile string `yaml:"token_file"`
	// The bearer token.
	Token Secret `yaml:"token"`
}

// EraseBefore is the instant before which calls arrived whose detail is due for erasure.
func (l Ledger) EraseBefore(now time.Time) time.Time {
	return now.UTC().AddDate(0, -l.KeepMonths, 0)
}

// Admin is where the page of the gateway, its health and its metrics are served.
type Admin struct {
	// The address of the page, /healthz, /readyz and /metrics. Without a certificate and a password it
	// must be on loopback.
	Listen string `yaml:"listen"`
	// The user of the page, and of all else that is served there. It counts where there is a password.
	Username string `yaml:"username"`
	// The file that holds the user's password. Left out, on loopback: none is asked for.
	PasswordFile string `yaml:"password_file"`
	// The user's password.
	Password Secret `yaml:"password"`
	// The certificate for https.
	CertFile string `yaml:"cert_file"`
	// The private key of the certificate.
	KeyFile string `yaml:"key_file"`
}

// Log is the gateway's own log.
type Log struct {
	// `json` or `console`.
	Format string `yaml:"format"`
	// `debug`, `info`, `warn` or `error`.
	Level string `yaml:"level"`
}
