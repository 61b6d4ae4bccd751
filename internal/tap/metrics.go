package tap

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/risposta/gateway/ari"
)

// metrics are the tap's own, in a registry of their own. docs/tap.md lists them.
type metrics struct {
	registry        *prometheus.Registry
	synced          prometheus.Gauge
	gaps            *prometheus.CounterVec
	frames          prometheus.Counter
	overflows       prometheus.Counter
	journalBytes    prometheus.Gauge
	journalLimit    prometheus.Gauge
	journalFailures prometheus.Counter
	connected       prometheus.Gauge
	published       prometheus.Counter
	publishFailures prometheus.Counter
	streamBytes     prometheus.Gauge
	streamLimit     prometheus.Gauge
	passedAt        prometheus.Gauge
	resent          prometheus.Counter
	refused         prometheus.Counter
	adminRefused    *prometheus.CounterVec
	loginRefused    *prometheus.CounterVec
}

func newMetrics() *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "risposta_tap_" + name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "risposta_tap_" + name, Help: help})
	}
	labelled := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(
			prometheus.CounterOpts{Name: "risposta_tap_" + name, Help: help}, labels)
	}
	m := &metrics{
		registry:        prometheus.NewRegistry(),
		synced:          gauge("pbx_synced", "1 while every event of the PBX is received."),
		gaps:            labelled("gaps_total", "Gaps in the events of the PBX, by reason.", "reason"),
		frames:          counter("frames_total", "Frames written to the journal."),
		overflows:       counter("overflows_total", "Times frames were refused, and a new snapshot was needed."),
		journalBytes:    gauge("journal_bytes", "Bytes of the journal that no meter has passed, about."),
		journalLimit:    gauge("journal_limit_bytes", "Bytes that the journal may have."),
		journalFailures: counter("journal_failures_total", "Tries to write to the journal or to read it that failed."),
		connected:       gauge("nats_connected", "1 while the tap is connected to NATS."),
		published:       counter("published_total", "Messages that the stream has acknowledged."),
		publishFailures: counter("publish_failures_total", "Tries to send to the stream that failed."),
		streamBytes:     gauge("stream_bytes", "Bytes of the stream, of all nodes."),
		streamLimit:     gauge("stream_limit_bytes", "Bytes that the stream may have."),
		passedAt: gauge("passed_timestamp_seconds",
			"When a meter last said how far its checkpoint is; 0: not since the start."),
		resent:       counter("resent_total", "Batches that a meter missed and was sent again."),
		refused:      counter("requests_refused_total", "Requests of meters that could not be answered."),
		adminRefused: labelled("admin_refused_total", "Requests to the admin port that were refused.", "reason"),
		loginRefused: labelled("listener_refused_total",
			"Connections to the listener that were refused or failed.", "reason"),
	}
	for _, why := range []string{
		ari.GapConnection, ari.GapReplaced, ari.GapSilence, ari.GapOverflow, ari.GapDeaf, ari.GapClock,
		ari.GapUnreadable, ari.GapMissed, ari.GapFrames, ari.GapRestart, ari.GapNotWatching,
	} {
		m.gaps.WithLabelValues(why)
	}
	for _, why := range []string{"login", "failed"} {
		m.loginRefused.WithLabelValues(why)
	}
	m.registry.MustRegister(m.synced, m.gaps, m.frames, m.overflows, m.journalBytes, m.journalLimit,
		m.journalFailures, m.connected, m.published, m.publishFailures, m.streamBytes, m.streamLimit,
		m.passedAt, m.resent, m.refused, m.adminRefused, m.loginRefused, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}
