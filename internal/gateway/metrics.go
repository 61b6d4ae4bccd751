package gateway

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/config"
)

// metrics are the gateway's own, in a registry of their own. docs/operations.md lists them.
type metrics struct {
	registry             *prometheus.Registry
	openCalls            *prometheus.GaugeVec
	callsSetAside        *prometheus.CounterVec
	records              *prometheus.CounterVec
	talkSeconds          *prometheus.CounterVec
	unseenSeconds        *prometheus.CounterVec
	unmatchedCalls       *prometheus.CounterVec
	pbxSynced            *prometheus.GaugeVec
	pbxGaps              *prometheus.CounterVec
	frames               *prometheus.CounterVec
	heartbeats           *prometheus.CounterVec
	unreadableFrames     *prometheus.CounterVec
	notFiltered          *prometheus.CounterVec
	proxyConnected       *prometheus.GaugeVec
	inboxFrames          *prometheus.GaugeVec
	inboxOverflows       *prometheus.CounterVec
	probes               *prometheus.CounterVec
	callerNumbers        *prometheus.CounterVec
	exemptionLookups     *prometheus.CounterVec
	exemptionBreakerOpen *prometheus.GaugeVec
	listenerRefused      *prometheus.CounterVec
	adminRefused         *prometheus.CounterVec
	registerUsable       prometheus.Gauge
	deskCallers          *prometheus.CounterVec
	deskTexts            *prometheus.CounterVec
	pendingRecords       prometheus.Gauge
	unreadableRecords    prometheus.Gauge
	rerated              *prometheus.CounterVec
	commitSeconds        prometheus.Histogram
	waitSeconds          *prometheus.HistogramVec
	answeredEarly        *prometheus.CounterVec
	signedAt             prometheus.Gauge
	signInterval         prometheus.Gauge
	commitFailures       prometheus.Counter
	signFailures         prometheus.Counter
	headsDiffer          *prometheus.GaugeVec
	headsWaiting         *prometheus.GaugeVec
	headFailures         *prometheus.CounterVec
	leasedNodes          prometheus.Gauge
	delivery             deliveryMetrics
}

// waitBuckets have the borders of laws and objectives among them: 20, 150 and 180 s.
var waitBuckets = []float64{5, 10, 20, 30, 60, 90, 120, 150, 180, 300, 600, 1200}

// addServices makes the series of the services, and of what is aimed at for them.
func (m *metrics) addServices(c *config.Config) {
	for _, s := range c.Services {
		for _, o := range []string{"answered", "abandoned"} {
			m.waitSeconds.WithLabelValues(s.Name, o)
		}
		for _, v := range []*prometheus.CounterVec{m.talkSeconds, m.unseenSeconds, m.answeredEarly} {
			v.WithLabelValues(s.Name)
		}
	}
	m.registry.MustRegister(objectives{c.Quality.Targets(), time.Now})
}

// addHeadPlace makes the series of a second place of the signed heads.
func (m *metrics) addHeadPlace(name string) {
	m.headsDiffer.WithLabelValues(name)
	m.headsWaiting.WithLabelValues(name)
	m.headFailures.WithLabelValues(name)
}

// gapReasons are those that a source gives.
var gapReasons = []string{
	ari.GapConnection, ari.GapReplaced, ari.GapSilence, ari.GapOverflow, ari.GapDeaf, ari.GapClock,
	ari.GapUnreadable, ari.GapMissed, ari.GapFrames,
}

// addPBX makes a PBX's series before anything is counted: a series that is missing until its first
// event reads as "no data", not as zero.
func (m *metrics) addPBX(name string) {
	for _, g := range []*prometheus.GaugeVec{m.openCalls, m.pbxSynced, m.inboxFrames} {
		g.WithLabelValues(name)
	}
	for _, c := range []*prometheus.CounterVec{
		m.frames, m.heartbeats, m.unreadableFrames, m.inboxOverflows, m.probes,
		m.callsSetAside, m.notFiltered,
	} {
		c.WithLabelValues(name)
	}
	for _, why := range gapReasons {
		m.pbxGaps.WithLabelValues(name, why)
	}
	for _, why := range []string{"login", "failed"} {
		m.listenerRefused.WithLabelValues(name, why)
	}
	for _, why := range []string{"no_service", "talk"} {
		m.unmatchedCalls.WithLabelValues(name, why)
	}
}

// removePBX removes the series of a PBX that another meter has.
func (m *metrics) removePBX(name string) {
	of := prometheus.Labels{"pbx": name}
	for _, g := range []*prometheus.GaugeVec{m.openCalls, m.pbxSynced, m.inboxFrames, m.proxyConnected} {
		g.DeletePartialMatch(of)
	}
	for _, c := range []*prometheus.CounterVec{
		m.frames, m.heartbeats, m.unreadableFrames, m.inboxOverflows, m.probes, m.callsSetAside,
		m.notFiltered, m.pbxGaps, m.listenerRefused, m.unmatchedCalls, m.callerNumbers,
	} {
		c.DeletePartialMatch(of)
	}
}

func gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "risposta_" + name, Help: help}, labels)
}

