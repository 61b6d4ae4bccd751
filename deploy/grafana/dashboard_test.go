package grafana_test

import (
	"errors"
	"os"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// The dashboard is complete and has no field that Grafana does not know, by Grafana's own types of
// dashboards, of the panels, and of queries to Prometheus.
func TestDashboardIsOneOfGrafanas(t *testing.T) {
	types := cog.NewRuntime()
	types.RegisterDataqueryVariant(prometheus.VariantConfig())
	types.RegisterPanelcfgVariant(stat.VariantConfig())
	types.RegisterPanelcfgVariant(timeseries.VariantConfig())
	text, err := os.ReadFile("risposta.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard.Dashboard //nolint:staticcheck // the first schema: every Grafana reads it
	// It returns an empty list where nothing is wrong.
	var wrong cog.BuildErrors
	err = d.UnmarshalJSONStrict(text)
	if err != nil && (!errors.As(err, &wrong) || len(wrong) > 0) {
		t.Errorf("%v", err)
	}
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
	if len(d.Panels) < 20 {
		t.Errorf("%d panels were read", len(d.Panels))
	}
}
