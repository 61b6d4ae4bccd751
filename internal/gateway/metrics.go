package gateway

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are the gateway's own, in a registry of their own. docs/operations.md lists them.
type metrics struct {
	registry       *prometheus.Registry
	openCalls      *prometheus.GaugeVec
	records        *prometheus.CounterVec
	talkSeconds    *prometheus.CounterVec
	unseenSeconds  *prometheus.CounterVec
	sight          *prometheus.GaugeVec
	sightLost      *prometheus.CounterVec
	frames         *prometheus.CounterVec
	canaries       *prometheus.CounterVec
	unreadable     *prometheus.CounterVec
	inbox          *prometheus.GaugeVec
	overflows      *prometheus.CounterVec
	lookups        *prometheus.CounterVec
	breaker        *prometheus.GaugeVec
	pendingRecords prometheus.Gauge
	desk           *prometheus.CounterVec
	rerated        *prometheus.CounterVec
	commitSeconds  prometheus.Histogram
	commitFailures prometheus.Counter
	signFailures   prometheus.Counter
}

// watching makes a PBX's series before anything is counted: a series that is missing until its first event reads as "no data", not as zero.
func (m *metrics) watching(pbx string) {
	for _, g := range []*prometheus.GaugeVec{m.openCalls, m.sight, m.inbox} {
		g.WithLabelValues(pbx)
	}
	for _, c := range []*prometheus.CounterVec{m.frames, m.canaries, m.unreadable, m.overflows} {
		c.WithLabelValues(pbx)
	}
}

func newMetrics() *metrics {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "risposta_" + name, Help: help}, labels)
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "risposta_" + name, Help: help}, labels)
	}
	m := &metrics{
		registry:       prometheus.NewRegistry(),
		openCalls:      gauge("open_calls", "Metered calls that have arrived and not ended.", "pbx"),
		records:        counter("records_total", "Records committed.", "service", "outcome"),
		talkSeconds:    counter("talk_seconds_total", "Talk in committed records.", "service"),
		unseenSeconds:  counter("unseen_seconds_total", "Time in committed records that was not seen, and is free.", "service"),
		sight:          gauge("pbx_synced", "1 while the PBX is seen without a gap.", "pbx"),
		sightLost:      counter("pbx_gaps_total", "Losses of sight, by reason.", "pbx", "reason"),
		frames:         counter("frames_total", "Frames taken in.", "pbx"),
		canaries:       counter("heartbeats_total", "Proofs of sight: our own events that came back.", "pbx"),
		unreadable:     counter("unreadable_frames_total", "Frames that could not be read.", "pbx"),
		inbox:          gauge("inbox_frames", "Frames read and not yet dealt with.", "pbx"),
		overflows:      counter("inbox_overflows_total", "Times the inbox was full and sight was given up.", "pbx"),
		lookups:        counter("exemption_lookups_total", "Exemption lookups, by what came of them.", "lookup", "result"),
		breaker:        gauge("exemption_breaker_open", "1 while a lookup that kept failing is left alone.", "lookup"),
		desk:           counter("desk_callers_total", "Callers who have left the front desk, by what came of it.", "service", "result"),
		pendingRecords: prometheus.NewGauge(prometheus.GaugeOpts{Name: "risposta_pending_records", Help: "Records that charge nothing until it is known whether the caller is exempt."}),
		rerated:        counter("rerated_total", "Records superseded by an answer or a proof that came after the call.", "why"),
		commitSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "risposta_commit_seconds", Help: "Time of one commit, fsync included.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
		}),
		commitFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "risposta_commit_failures_total", Help: "Commits that failed and were tried again.",
		}),
	}
	m.signFailures = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "risposta_ledger_sign_failures_total", Help: "Times the log of the records could not be signed.",
	})
	m.registry.MustRegister(
		m.openCalls, m.records, m.talkSeconds, m.unseenSeconds, m.sight, m.sightLost, m.frames, m.canaries, m.unreadable, m.inbox,
		m.overflows, m.lookups, m.breaker, m.desk, m.pendingRecords, m.rerated, m.commitSeconds, m.commitFailures, m.signFailures,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}
