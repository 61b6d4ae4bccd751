package delivery

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/delivery/age"
	"github.com/risposta/gateway/metering/delivery/file"
	"github.com/risposta/gateway/metering/delivery/nats"
	"github.com/risposta/gateway/metering/delivery/postgres"
	"github.com/risposta/gateway/metering/delivery/webhook"
)

// Open makes the workers of a configuration for the ledger log of a node, "" where there is one log
// alone. It connects to nothing yet. Where it fails, what it has opened is closed.
func Open(
	ctx context.Context, conf *config.Config, node string, store Store, observer Observer,
) (workers []*Worker, err error) {
	payers, err := openPayers(conf)
	if err != nil {
		return nil, err
	}
	for _, d := range conf.Delivery {
		sink, err := OpenSink(ctx, d, node)
		if err != nil {
			for _, w := range workers {
				w.Sink.Close()
			}
			return nil, err
		}
		w := &Worker{
			Name: d.Name, Sink: sink, Batching: batching(d), Store: store, Observer: observer,
		}
		if getsPayer(d.Fields) {
			w.Payers = payers
		}
		workers = append(workers, w)
	}
	return workers, nil
}

// openPayers is nil where nobody gets a payer.
func openPayers(conf *config.Config) (*Payers, error) {
	if !KeepsPayers(conf) {
		return nil, nil
	}
	to, err := age.ParseRecipient(conf.Billing.Payer)
	if err != nil {
		return nil, fmt.Errorf("billing.payer: %w", err)
	}
	pseudonyms, err := conf.Pseudonyms()
	if err != nil {
		return nil, err
	}
	return NewPayers(pseudonyms, to), nil
}

// KeepsPayers reports whether a delivery gets payers, so that the ledger is to keep them.
func KeepsPayers(conf *config.Config) bool {
	if conf.Billing.Payer == "" {
		return false
	}
	for _, d := range conf.Delivery {
		if getsPayer(d.Fields) {
			return true
		}
	}
	return false
}

func getsPayer(names []string) bool {
	for _, name := range names {
		if name == "payer" {
			return true
		}
	}
	return false
}

// maxBatch bounds a batch that is handed over at once, without a wait.
const maxBatch = 1000

func batching(d config.Delivery) Batching {
	if d.File.Folder != "" {
		return Batching{Max: d.File.MaxRecords, Every: d.File.Every, Fixed: true}
	}
	return Batching{Max: maxBatch}
}

// OpenSink makes the sink of a delivery for the ledger log of a node, "" where it is no node's. The
// files of a node have a folder of their own.
func OpenSink(ctx context.Context, d config.Delivery, node string) (delivery.Sink, error) {
	fields, err := delivery.Select(d.Fields)
	if err != nil {
		return nil, fmt.Errorf("delivery %s: fields: %w", d.Name, err)
	}
	var sink delivery.Sink
	switch {
	case d.File.Folder != "":
		c := d.File.Config(fields)
		c.Below = url.PathEscape(node)
		sink, err = file.Open(c)
	case d.Webhook.URL != "":
		sink, err = openWebhook(d.Webhook, fields)
	case d.NATS.URL != "":
		sink, err = openNATS(d.NATS, fields)
	default:
		sink, err = postgres.Open(ctx, postgres.Config{
			DSN: d.Postgres.DSN.Reveal(), Table: d.Postgres.Table, Query: d.Postgres.Query,
			Fields: fields,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("delivery %s: %w", d.Name, err)
	}
	return sink, nil
}

func openWebhook(w config.DeliveryWebhook, fields delivery.Fields) (delivery.Sink, error) {
	template := ""
	if w.TemplateFile != "" {
		text, err := os.ReadFile(w.TemplateFile)
		if err != nil {
			return nil, fmt.Errorf("webhook.template_file: %w", err)
		}
		template = string(text)
	}
	c := w.Config(fields, template)
	var err error
	if c.CA, err = certificates(w.CAFile); err != nil {
		return nil, err
	}
	return webhook.Open(c)
}

func openNATS(n config.DeliveryNATS, fields delivery.Fields) (delivery.Sink, error) {
	ca, err := certificates(n.CAFile)
	if err != nil {
		return nil, err
	}
	return nats.Open(nats.Config{
		URL: n.URL, CA: ca, Credentials: n.CredentialsFile, Token: n.Token.Reveal(),
		Subject: n.Subject, Fields: fields,
	})
}

// certificates are nil, those of the machine, where no file is given.
func certificates(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	return config.CertPool(file)
}
