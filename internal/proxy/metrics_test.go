package proxy

import (
	"os"
	"regexp"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// The table of docs/proxy.md has each metric with its labels, and no other.
func TestMetricsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/proxy.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	rows := regexp.MustCompile("(?m)^\\| `(risposta_proxy_[a-z_]+)` \\| ?([a-z, ]*?) ?\\|")
	for _, row := range rows.FindAllStringSubmatch(string(text), -1) {
		documented[row[1]] = regexp.MustCompile(", ").ReplaceAllString(row[2], ",")
	}
	descs := make(chan *prometheus.Desc)
	go func() {
		newMetrics().registry.Describe(descs)
		close(descs)
	}()
	found := regexp.MustCompile(`fqName: "(risposta_[a-z_]+)".*variableLabels: \{([a-z_,]*)\}`)
	registered := 0
	alerts, err := os.ReadFile("../../deploy/prometheus/cluster.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`risposta_proxy_[a-z_]+`).FindAllString(string(alerts), -1)
	for _, name := range named {
		if _, ok := documented[name]; !ok {
			t.Errorf("an alert is about %s, which is not documented", name)
		}
	}
	if len(named) < 3 {
		t.Errorf("the alerts name %q", named)
	}
	for d := range descs {
		m := found.FindStringSubmatch(d.String())
		if m == nil {
			continue
		}
		registered++
		if labels, ok := documented[m[1]]; !ok || labels != m[2] {
			t.Errorf("%s has labels %q; documented: %v, %q", m[1], m[2], ok, labels)
		}
	}
	if registered != len(documented) || registered < 5 {
		t.Errorf("%d metrics, %d documented", registered, len(documented))
	}
}
