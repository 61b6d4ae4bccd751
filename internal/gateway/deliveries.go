package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/risposta/gateway/internal/delivery"
)

// openDeliveries makes the workers of the other systems that get the records.
func (s *site) openDeliveries(ctx context.Context) (err error) {
	d := s.gateway
	if err := s.ledger.KeepPayers(ctx, delivery.KeepsPayers(d.conf)); err != nil {
		return err
	}
	watch := deliveryObserver{s.log, d.metrics.delivery, s.name}
	s.deliveries, err = delivery.Open(ctx, d.conf, s.name, s.ledger, watch)
	return err
}

// deliver delivers to each system until ctx ends. None waits for another.
func (s *site) deliver(ctx context.Context) {
	var workers sync.WaitGroup
	for _, w := range s.deliveries {
		workers.Go(func() { w.Run(ctx) })
	}
	workers.Wait()
	s.gateway.metrics.delivery.forget(s.name)
}

// deliveryMetrics are those of the other systems, each by the name of its delivery.
type deliveryMetrics struct {
	lag, lagSeconds, deadLetters *prometheus.GaugeVec
	delivered, failures          *prometheus.CounterVec
	left                         *undelivered
}

func newDeliveryMetrics() deliveryMetrics {
	return deliveryMetrics{
		left: &undelivered{of: map[siteSink]remaining{}},
		lag: gauge("delivery_lag_leaves",
			"Leaves of the ledger log that this system does not have yet.", "sink"),
		lagSeconds: gauge("delivery_lag_seconds",
			"How long there have been leaves that this system does not have.", "sink"),
		delivered: counter("delivered_total",
			"Events that this system has settled.", "sink"),
		failures: counter("delivery_failures_total",
			"Tries to deliver to this system that failed.", "sink"),
		deadLetters: gauge("delivery_dead_letters",
			"Events that this system has refused, and that wait for an operator.", "sink"),
	}
}

// add makes the series of a system.
func (m deliveryMetrics) add(sink string) {
	for _, g := range []*prometheus.GaugeVec{m.lag, m.lagSeconds, m.deadLetters} {
		g.WithLabelValues(sink)
	}
	m.delivered.WithLabelValues(sink)
	m.failures.WithLabelValues(sink)
}

// undelivered is what the systems do not have of the ledger log of each node that this process meters.
// The gauges have the sum over the nodes, and the longest time.
type undelivered struct {
	mu sync.Mutex
	of map[siteSink]remaining
}

type siteSink struct{ node, sink string }

type remaining struct {
	leaves  int64
	age     time.Duration
	letters int
}

// change changes what a system does not have of a node's log, and shows what it does not have of all.
func (m deliveryMetrics) change(at siteSink, change func(*remaining)) {
	m.left.mu.Lock()
	defer m.left.mu.Unlock()
	own := m.left.of[at]
	change(&own)
	m.left.of[at] = own
	m.show(at.sink)
}

// forget leaves out a node that another process meters from here on.
func (m deliveryMetrics) forget(node string) {
	m.left.mu.Lock()
	defer m.left.mu.Unlock()
	for at := range m.left.of {
		if at.node == node {
			delete(m.left.of, at)
			m.show(at.sink)
		}
	}
}

// show sets the gauges of a system, under the lock.
func (m deliveryMetrics) show(sink string) {
	var all remaining
	for at, r := range m.left.of {
		if at.sink == sink {
			all.leaves += r.leaves
			all.letters += r.letters
			all.age = max(all.age, r.age)
		}
	}
	m.lag.WithLabelValues(sink).Set(float64(all.leaves))
	m.lagSeconds.WithLabelValues(sink).Set(all.age.Seconds())
	m.deadLetters.WithLabelValues(sink).Set(float64(all.letters))
}

// deliveryObserver turns what becomes of deliveries into log lines and metrics.
type deliveryObserver struct {
	log     *zap.Logger
	metrics deliveryMetrics
	node    string // "" where there is one ledger log alone
}

var _ delivery.Observer = deliveryObserver{}

// Lag implements delivery.Observer.
func (o deliveryObserver) Lag(sink string, leaves int64, age time.Duration) {
	o.metrics.change(siteSink{o.node, sink}, func(r *remaining) { r.leaves, r.age = leaves, age })
}

// Delivered implements delivery.Observer.
func (o deliveryObserver) Delivered(sink string, events int) {
	o.metrics.delivered.WithLabelValues(sink).Add(float64(events))
}

// Failing implements delivery.Observer.
func (o deliveryObserver) Failing(sink string, err error, wait time.Duration, first bool) {
	o.metrics.failures.WithLabelValues(sink).Inc()
	if first {
		o.log.Error(evDeliveryFailing, zap.String("sink", sink), zap.Error(err),
			zap.Duration("retry_in_ms", wait))
	}
}

// Resumed implements delivery.Observer.
func (o deliveryObserver) Resumed(sink string) {
	o.log.Info(evDeliveryResumed, zap.String("sink", sink))
}

// Dead implements delivery.Observer.
func (o deliveryObserver) Dead(sink, record, why string) {
	o.log.Error(evDeadLetter, zap.String("sink", sink), zap.String("record", record),
		zap.String("error", why))
}

// Letters implements delivery.Observer.
func (o deliveryObserver) Letters(sink string, waiting int) {
	o.metrics.change(siteSink{o.node, sink}, func(r *remaining) { r.letters = waiting })
}
