package config

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/delivery/age"
	"github.com/risposta/gateway/metering/delivery/file"
	"github.com/risposta/gateway/metering/delivery/nats"
	"github.com/risposta/gateway/metering/delivery/webhook"
)

// Billing says who gets to know who pays.
type Billing struct {
	// The public key of the billing department (age, X25519), such as age1ql3z and so on. What callers
	// pay for then has their number, encrypted to it, in the field `payer` of deliveries. Left out: no
	// number is kept for deliveries, and none delivered.
	Payer string `yaml:"payer"`
}

// Delivery is one other system that gets the records. It has one of `file`, `webhook`, `postgres` and
// `nats`.
type Delivery struct {
	// The system in commands, logs and metrics. How far it is is kept under this name. Required.
	Name string `yaml:"name"`
	// What it gets of a record, beside `event`, `record`, `record_name` and `version`: names of
	// docs/delivery.md. Required.
	Fields []string `yaml:"fields"`
	// Files in a folder.
	File DeliveryFile `yaml:"file"`
	// Requests by HTTP.
	Webhook DeliveryWebhook `yaml:"webhook"`
	// A PostgreSQL.
	Postgres DeliveryPostgres `yaml:"postgres"`
	// A stream of NATS JetStream.
	NATS DeliveryNATS `yaml:"nats"`
}

// DeliveryFile is where files go, and what they are like.
type DeliveryFile struct {
	// The folder, which must exist.
	Folder string `yaml:"folder"`
	// `csv`, `jsonl` or `parquet`, which has a folder for each day.
	Format string `yaml:"format"`
	// What stands between the columns of CSV: one character.
	Separator string `yaml:"separator"`
	// What stands before the decimals in CSV: a dot or a comma.
	DecimalSign string `yaml:"decimal_sign"`
	// A file is closed at the end of each such period since 0:00 UTC, from 1s to 24h.
	Every time.Duration `yaml:"every"`
	// A file is closed when it has this many changes, from 1 to 50000.
	MaxRecords int `yaml:"max_records"`
}

// DeliveryWebhook is where requests go, and what is in them.
type DeliveryWebhook struct {
	// The address. A plain http address must be on loopback.
	URL string `yaml:"url"`
	// The certificates that an https address is verified with.
	CAFile string `yaml:"ca_file"`
	// The file that holds the bearer token.
	TokenFile string `yaml:"token_file"`
	// The bearer token.
	Token Secret `yaml:"token"`
	// The file that holds the secret of the signature.
	SecretFile string `yaml:"secret_file"`
	// The secret of the signature: an HMAC over time and body, in `Risposta-Signature`.
	Secret Secret `yaml:"secret"`
	// The source of the CloudEvents. It must stay the same.
	Source string `yaml:"source"`
	// The file of a template that makes the body of an event. Left out: CloudEvents.
	TemplateFile string `yaml:"template_file"`
	// The type of the body. Left out: that of CloudEvents, of a template application/json.
	ContentType string `yaml:"content_type"`
	// How many events one request may have, from 1 to 1000.
	Batch int `yaml:"batch"`
	// What stands before the events of a batch. Left out: `[`.
	BatchBegin string `yaml:"batch_begin"`
	// What stands behind the events of a batch. Left out: `]`.
	BatchEnd string `yaml:"batch_end"`
	// A regular expression that an answer matches which says that the id is known already, beside any
	// answer of 409.
	KnownAnswer string `yaml:"known_answer"`
	// A regular expression that an answer of 2xx matches which is a failure all the same.
	FailedAnswer string `yaml:"failed_answer"`
	// How long an answer may take, from 1s to 1m.
	Timeout time.Duration `yaml:"timeout"`
}

// DeliveryPostgres is where rows go.
type DeliveryPostgres struct {
	// The file that holds the connection string.
	DSNFile string `yaml:"dsn_file"`
	// The connection string in libpq's form. To another machine it needs sslmode=verify-full.
	DSN Secret `yaml:"dsn"`
	// The table, which the first delivery makes, with a row for each call.
	Table string `yaml:"table"`
	// In place of a table: a statement that is run with each event, with the fields as parameters, such
	// as @record. It must bear to be run twice.
	Query string `yaml:"query"`
}

