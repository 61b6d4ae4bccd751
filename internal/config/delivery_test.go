package config_test

import (
	"testing"

	"filippo.io/age"

	"github.com/risposta/gateway/internal/config"
)

const delivering = good + `delivery:
  - name: invoices
    fields: [gross]
`

func TestDeliveriesOfEachKindLoad(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	const dsn = "RISPOSTA_DELIVERY_0_POSTGRES_DSN=host=/run"
	for sink, env := range map[string]string{
		`file: {folder: /spool}`:                                       "",
		`file: {folder: /spool, separator: ";", decimal_sign: ","}`:    "",
		`webhook: {url: "https://billing.example/events", batch: 100}`: "RISPOSTA_DELIVERY_0_WEBHOOK_TOKEN=s3cret",
		`postgres: {table: calls}`:                                     dsn,
		`postgres: {query: "SELECT f(@record)"}`:                       dsn,
		`nats: {url: "tls://nats.example:4222"}`:                       "",
	} {
		environ := append([]string{"RISPOSTA_BILLING_PAYER=" + id.Recipient().String()}, secrets...)
		if env != "" {
			environ = append(environ, env)
		}
		text := []byte(delivering + "    " + sink + "\n")
		c, err := config.Parse("gw.yaml", text, environ, config.AllSecrets, noFiles)
		if err != nil || len(c.Delivery) != 1 {
			t.Errorf("%s: %v", sink, err)
		}
	}
}

func TestProblemsOfDeliveries(t *testing.T) {
	all := map[string]problem{}
	add := func(name, before, sink, want string) {
		all[name] = problem{text: before + "    " + sink + "\n", want: want}
	}
	const folder = `file: {folder: /spool`
	add("no sink", delivering, "", "delivery[0]: has 0 of file, webhook, postgres and nats")
	add("two sinks", delivering, folder+"}\n    nats: {url: \"nats://127.0.0.1:4222\"}", "has 2 of file")
	add("no name", good+"delivery:\n  - fields: [gross]\n", folder+"}", `delivery[0].name: ""`)
	add("an unknown field", good+"delivery:\n  - name: a\n    fields: [number]\n", folder+"}",
		`delivery[0].fields: "number" is no field`)
	add("no fields", good+"delivery:\n  - name: a\n", folder+"}", "delivery[0].fields: missing")
	add("a payer without a key", good+"delivery:\n  - name: a\n    fields: [payer]\n", folder+"}",
		"billing.payer is missing")
	add("a key that is none", delivering, folder+"}\nbilling: {payer: age1x}", "billing.payer: it is no public key")
	add("a format", delivering, folder+", format: xml}", `delivery[0].file.format: "xml"`)
	add("a period", delivering, folder+", every: 25h}", "delivery[0].file.every: 25h0m0s")
	add("a size", delivering, folder+", max_records: 50001}", "delivery[0].file.max_records: 50001")
	add("an open network", delivering, `webhook: {url: "http://billing.example/"}`, "unencrypted: use https")
	add("a template", delivering, `webhook: {url: "https://b.example/", template_file: /t}`,
		"template_file: can't be read")
	add("an expression", delivering, `webhook: {url: "https://b.example/", known_answer: "("}`,
		"known_answer: is no regular expression")
	add("table and query", delivering, `postgres: {table: a, query: b}`, "not both")
	add("a subject", delivering, `nats: {url: "nats://127.0.0.1:4222", subject: "a.*"}`, "nats.subject")
	add("an open bus", delivering, `nats: {url: "nats://nats.example:4222"}`, "unencrypted: use tls")
	checkAll(t, all)
}
