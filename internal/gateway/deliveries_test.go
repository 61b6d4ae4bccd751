package gateway_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/config"
)

// A call of 9.478 s of talk comes to the billing department as a line of a file: what is to be paid, of
// which what is tax, and by whom; and the gateway's own records, log and metrics name nobody.
func TestCallComesToTheBillingDepartment(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	pbx := aritest.New()
	defer pbx.Close()
	dir := t.TempDir()
	conf := billing(t, pbx, dir, id.Recipient().String())
	r := start(t, pbx, conf)
	r.until("pbx.synced", 1)
	for _, frame := range holdTransfer(t) {
		r.send(frame)
	}
	text := chargedLine(t, dir)
	metrics := r.untilMetric(`risposta_delivery_lag_leaves{sink="invoices"} 0`)
	r.stop()
	var line struct {
		Gross, Net, Tax, Currency, Payer string
		Seconds                          int64 `json:"billable_seconds"`
	}
	if err := json.Unmarshal(text, &line); err != nil {
		t.Fatal(err)
	}
	// 9 s at 0.96 are 0.144; without 22 % of tax 0.11803...
	if line.Gross != "0.14" || line.Net != "0.11" || line.Tax != "0.03" || line.Seconds != 9 {
		t.Errorf("delivered: %s", text)
	}
	sealed, err := base64.StdEncoding.DecodeString(line.Payer)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := age.Decrypt(bytes.NewReader(sealed), id)
	if err != nil {
		t.Fatal(err)
	}
	number, err := io.ReadAll(opened)
	if err != nil || string(number) != "+390612345678\n" {
		t.Errorf("the payer is %q, %v", number, err)
	}
	for what, text := range map[string]string{
		"log": r.log.String(), "metrics": metrics, "file": string(text),
	} {
		if strings.Contains(text, "612345678") {
			t.Errorf("the %s has the number in clear", what)
		}
	}
}

// chargedLine waits for the line that charges something. While the register has not answered, a call
// is pending, and free.
func chargedLine(t *testing.T, dir string) []byte {
	t.Helper()
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(dir, "risposta-*.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for line := range bytes.Lines(text) {
				if !bytes.Contains(line, []byte(`"gross":"0.00"`)) {
					return line
				}
			}
		}
	}
	t.Fatal("no line that charges something has come")
	return nil
}

// billing is a configuration whose deliveries go to a file a second.
func billing(t *testing.T, pbx *aritest.PBX, dir, payer string) *config.Config {
	t.Helper()
	text := fmt.Sprintf(`
pbx: [{name: fake, url: %q, username: risposta}]
operators: ["PJSIP/agent*"]
services: [{number: "1001", context: from-trunk, name: help, tariff: standard, did: "+390612345678"}]
law: {policy: it}
extensions: ["100?"]
tariffs:
  - {name: standard, per_minute: "0.96", increment: 1s, currency: EUR, tax: included, tax_percent: "22"}
callers: {country_code: "39"}
ledger: {file: %q}
admin: {listen: "127.0.0.1:0"}
billing: {payer: %s}
delivery:
  - name: invoices
    fields: [call, service, caller, arrived_at, billable_seconds, currency, gross, net, tax, payer]
    file: {folder: %q, format: jsonl, every: 1s}
`, pbx.URL(), filepath.Join(dir, "ledger.db"), payer, dir)
	env := []string{
		"RISPOSTA_PBX_0_PASSWORD=" + aritest.Password,
		"RISPOSTA_CALLERS_KEY=" + strings.Repeat("0123456789abcdef", 4),
	}
	c, err := config.Parse("gw.yaml", []byte(text), env, config.AllSecrets, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