// DeliveryNATS is where messages go.
type DeliveryNATS struct {
	// The address, such as tls://nats.example:4222. A plain nats address must be on loopback.
	URL string `yaml:"url"`
	// The certificates that a tls address is verified with.
	CAFile string `yaml:"ca_file"`
	// The file of a user's credentials.
	CredentialsFile string `yaml:"credentials_file"`
	// The file that holds a token.
	TokenFile string `yaml:"token_file"`
	// A token.
	Token Secret `yaml:"token"`
	// The subject before the name of the service, such as risposta.records. A stream must take it.
	Subject string `yaml:"subject"`
}

func (d *Delivery) defaults() {
	if d.File.Folder != "" {
		set(&d.File.Format, string(file.CSV))
		set(&d.File.Separator, ",")
		set(&d.File.DecimalSign, ".")
		set(&d.File.Every, 15*time.Minute)
		set(&d.File.MaxRecords, 10000)
	}
	if w := &d.Webhook; w.URL != "" {
		set(&w.Source, "risposta")
		set(&w.Batch, 1)
		set(&w.Timeout, 10*time.Second)
	}
	if d.NATS.URL != "" {
		set(&d.NATS.Subject, "risposta.records")
	}
}

// The bounds of what a file and a request may have.
const (
	minFileEvery   = time.Second
	maxFileEvery   = 24 * time.Hour
	maxFileRecords = 50000
	maxHookBatch   = 1000
	minHookTimeout = time.Second
	maxHookTimeout = time.Minute
)

var deliveryName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

func (l *loader) checkDeliveries(c *Config) {
	if c.Billing.Payer != "" {
		if _, err := age.ParseRecipient(c.Billing.Payer); err != nil {
			l.problem("billing.payer", "%v", err)
		}
	}
	seen := map[string]bool{}
	for i := range c.Delivery {
		d, key := &c.Delivery[i], fmt.Sprintf("delivery[%d]", i)
		if !deliveryName.MatchString(d.Name) {
			l.problem(key+".name", "%q is not a name of small letters, digits, dashes and underscores",
				d.Name)
		}
		if seen[d.Name] {
			l.problem(key+".name", "%q is listed twice", d.Name)
		}
		seen[d.Name] = true
		fields, err := delivery.Select(d.Fields)
		switch {
		case len(d.Fields) == 0:
			l.problem(key+".fields", "missing: what the system is to have, such as arrived_at, gross")
		case err != nil:
			l.problem(key+".fields", "%v", err)
		}
		for _, f := range fields {
			if f.Name == "payer" && c.Billing.Payer == "" {
				l.problem(key+".fields", "payer: billing.payer is missing, to which it is encrypted")
			}
		}
		l.checkDelivery(key, d, fields)
	}
}

func (l *loader) checkDelivery(key string, d *Delivery, fields delivery.Fields) {
	kinds := 0
	if d.File != (DeliveryFile{}) {
		kinds++
		l.checkDeliveryFile(key+".file", d.File)
	}
	if d.Webhook != (DeliveryWebhook{}) {
		kinds++
		l.checkWebhook(key+".webhook", &d.Webhook, fields)
	}
	if d.Postgres != (DeliveryPostgres{}) {
		kinds++
		if (d.Postgres.Table == "") == (d.Postgres.Query == "") {
			l.problem(key+".postgres.table", "give a table or a query, and not both")
		}
	}
	if d.NATS != (DeliveryNATS{}) {
		kinds++
		l.checkNATS(key+".nats", d.NATS)
	}
	if kinds != 1 {
		l.problem(key, "has %d of file, webhook, postgres and nats, and needs one", kinds)
	}
}

func (l *loader) checkDeliveryFile(key string, f DeliveryFile) {
	if f.Folder == "" {
		l.problem(key+".folder", "missing")
		return
	}
	if _, err := file.Open(f.Config(nil)); err != nil {
		field, what, _ := strings.Cut(err.Error(), ": ")
		l.problem(key+"."+field, "%s", what)
	}
	if f.Every < minFileEvery || f.Every > maxFileEvery {
		l.problem(key+".every", "%s is not from %s to %s", f.Every, minFileEvery, maxFileEvery)
	}
	if f.MaxRecords < 1 || f.MaxRecords > maxFileRecords {
		l.problem(key+".max_records", "%d is not from 1 to %d", f.MaxRecords, maxFileRecords)
	}
}

// Config is what the adapter needs.
func (f DeliveryFile) Config(fields delivery.Fields) file.Config {
	return file.Config{
		Folder: f.Folder, Format: file.Format(f.Format), Separator: f.Separator,
		DecimalSign: f.DecimalSign, Fields: fields,
	}
}

