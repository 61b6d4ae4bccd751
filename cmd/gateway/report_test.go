package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// The recorded calls are too few for any figure: the report says so, and gives none away.
func TestReport(t *testing.T) {
	path := writtenLedger(t)
	text, code := cli(t, "report", "--ledger", path, "--period", "2026", "--format", "json")
	var r struct {
		From, Until string
		Services    []struct {
			Name    string
			Figures []struct {
				Indicator         string
				Known, Suppressed bool
				N                 int64
			}
		}
		Definitions []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v: %s", code, err, text)
	}
	if len(r.Services) == 0 || r.Services[0].Name != "help" || r.From != "2026-01-01" {
		t.Fatalf("%+v", r)
	}
	suppressed := 0
	for _, f := range r.Services[0].Figures {
		if f.Known || f.N != 0 {
			t.Errorf("a figure of few calls: %+v", f)
		}
		if f.Suppressed {
			suppressed++
		}
	}
	if suppressed < 5 || len(r.Definitions) != len(r.Services[0].Figures) {
		t.Errorf("%d figures are suppressed, %d defined", suppressed, len(r.Definitions))
	}

	for args, want := range map[string]string{
		"--period 2026 --language it":                "Qualità del servizio 2026",
		"--period 2025":                              "No call was counted in this period.",
		"--period 2026 --zone Europe/Rome":           "by the days of Europe/Rome",
		"--period 2026-H2 --format csv":              "2026-H2,help,service,,answer_time_mean,1,s,",
		"--period 2026 --service sales --format csv": "2026,sales,service,",
	} {
		text, code := cli(t, append([]string{"report", "--ledger", path}, strings.Fields(args)...)...)
		if code != 0 || !strings.Contains(text, want) {
			t.Errorf("%s: exit code %d, without %q: %s", args, code, want, text)
		}
	}
	for _, args := range []string{
		"--period 2026-H3", "", "--period 2026 --language fr", "--period 2026 --zone Mars",
		"--period 2026 --zone Asia/Kolkata",
	} {
		if _, code := cli(t, append([]string{"report", "--ledger", path},
			strings.Fields(args)...)...); code != exitUsage {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}
