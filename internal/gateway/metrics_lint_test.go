package gateway

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/risposta/gateway/internal/config"
)

// gathered are the metrics of a gateway, each with a series.
func gathered(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	m := newMetrics()
	m.watchDisk(filepath.Join(t.TempDir(), "ledger.db"), "exempt.db")
	m.addPBX("pbx")
	m.addHeadPlace("file:/x")
	year := time.Now().UTC().Year()
	m.addServices(&config.Config{
		Services: []config.Service{{Name: "help"}},
		Quality: config.Quality{Objectives: []config.Objective{
			{Service: "help", Indicator: "answer_time_mean", Year: year, Limit: "70"},
			{Service: "help", Indicator: "answered_20s_of_answered", Year: year, Limit: "0.4"},
		}},
	})
	m.records.WithLabelValues("help", "talked")
	m.callerNumbers.WithLabelValues("pbx", "PJSIP/trunk", "read")
	m.exemptionLookups.WithLabelValues("sql", "no")
	m.exemptionBreakerOpen.WithLabelValues("sql")
	m.deskCallers.WithLabelValues("announce", "priced")
	m.rerated.WithLabelValues("resolved")
	m.adminRefused.WithLabelValues("login")
	all, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The metrics follow the conventions of Prometheus: promlint and promtool have nothing to say.
func TestMetricsFollowTheConventions(t *testing.T) {
	all := gathered(t)
	problems, err := promlint.NewWithMetricFamilies(all).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	var text bytes.Buffer
	for _, f := range all {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			t.Fatal(err)
		}
	}
	check := exec.Command("promtool", "check", "metrics")
	check.Stdin = &text
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// promtool is run on the rules and their own tests.
func TestAlertsPassPromtool(t *testing.T) {
	for _, args := range [][]string{
		{"check", "rules", "risposta.rules.yml"}, {"test", "rules", "risposta.test.yml"},
		{"check", "config", "--syntax-only", "scrape.yml"},
		{"check", "rules", "cluster.rules.yml"}, {"test", "rules", "cluster.test.yml"},
		{"check", "config", "--syntax-only", "cluster.scrape.yml"},
	} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = "../../deploy/prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v (scripts/setup installs promtool)\n%s", args, err, out)
		}
	}
}

var (
	usedMetric  = regexp.MustCompile(`risposta_[a-z_0-9]+`)
	histogramOf = regexp.MustCompile(`_(bucket|sum|count)$`)
	runbookURL  = regexp.MustCompile(`runbook_url: \S*/(docs/runbooks/[a-z-]+\.md)`)
)

// Each page that an alert of a cluster names exists. internal/tap and internal/proxy hold its metrics.
func TestAlertsOfAClusterNamePagesThatExist(t *testing.T) {
	text, err := os.ReadFile("../../deploy/prometheus/cluster.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	pages := runbookURL.FindAllStringSubmatch(string(text), -1)
	for _, m := range pages {
		if _, err := os.Stat("../../" + m[1]); err != nil {
			t.Errorf("a page that does not exist: %v", err)
		}
	}
	if alerts := bytes.Count(text, []byte("- alert:")); alerts == 0 || len(pages) != alerts {
		t.Errorf("%d alerts name %d pages", alerts, len(pages))
	}
}

// Each metric of the alerts and the dashboard exists, and each page that an alert names.
func TestAlertsAndDashboardNameWhatExists(t *testing.T) {
	exists := registered()
	for _, file := range []string{
		"../../deploy/prometheus/risposta.rules.yml", "../../deploy/prometheus/risposta.test.yml",
		"../../deploy/grafana/risposta.json",
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, name := range usedMetric.FindAllString(string(text), -1) {
			found++
			_, itself := exists[name]
			_, histogram := exists[histogramOf.ReplaceAllString(name, "")]
			if !itself && !histogram {
				t.Errorf("%s names %s, which is not registered", file, name)
			}
		}
		if found < 20 {
			t.Errorf("only %d metrics were found in %s", found, file)
		}
		pages := runbookURL.FindAllStringSubmatch(string(text), -1)
		for _, m := range pages {
			if _, err := os.Stat("../../" + m[1]); err != nil {
				t.Errorf("%s names a page that does not exist: %v", file, err)
			}
		}
	}
}