func (l *loader) checkWebhook(key string, w *DeliveryWebhook, fields delivery.Fields) {
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		l.problem(key+".url", "is not an address such as https://billing.example/events")
		return
	case u.Scheme == "http" && !loopback(u.Hostname()):
		l.problem(key+".url", "sends records over the network unencrypted: use https")
	}
	if w.CAFile != "" && u.Scheme != "https" {
		l.problem(key+".ca_file", "is for an https address only")
	}
	if w.Batch < 1 || w.Batch > maxHookBatch {
		l.problem(key+".batch", "%d is not from 1 to %d", w.Batch, maxHookBatch)
	}
	if w.Timeout < minHookTimeout || w.Timeout > maxHookTimeout {
		l.problem(key+".timeout", "%s is not from %s to %s", w.Timeout, minHookTimeout, maxHookTimeout)
	}
	for _, e := range []struct{ key, text string }{
		{".known_answer", w.KnownAnswer}, {".failed_answer", w.FailedAnswer},
	} {
		if _, err := regexp.Compile(e.text); err != nil {
			l.problem(key+e.key, "is no regular expression: %v", err)
		}
	}
	if w.TemplateFile == "" {
		return
	}
	text, err := l.readFile(w.TemplateFile)
	if err != nil {
		l.problem(key+".template_file", "can't be read: %v", err)
		return
	}
	if _, err := webhook.ParseTemplate(string(text), fields, w.Source); err != nil {
		l.problem(key+".template_file", "%v", err)
	}
}

// The types of CloudEvents in JSON, of one and of a batch.
const (
	oneCloudEvent   = "application/cloudevents+json"
	cloudEventBatch = "application/cloudevents-batch+json"
)

// Config is what the adapter needs, without the certificates. template is what the file of the template
// holds.
func (w *DeliveryWebhook) Config(fields delivery.Fields, template string) webhook.Config {
	c := webhook.Config{
		URL: w.URL, Token: w.Token.Reveal(), Secret: w.Secret.Reveal(), Source: w.Source,
		Template: template, Batch: w.Batch, Before: cmp.Or(w.BatchBegin, "["), Between: ",",
		After: cmp.Or(w.BatchEnd, "]"), ContentType: w.ContentType, Timeout: w.Timeout, Fields: fields,
	}
	switch {
	case c.ContentType != "":
	case template != "":
		c.ContentType = "application/json"
	case w.Batch > 1:
		c.ContentType = cloudEventBatch
	default:
		c.ContentType = oneCloudEvent
	}
	if w.KnownAnswer != "" {
		c.Known = regexp.MustCompile(w.KnownAnswer)
	}
	if w.FailedAnswer != "" {
		c.Failed = regexp.MustCompile(w.FailedAnswer)
	}
	return c
}

func (l *loader) checkNATS(key string, n DeliveryNATS) {
	u, err := url.Parse(n.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls":
		l.problem(key+".url", "is not an address such as tls://nats.example:4222")
		return
	case u.User != nil:
		l.problem(key+".url", "holds a user or a password: use credentials_file or token_file")
	case u.Scheme == "nats" && !loopback(u.Hostname()):
		l.problem(key+".url", "sends records over the network unencrypted: use tls")
	}
	if _, err := nats.Open(nats.Config{Subject: n.Subject}); err != nil {
		l.problem(key+".subject", "%s", strings.TrimPrefix(err.Error(), "subject: "))
	}
}

// deliverySecrets reads the secrets of the deliveries, or removes them.
func (l *loader) deliverySecrets(c *Config, needs Needs) {
	for i := range c.Delivery {
		key := fmt.Sprintf("delivery[%d]", i)
		w, p, n := &c.Delivery[i].Webhook, &c.Delivery[i].Postgres, &c.Delivery[i].NATS
		if needs < AllSecrets {
			w.Token, w.Secret, p.DSN, n.Token = Secret{}, Secret{}, Secret{}, Secret{}
			continue
		}
		if w.TokenFile != "" {
			l.secret(key+".webhook.token", &w.Token, w.TokenFile)
		}
		if w.SecretFile != "" {
			l.secret(key+".webhook.secret", &w.Secret, w.SecretFile)
		}
		if p.Table != "" || p.Query != "" {
			l.secret(key+".postgres.dsn", &p.DSN, p.DSNFile)
		}
		if n.TokenFile != "" {
			l.secret(key+".nats.token", &n.Token, n.TokenFile)
		}
	}
}
