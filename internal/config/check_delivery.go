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
		l.outside(key+".template_file", "can't be read: %v", err)
		return
	}
	if _, err := webhook.ParseTemplate(string(text), fields, w.Source); err != nil {
		l.outside(key+".template_file", "%v", err)
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
	if !l.checkNATSAddress(key+".url", n.URL, "records") {
		return
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
