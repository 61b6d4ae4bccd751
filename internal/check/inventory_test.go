package check

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/internal/config"
)

// Each thing of a PBX, with what a caller pays today: by the price that is in force, to operators
// alone, from trunks that a service takes calls from.
func TestInventory(t *testing.T) {
	const text = `
pbx: [{name: main, url: "http://127.0.0.1:1/ari", username: u}]
operators: ["PJSIP/2??", "PJSIP/typo*"]
services:
  - {name: paid, number: "800", context: ext-queues, callers: ["PJSIP/carrier"], tariff: standard, did: "+390612345678"}
  - {name: free, number: "801", context: ext-queues, callers: ["PJSIP/carrier", "PJSIP/second"]}
tariffs:
  - {name: standard, per_minute: "0.96", increment: 1s, currency: EUR, valid_until: 2026-07-01, zone: UTC}
  - {name: standard, per_minute: "1.20", increment: 1s, currency: EUR, valid_from: 2026-07-01, zone: UTC,
     free_seconds: 10, cap_per_call: "5.00"}
law: {policy: it}
callers: {country_code: "39"}
ledger: {file: l.db}
`
	environ := []string{"RISPOSTA_PBX_0_PASSWORD=p",
		"RISPOSTA_CALLERS_KEY=" + strings.Repeat("0123456789abcdef", 4)}
	conf, err := config.Parse("gw.yaml", []byte(text), environ, config.AllSecrets, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	operator := func(e string) bool { return strings.HasPrefix(e, "PJSIP/2") }
	plan := native.Plan{Operator: operator, Caller: func(e string) bool { return !operator(e) }}
	report := native.Report{
		Endpoints: []string{"PJSIP/200", "PJSIP/201", "PJSIP/carrier", "PJSIP/lobby", "PJSIP/second"},
		Members: []native.Member{
			{Queue: "800", Name: "Local/200@from-queue/n", Endpoints: []string{"PJSIP/200"}},
			{Queue: "800", Name: "Local/300@from-queue/n", Endpoints: []string{"PJSIP/300"}},
			{Queue: "800", Name: "Local/400@from-queue/n"},
		},
	}
	now := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC) // the first instant of the second price
	got, err := New(conf, nil, nil).inventory(report, plan, now)
	if err != nil {
		t.Fatal(err)
	}
	want := []Item{
		{"service", "paid", "800@ext-queues",
			"1.20 EUR a minute of talk, after 10 s, 5.00 at most"},
		{"service", "free", "801@ext-queues", "nothing: it has no price today"},
		{"trunk", "PJSIP/carrier", "its calls reach", "service paid, free"},
		{"trunk", "PJSIP/lobby", "its calls reach", "nothing: no service takes its calls"},
		{"trunk", "PJSIP/second", "its calls reach", "service free"},
		{"operators", "PJSIP/2??", "2 endpoints", "talk as the service has it"},
		{"operators", "PJSIP/typo*", "0 endpoints", "talk as the service has it"},
		{"member of 800", "Local/200@from-queue/n", "PJSIP/200", "talk as the service has it"},
		{"member of 800", "Local/300@from-queue/n", "PJSIP/300",
			"nothing: no pattern of operators matches"},
		{"member of 800", "Local/400@from-queue/n", "not known", "what it turns out to be"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}
