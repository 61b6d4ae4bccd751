package tap

import (
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Each metric is in the table of docs/tap.md, with its labels. Each that an alert is about is one.
func TestMetricsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/tap.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	rows := regexp.MustCompile("(?m)^\\| (`risposta_[^|]*) \\|([^|]*)\\|")
	for _, row := range rows.FindAllStringSubmatch(string(text), -1) {
		for _, name := range regexp.MustCompile("`(risposta_[a-z_]+)`").FindAllStringSubmatch(row[1], -1) {
			documented[name[1]] = strings.TrimSpace(row[2])
		}
	}
	descs := make(chan *prometheus.Desc)
	go func() {
		newMetrics().registry.Describe(descs)
		close(descs)
	}()
	registered := map[string]string{}
	desc := regexp.MustCompile(`fqName: "(risposta_[a-z_]+)".*variableLabels: \{([a-z_,]*)\}`)
	for d := range descs {
		if m := desc.FindStringSubmatch(d.String()); m != nil {
			registered[m[1]] = m[2]
		}
	}
	if len(registered) < 15 || !maps.Equal(documented, registered) {
		t.Errorf("documented %v\nregistered %v", documented, registered)
	}
	alerts, err := os.ReadFile("../../deploy/prometheus/cluster.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`risposta_tap_[a-z_]+`).FindAllString(string(alerts), -1)
	for _, name := range named {
		if _, ok := registered[name]; !ok {
			t.Errorf("an alert is about %s, which is not registered", name)
		}
	}
	if len(named) < 5 {
		t.Errorf("the alerts name %q", named)
	}
}
