package gateway

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// A process that meters two nodes of a cluster shows what a system does not have of both logs, and of
// one when another process has taken the other.
func TestDeliveryGaugesAddUpTheNodes(t *testing.T) {
	m := newDeliveryMetrics()
	first, second := deliveryObserver{metrics: m, node: "a"}, deliveryObserver{metrics: m, node: "b"}
	want := func(leaves, seconds, letters float64) {
		t.Helper()
		for name, c := range map[string]struct{ got, want float64 }{
			"leaves":  {gaugeOf(t, m.lag), leaves},
			"seconds": {gaugeOf(t, m.lagSeconds), seconds},
			"letters": {gaugeOf(t, m.deadLetters), letters},
		} {
			if c.got != c.want {
				t.Errorf("%s: %v, want %v", name, c.got, c.want)
			}
		}
	}
	first.Lag("files", 5, time.Minute)
	first.Letters("files", 2)
	second.Lag("files", 0, 0)
	second.Letters("files", 1)
	want(5, 60, 3)
	second.Lag("files", 3, time.Hour)
	want(8, 3600, 3)
	m.forget("b")
	want(5, 60, 2)
	m.forget("a")
	want(0, 0, 0)
}

func gaugeOf(t *testing.T, of *prometheus.GaugeVec) float64 {
	t.Helper()
	var shown dto.Metric
	if err := of.WithLabelValues("files").Write(&shown); err != nil {
		t.Fatal(err)
	}
	return shown.GetGauge().GetValue()
}
