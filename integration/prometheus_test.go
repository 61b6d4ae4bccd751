//go:build live

package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// noSeries are the metrics of what this gateway does not have, or what does not happen to it. Every
// other query of the dashboard shows something.
var noSeries = map[string]string{
	"risposta_desk_callers_total":           "it has no front desk",
	"risposta_exemption_breaker_open":       "its lookup is a file, which has no breaker",
	"risposta_exemption_register_wal_bytes": "it has no register of exempt callers",
	"risposta_ledger_head_failures_total":   "it puts heads in no other place",
	"risposta_admin_refused_total":          "nobody is refused",
	"risposta_rerated_total":                "the record has one version",
}

// A Prometheus with the scrape job and the alerts of deploy/prometheus watches a gateway that meters
// a call: each query of the dashboard gets an answer, and each alert is evaluated and silent. When the
// gateway has ended, the alert for that is pending.
func TestLiveDashboardAndAlerts(t *testing.T) {
	t.Parallel()
	config := gatewayConfig + fmt.Sprintf(`quality:
  objectives:
    - {service: help, indicator: answer_time_mean, year: %[1]d, limit: "600"}
    - {service: help, indicator: answered_20s_of_answered, year: %[1]d, limit: "0.01"}
    - {service: help, indicator: answered_180s_of_answered, year: %[1]d, limit: "0.01"}
`, time.Now().UTC().Year())
	h := newHarnessWith(t, config, []service{servedBy("op1", "help", queued)}, nil)
	h.start(t)
	p, err := lab.StartPrometheus(h.ctx, h.dir, scrapeConfig(t, h.gw.Admin))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log := p.Log(); log != "" {
			t.Errorf("Prometheus has logged:\n%s", log)
		}
		p.Stop()
	})
	// It finds its targets some seconds after it is ready.
	err = lab.Until(h.ctx, time.Minute, "Prometheus to have scraped", func() error {
		series, err := p.Query(h.ctx, "up == 1")
		if err == nil && series != 1 {
			err = fmt.Errorf("%d targets are up", series)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	op := h.operator(t, "op1", lab.Called(half).Speaks().WaitBye())
	h.finish(t, h.caller(t, 0, lab.Calls().Speaks().Pause(3*second).Bye()), op)
	h.record(t, "help")
	t.Run("queries", func(t *testing.T) { wantAnswers(t, h, p) })
	t.Run("alerts", func(t *testing.T) { wantSilent(t, h, p) })
	h.stop(t)
	err = lab.Until(h.ctx, time.Minute, "RispostaDown to be pending", func() error {
		rules, err := p.Rules(h.ctx)
		if err == nil && !slices.ContainsFunc(rules, func(r lab.Rule) bool {
			return r.Name == "RispostaDown" && r.State == "pending"
		}) {
			err = errors.New("it is not")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	h.startAgain(t)
}

// scrapeConfig is deploy/prometheus/scrape.yml for this gateway, each second.
func scrapeConfig(t *testing.T, admin string) string {
	t.Helper()
	text, err := os.ReadFile("../deploy/prometheus/scrape.yml")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Abs("../deploy/prometheus/risposta.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	scrape := string(text)
	for before, after := range map[string]string{
		"/etc/prometheus/risposta.rules.yml": rules, "127.0.0.1:9108": admin,
		"scrape_interval: 15s": "scrape_interval: 1s",
	} {
		if !strings.Contains(scrape, before) {
			t.Fatalf("scrape.yml has no %s", before)
		}
		scrape = strings.ReplaceAll(scrape, before, after)
	}
	return "global: {evaluation_interval: 1s}\n" + scrape
}

// dashboard is what a Grafana asks Prometheus for.
type dashboard struct {
	Templating struct {
		List []struct {
			Name, Type string
			Query      json.RawMessage
		}
	}
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
}

// wantAnswers fills in the variables as Grafana does, and runs each query.
func wantAnswers(t *testing.T, h *harness, p *lab.Prometheus) {
	text, err := os.ReadFile("../deploy/grafana/risposta.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`label_values\((\w+), (\w+)\)`).FindSubmatch(text)
	if variable == nil {
		t.Fatal("the dashboard has no variable with the gateways")
	}
	gateways, err := p.LabelValues(h.ctx, string(variable[2]), string(variable[1]))
	if err != nil || !slices.Equal(gateways, []string{h.gw.Admin}) {
		t.Fatalf("the gateways are %q, %v; want %s", gateways, err, h.gw.Admin)
	}
	fill := strings.NewReplacer(
		"$instance", strings.ReplaceAll(regexp.QuoteMeta(gateways[0]), `\`, `\\`), // in a string of PromQL
		"$__rate_interval", "4s")
	queries := 0
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			queries++
			wantAnswer(t, h, p, panel.Title, fill.Replace(target.Expr))
		}
	}
	if queries < 30 {
		t.Errorf("only %d queries were found", queries)
	}
}

func wantAnswer(t *testing.T, h *harness, p *lab.Prometheus, panel, expr string) {
	if strings.Contains(expr, "$") {
		t.Errorf("%s: a variable is left: %s", panel, expr)
	}
	empty := slices.ContainsFunc(slices.Collect(maps.Keys(noSeries)), func(metric string) bool {
		return strings.Contains(expr, metric)
	})
	err := lab.Until(h.ctx, 20*time.Second, "an answer", func() error {
		series, err := p.Query(h.ctx, expr)
		if err == nil && (series == 0) != empty {
			err = fmt.Errorf("%d series, want none: %t", series, empty)
		}
		return err
	})
	if err != nil {
		t.Errorf("%s: %s: %v", panel, expr, err)
	}
}

// wantSilent waits until each alert has been evaluated after the call. None fires, or is about to, but
// the one for a disk that is nearly full: that is this machine's.
func wantSilent(t *testing.T, h *harness, p *lab.Prometheus) {
	since := time.Now()
	err := lab.Until(h.ctx, time.Minute, "all alerts to be evaluated", func() error {
		rules, err := p.Rules(h.ctx)
		if err != nil || len(rules) < 15 {
			return fmt.Errorf("%d rules: %w", len(rules), errors.Join(err, errors.New("too few")))
		}
		for _, r := range rules {
			silent := r.State == "inactive" || r.Name == "RispostaDisk"
			if r.Health != "ok" || !silent || !r.LastEvaluation.After(since) {
				return fmt.Errorf("%+v", r)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
