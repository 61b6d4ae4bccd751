package gateway

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/risposta/gateway/internal/config"
)

const metricsDoc = "../../docs/operations.md"

var (
	metricDesc = regexp.MustCompile(`fqName: "(risposta_[a-z_]+)".*variableLabels: \{([a-z_,]*)\}`)
	metricRow  = regexp.MustCompile("(?m)^\\| (`risposta_[^|]*) \\|([^|]*)\\|")
	metricName = regexp.MustCompile("`(risposta_[a-z_]+)`")
)

// registered are the labels of each metric of ours.
func registered() map[string]string {
	descs := make(chan *prometheus.Desc)
	go func() {
		m := newMetrics()
		m.addServices(&config.Config{})
		m.watchDisk("ledger.db", "exempt.db")
		m.registry.Describe(descs)
		close(descs)
	}()
	labels := map[string]string{}
	for d := range descs {
		if m := metricDesc.FindStringSubmatch(d.String()); m != nil {
			labels[m[1]] = m[2]
		}
	}
	return labels
}

// documented are the labels of each metric in the table of docs/operations.md. A row may have several
// metrics of the same labels.
func documented(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(metricsDoc)
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{}
	for _, row := range metricRow.FindAllStringSubmatch(string(text), -1) {
		for _, name := range metricName.FindAllStringSubmatch(row[1], -1) {
			labels[name[1]] = strings.ReplaceAll(strings.TrimSpace(row[2]), ", ", ",")
		}
	}
	return labels
}

func TestMetricsAreDocumented(t *testing.T) {
	code, doc := registered(), documented(t)
	if len(code) < 15 {
		t.Errorf("only %d metrics are registered", len(code))
	}
	for _, name := range slices.Sorted(maps.Keys(code)) {
		labels, ok := doc[name]
		switch {
		case !ok:
			t.Errorf("%s is registered and not in %s", name, metricsDoc)
		case labels != code[name]:
			t.Errorf("%s has the labels %q, in %s %q", name, code[name], metricsDoc, labels)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(doc)) {
		if _, ok := code[name]; !ok {
			t.Errorf("%s is in %s and not registered", name, metricsDoc)
		}
	}
}
