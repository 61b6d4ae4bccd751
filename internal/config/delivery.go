package config

import (
	"time"

	"github.com/risposta/gateway/metering/delivery/file"
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