func single(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: "risposta_" + name, Help: help})
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "risposta_" + name, Help: help}, labels)
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		openCalls: gauge("open_calls",
			"Metered calls that have arrived and not ended.", "pbx"),
		callsSetAside: counter("calls_set_aside_total",
			"Calls that are metered no further because of trouble of their own.", "pbx"),
		records: counter("records_total",
			"Records committed.", "service", "outcome"),
		talkSeconds: counter("talk_seconds_total",
			"Talk in committed records.", "service"),
		unseenSeconds: counter("unseen_seconds_total",
			"Time in committed records that was not seen, and is free.", "service"),
		unmatchedCalls: counter("unmatched_calls_total",
			"Calls into a service's context, or with an operator, that were on no service.", "pbx", "reason"),
		pbxSynced: gauge("pbx_synced",
			"1 while every event of the PBX is received.", "pbx"),
		pbxGaps: counter("pbx_gaps_total",
			"Gaps in the events of the PBX, by reason.", "pbx", "reason"),
		frames: counter("frames_total", "Frames processed.", "pbx"),
		heartbeats: counter("heartbeats_total",
			"Heartbeats that the PBX sent back.", "pbx"),
		unreadableFrames: counter("unreadable_frames_total",
			"Frames that could not be read.", "pbx"),
		notFiltered: counter("pbx_not_filtered_total",
			"Connections at which the PBX could not be told which events to send.", "pbx"),
		proxyConnected: gauge("pbx_proxy_connected",
			"1 while commands to the PBX can be sent over NATS.", "pbx"),
		inboxFrames: gauge("inbox_frames", "Frames read and not processed yet.", "pbx"),
		listenerRefused: counter("listener_refused_total",
			"Connections to the listener that were refused or failed.", "pbx", "reason"),
		adminRefused: counter("admin_refused_total",
			"Requests and connections to the admin port that were refused or failed.", "reason"),
		inboxOverflows: counter("inbox_overflows_total",
			"Times the inbox was full, and a new snapshot was needed.", "pbx"),
		probes: counter("probes_total",
			"Questions to the PBX about legs that no event answers.", "pbx"),
		callerNumbers: counter("caller_numbers_total",
			"Callers' numbers, by whether they were understood.", "pbx", "trunk", "result"),
		exemptionLookups: counter("exemption_lookups_total",
			"Exemption lookups, by result.", "lookup", "result"),
		exemptionBreakerOpen: gauge("exemption_breaker_open",
			"1 while a lookup that kept failing is not asked.", "lookup"),
		registerUsable: single("exemption_register_usable",
			"0 while the exemption register is missing or refused: it answers no about nobody."),
		deskCallers: counter("desk_callers_total",
			"Callers who have left the front desk, by result.", "step", "result"),
		deskTexts: counter("desk_texts_total",
			"Texts that the dialplan has sent to callers, by result.", "result"),
		pendingRecords: single("pending_records",
			"Records that charge nothing until it is known whether the caller is exempt."),
		unreadableRecords: single("unreadable_records",
			"Records that the last search for calls to credit could not read."),
		rerated: counter("rerated_total",
			"Later versions of records, by reason.", "reason"),
		leasedNodes: single("leased_nodes",
			"PBXs of the cluster that this meter has."),
		delivery: newDeliveryMetrics(),
	}
	m.addLedger()
	m.registerUsable.Set(1)
	m.register()
	return m
}

func (m *metrics) register() {
	m.registry.MustRegister(
		m.openCalls, m.callsSetAside, m.unmatchedCalls, m.records, m.talkSeconds, m.unseenSeconds,
		m.pbxSynced, m.pbxGaps, m.frames, m.heartbeats, m.unreadableFrames, m.notFiltered,
		m.inboxFrames, m.proxyConnected,
		m.inboxOverflows, m.listenerRefused, m.adminRefused, m.probes, m.callerNumbers,
		m.exemptionLookups, m.exemptionBreakerOpen,
		m.registerUsable, m.deskCallers, m.deskTexts, m.pendingRecords, m.unreadableRecords, m.rerated, m.commitSeconds,
		m.waitSeconds, m.answeredEarly, m.signedAt, m.signInterval,
		m.commitFailures, m.signFailures, m.leasedNodes, m.headsDiffer, m.headsWaiting, m.headFailures,
		m.delivery.lag, m.delivery.lagSeconds, m.delivery.delivered, m.delivery.failures,
		m.delivery.deadLetters, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
}

// addLedger makes the metrics of what is committed, and of the ledger log.
func (m *metrics) addLedger() {
	m.commitSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "risposta_commit_duration_seconds", Help: "Time of one commit, fsync included.",
		Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
	})
	m.waitSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "risposta_wait_seconds",
		Help: "First waits in committed records, from the choice of an operator, by what ended them: " +
			"answered or abandoned.",
		Buckets: waitBuckets,
	}, []string{"service", "outcome"})
	m.answeredEarly = counter("answered_early_records_total",
		"Records of calls that were answered before an operator: their own network charged a wait.",
		"service")
	m.signedAt = single("ledger_signed_timestamp_seconds",
		"When every change of the ledger log was last found signed; 0: not since the start.")
	m.signInterval = single("ledger_sign_interval_seconds",
		"How often the ledger log is signed.")
	m.commitFailures = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "risposta_commit_failures_total", Help: "Commits that failed and were tried again.",
	})
	m.signFailures = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "risposta_ledger_sign_failures_total",
		Help: "Times the ledger log could not be signed.",
	})
	m.headsDiffer = gauge("ledger_heads_differ",
		"1 where the ledger is not the one whose head is in this second place.", "place")
	m.headsWaiting = gauge("ledger_heads_waiting",
		"1 while the newest signed head is not kept in this second place.", "place")
	m.headFailures = counter("ledger_head_failures_total",
		"Tries to keep a signed head in this second place that failed.", "place")
}
