package proxy

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/risposta/gateway/ari"
)

// metrics are the proxy's own. docs/proxy.md lists them.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	seconds   prometheus.Histogram
	refused   prometheus.Counter
	restarts  *prometheus.CounterVec
	listening prometheus.Gauge
	answers   prometheus.Gauge
	connected prometheus.Gauge
}

// The reasons for which the serving begins anew.
const (
	restartedID     = "id_changed"
	restartedFailed = "failed"
)

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "risposta_proxy_requests_total", Help: "Requests to the PBX, by kind and result.",
		}, []string{"kind", "result"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "risposta_proxy_request_duration_seconds", Help: "How long the PBX took to respond.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2},
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "risposta_proxy_refused_total", Help: "Requests over NATS that no meter sends.",
		}),
		restarts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "risposta_proxy_restarts_total", Help: "Times that the serving began anew.",
		}, []string{"reason"}),
		listening: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "risposta_proxy_listening", Help: "1 while requests are served.",
		}),
		answers: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "risposta_proxy_pbx_up", Help: "1 while the PBX responds.",
		}),
		connected: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "risposta_proxy_nats_up", Help: "1 while NATS is connected.",
		}),
	}
	for _, reason := range []string{restartedID, restartedFailed} {
		m.restarts.WithLabelValues(reason)
	}
	m.registry.MustRegister(m.requests, m.seconds, m.refused, m.restarts, m.listening, m.answers,
		m.connected, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// count counts a request of the PBX.
func (m *metrics) count(kind string, took time.Duration, err error) {
	result := "done"
	switch {
	case errors.Is(err, errExpired):
		result = "expired"
	case errors.Is(err, errBusy):
		result = "busy"
	case errors.Is(err, ari.ErrNotFound):
		result = "not_found"
	case err != nil:
		result = "failed"
	}
	m.requests.WithLabelValues(kind, result).Inc()
	if result == "done" || result == "not_found" {
		m.seconds.Observe(took.Seconds())
	}
}

func (m *metrics) reachable(yes bool) { setBool(m.answers, yes) }

func setBool(g prometheus.Gauge, yes bool) {
	g.Set(0)
	if yes {
		g.Set(1)
	}
}
