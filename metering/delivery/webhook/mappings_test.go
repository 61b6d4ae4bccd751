package webhook_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/delivery/webhook"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// mappingFields are those that docs/delivery.md names for the templates.
var mappingFields = strings.Split("node,service,caller,arrived_at,ended_at,currency,gross_change,"+
	"gross_change_minor,billable_seconds_change", ",")

// mapped are the bodies that a template makes: of a call, of its credit, of a free call.
func mapped(t *testing.T, name string) (bodies []string) {
	t.Helper()
	text, err := os.ReadFile("../../../deploy/delivery/" + name)
	if err != nil {
		t.Fatal(err)
	}
	fields, err := delivery.Select(mappingFields)
	if err != nil {
		t.Fatal(err)
	}
	fill, err := webhook.ParseTemplate(string(text), fields, "risposta")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 9, 46, 14, 945e6, time.UTC)
	r := metering.Record{
		Record: "r-n-1", Version: 1, Node: "pbx1", Service: `help "1"`, Caller: "c-1",
		ArrivedAt: metering.Time{Time: at}, EndedAt: metering.Time{Time: at.Add(16 * time.Second)},
		BillableSeconds: 9, Charge: tariff.Amount{Minor: 14, Digits: 2, Currency: "EUR"},
	}
	credit, free := r, r
	credit.Record, credit.Version, credit.Charge.Minor = "r-n-2", 2, 0
	free.Charge.Minor = 0
	for _, c := range []ledger.Change{
		{JSON: r.JSON()}, {JSON: credit.JSON(), Before: r.JSON()}, {JSON: free.JSON()},
	} {
		e, err := delivery.NewEvent(c)
		if err != nil {
			t.Fatal(err)
		}
		body, err := fill(&e)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(body))
	}
	return bodies
}

// Written by hand after the documents of OpenMeter (ingest events), Lago (batch of events) and CGRateS
// (CDRsV1.ProcessExternalCDR; engine/cdrs.go rates whatever has not PreRated).
func TestMappingsMakeWhatTheSystemsExpect(t *testing.T) {
	for name, want := range map[string][2]string{
		"openmeter.tmpl": {
			`{"specversion":"1.0","id":"r-n-1","source":"risposta","type":"risposta.call","subject":"c-1",` +
				`"time":"2026-11-23T09:46:30.945Z","data":{"service":"help \"1\"","currency":"EUR",` +
				`"gross_change":"0.14","billable_seconds_change":9}}`,
			`{"specversion":"1.0","id":"r-n-2","source":"risposta","type":"risposta.call","subject":"c-1",` +
				`"time":"2026-11-23T09:46:30.945Z","data":{"service":"help \"1\"","currency":"EUR",` +
				`"gross_change":"-0.14","billable_seconds_change":0}}`,
		},
		"lago.tmpl": {
			`{"transaction_id":"r-n-1","external_subscription_id":"c-1","code":"risposta_call",` +
				`"timestamp":"1795427190.945","precise_total_amount_cents":"14","properties":` +
				`{"service":"help \"1\"","currency":"EUR","billable_seconds":9}}`,
			`{"transaction_id":"r-n-2","external_subscription_id":"c-1","code":"risposta_call",` +
				`"timestamp":"1795427190.945","precise_total_amount_cents":"-14","properties":` +
				`{"service":"help \"1\"","currency":"EUR","billable_seconds":0}}`,
		},
		"cgrates.tmpl": {cgratesCall("r-n-1", "9s", "0.14"), cgratesCall("r-n-2", "0s", "-0.14")},
	} {
		got := mapped(t, name)
		if got[0] != want[0] || got[1] != want[1] {
			t.Errorf("%s: got\n%s\n%s\nwant\n%s\n%s", name, got[0], got[1], want[0], want[1])
		}
		if got[2] != "" {
			t.Errorf("%s: of a free call %s", name, got[2])
		}
	}
}

func cgratesCall(id, usage, cost string) string {
	return `{"method":"CDRsV1.ProcessExternalCDR","id":"` + id + `","params":[{"ToR":"*voice",` +
		`"RunID":"*default","OriginID":"` + id + `","OriginHost":"pbx1","Source":"risposta",` +
		`"RequestType":"*rated","Tenant":"cgrates.org","Category":"call","Account":"c-1",` +
		`"Subject":"c-1","Destination":"help \"1\"","SetupTime":"2026-11-23T09:46:14.945Z",` +
		`"AnswerTime":"2026-11-23T09:46:14.945Z","Usage":"` + usage + `","Cost":` + cost +
		`,"PreRated":true,"ExtraFields":{"Currency":"EUR","Record":"` + id + `"}}]}`
}

func TestTemplateIsCheckedWhenItIsRead(t *testing.T) {
	fields, err := delivery.Select([]string{"service"})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{{.gross}}`:           "gross",
		`{{`:                   "template: ",
		`{"a":{{json .id}}`:    "no JSON",
		`{{unix .service}}`:    "no instant",
		`{"a":{{number .id}}}`: "not defined",
	} {
		if _, err := webhook.ParseTemplate(text, fields, "s"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
