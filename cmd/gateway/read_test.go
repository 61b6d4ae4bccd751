package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

const readConfig = `
pbx: [{name: main, url: "http://127.0.0.1:1/ari", username: u}]
operators: ["PJSIP/agent*"]
services:
  - {number: "1001", context: from-trunk, name: help, tariff: standard, did: "+390612345678"}
  - {number: "1010", context: from-trunk, name: sales}
tariffs: [{name: standard, per_minute: "0.96", increment: 1s, currency: EUR}]
law: {policy: it}
extensions: ["100?"]
callers: {country_code: "39"}
ledger: {file: ledger.db}
`

var testKey = strings.Repeat("0123456789abcdef", 4)

var testSecrets = []string{"RISPOSTA_PBX_0_PASSWORD=x", "RISPOSTA_CALLERS_KEY=" + testKey}

// writtenLedger is a ledger of recorded calls. Of the last call it has only the first frames, so
// that the call is still open.
func writtenLedger(t *testing.T) (path string) {
	t.Helper()
	ctx := context.Background()
	conf, err := config.Parse(
		"gw.yaml", []byte(readConfig), testSecrets, config.AllSecrets, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := conf.Rules()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(ctx, path, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	sign(t, l, path)
	p := mediation.New(rules)
	for _, c := range []struct {
		trace  string
		frames int
	}{{"hold-transfer", 1000}, {"announced", 1000}, {"answered", 60}} {
		text, err := os.ReadFile(filepath.Join("../../integration/testdata/traces", c.trace, "ari.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
		for _, line := range lines[:min(len(lines), c.frames)] {
			var out mediation.Output
			p.Feed(ari.Frame{Raw: line}, &out)
			answerNotExempt(p, &out)
			if err := l.Commit(ctx, &out.Batch); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// sign signs the log of a ledger, as a gateway does when it starts.
func sign(t *testing.T, l ledger.LogSigner, path string) merkle.Head {
	t.Helper()
	signer, err := audit.Signer(path+".key", false)
	if err != nil {
		t.Fatal(err)
	}
	head, signed, err := l.SignLog(t.Context(), time.Now(), signer)
	if err != nil || !signed {
		t.Fatalf("signed: %t, %v", signed, err)
	}
	return head
}

// answerNotExempt answers the exemption lookups as an empty register does.
func answerNotExempt(p *mediation.Mediator, out *mediation.Output) {
	for _, ask := range out.Asks {
		p.Answer(ask.Call, metering.Exemption{Verdict: metering.ExemptNo}, out)
	}
	out.Asks = nil
}

func cli(t *testing.T, args ...string) (stdout string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), args, nil, &out, &errs)
	return out.String() + errs.String(), code
}

func TestRecordsOfAnOutcome(t *testing.T) {
	path := writtenLedger(t)
	for outcome, want := range map[string]int{"talked": 2, "abandoned": 0, "uncertain": 0} {
		text, code := cli(t, "records", "--ledger", path, "--outcome", outcome)
		if n := strings.Count(text, `"outcome":"`+outcome+`"`); code != 0 || n != want ||
			strings.Count(text, "\n") != want {
			t.Errorf("%s: exit code %d, %d records, want %d:\n%s", outcome, code, n, want, text)
		}
	}
	if _, code := cli(t, "records", "--ledger", path, "--outcome", "lost"); code != exitUsage {
		t.Errorf("an outcome that does not exist: exit code %d", code)
	}
}

func TestRecordsAsJSONAndCSV(t *testing.T) {
	path := writtenLedger(t)
	text, code := cli(t, "records", "--ledger", path)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if code != 0 || len(lines) != 2 {
		t.Fatalf("exit %d:\n%s", code, text)
	}
	var first map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil {
		t.Fatal(err)
	}
	table, code := cli(t, "records", "--ledger", path, "--format", "csv")
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil || code != 0 || len(rows) != 3 {
		t.Fatalf("exit %d, %v:\n%s", code, err, table)
	}
	row := map[string]string{}
	for i, name := range rows[0] {
		row[name] = rows[1][i]
		top, _, _ := strings.Cut(name, ".")
		// Not every record has these fields.
		optional := map[string]bool{
			"caller_also": true, "caller_unread": true, "attestation": true, "state": true, "numbers": true,
			"announcement": true, "survey": true, "net": true, "tax": true, "tax_percent": true,
			"outside_hours": true, "choice": true, "chosen_at": true,
		}
		if _, ok := first[top]; !ok && !optional[top] {
			t.Errorf("column %s is no field of the record", name)
		}
	}
	for name := range first {
		if !strings.Contains(","+strings.Join(rows[0], ","), ","+name) {
			t.Errorf("field %s has no column", name)
		}
	}
	for name, want := range map[string]string{
		"service": "help", "talk_ms": "9478", "billable_seconds": "9",
		"charge.amount": "0.14", "charge.currency": "EUR", "reasons": "talk answered_early",
		"exempt": "false", "arrived_at": "2026-11-23T09:46:14.945Z",
	} {
		if row[name] != want {
			t.Errorf("%s is %q, want %q", name, row[name], want)
		}
	}
	if !strings.Contains(row["talk"], `"operator":"PJSIP/agent2"`) {
		t.Errorf("talk is %q", row["talk"])
	}
	for args, want := range map[string]int{
		"--service help": 1, "--service none": 0, "--since 2026-11-24": 0, "--until 2026-11-24": 2,
		"--since 2026-11-23T09:46:20Z": 1,
	} {
		text, code := cli(t, append([]string{"records", "--ledger", path}, strings.Fields(args)...)...)
		if n := strings.Count(text, "\n"); code != 0 || n != want {
			t.Errorf("records %s: exit %d, %d lines, want %d", args, code, n, want)
		}
	}
	text, _ = cli(t, "records", "--ledger", path, "--format", "csv", "--service", "none")
	if text != strings.Join(rows[0], ",")+"\n" {
		t.Errorf("an empty period gives %q, want the head alone", text)
	}
}

// Worked out by hand from the recording: 2.001 + 1.506 + 5.971 s of talk, nine whole seconds at
// 0.016.
const explained = `call pbx1-1795427174.114  service help  caller c-cbriesedpvtqduao3urmngkm7tfnlfajni
2026-11-23, talked: 0.14 EUR

  from (UTC)    to            seconds           what                              why
  09:46:14.945  09:46:15.446  0.501    free     waiting                           waiting for an operator
  09:46:15.446  09:46:17.458  2.012    free     in queue support                  waiting for an operator
  09:46:17.458  09:46:19.459  2.001    CHARGED  talk with PJSIP/agent1 (support)  operator and caller can talk
  09:46:19.459  09:46:21.463  2.004    free     on hold with PJSIP/agent1         on hold: no talk
  09:46:21.463  09:46:22.969  1.506    CHARGED  talk with PJSIP/agent1 (support)  operator and caller can talk
  09:46:22.969  09:46:24.980  2.011    free     in queue sales                    waiting for an operator
  09:46:24.980  09:46:30.951  5.971    CHARGED  talk with PJSIP/agent2 (sales)    operator and caller can talk

talk 9.478 s, in whole increments of 1 s: 9 s at 0.96 EUR a minute = 0.144 EUR exactly
policy it@a555f2c8a013; led to numbers of kind: geographic, internal
charged: 0.14 EUR, because: talk, answered_early
`

func TestExplainShowsEverySecond(t *testing.T) {
	path := writtenLedger(t)
	text, code := cli(t, "explain", "pbx1-1795427174.114", "--ledger", path)
	const verified = "replayed: the same record, byte for byte\n"
	if code != 0 || !strings.HasPrefix(text, explained) || !strings.HasSuffix(text, verified) {
		t.Errorf("exit %d, got\n%s\nwant\n%s", code, text, explained)
	}
	text, code = cli(t, "explain", "--json", "--ledger", path, "pbx1-1795427174.114")
	var tl struct {
		Verified bool
		Timeline []struct {
			Ms      int64
			Charged bool
		}
		Rating struct{ Exact, Amount string }
	}
	if err := json.Unmarshal([]byte(text), &tl); err != nil || code != 0 {
		t.Fatalf("exit %d, %v: %s", code, err, text)
	}
	var charged, whole int64
	for _, r := range tl.Timeline {
		whole += r.Ms
		if r.Charged {
			charged += r.Ms
		}
	}
	if !tl.Verified || charged != 9478 || whole != 16006 || tl.Rating.Exact != "0.144" ||
		tl.Rating.Amount != "0.14" {
		t.Errorf("charged %d ms of %d: %+v", charged, whole, tl)
	}
}

func TestExplainOpenUnpricedAndUnknownCalls(t *testing.T) {
	path := writtenLedger(t)
	for call, want := range map[string][]string{
		"pbx1-1795427127.0": {
			"the call has not ended: nothing is charged yet", "talk with PJSIP/agent1", "evidence so far",
		},
		"pbx1-1795427198.166": {"0.00 XXX", "the service has no price"},
		"pbx1-0.0":            {"not found in the ledger"},
	} {
		text, code := cli(t, "explain", "--ledger", path, call)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %q is missing in\n%s", call, w, text)
			}
		}
		if (code != 0) != (call == "pbx1-0.0") {
			t.Errorf("%s: exit %d", call, code)
		}
	}
}
