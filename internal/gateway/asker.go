package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"

	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

// asker asks whether callers are exempt, beside the calls: the worker never waits for it. A lookup
// that fails counts as unknown, which is never charged, and is repeated until the call ends. After
// that the record is pending, and internal/rerating asks.
type asker struct {
	lookup  lookups.ByNumber
	metrics *metrics
	log     *zap.Logger
	answers chan answer
	slots   chan struct{}
	wg      sync.WaitGroup
	ctx     context.Context // ended by wait
	cancel  context.CancelFunc

	mu   sync.Mutex
	open map[metering.CallID]*lookup // of calls that have not ended
}

// lookup is a lookup under way.
type lookup struct{ cancel context.CancelFunc }

type answer struct {
	call      metering.CallID
	exemption metering.Exemption
}

const (
	// maxLookups bounds the lookups under way at one instant.
	maxLookups = 256
	// maxUnanswered bounds the calls without an answer, those that wait for the next lookup among
	// them. One more is not asked about before it ends: arrivals are never slowed down.
	maxUnanswered = 1 << 14
)

// The waits between two lookups for the same call.
const (
	minAskAgain = 500 * time.Millisecond
	maxAskAgain = 30 * time.Second
)

func newAsker(l lookups.ByNumber, m *metrics, log *zap.Logger) *asker {
	ctx, cancel := context.WithCancel(context.Background())
	return &asker{
		lookup: l, metrics: m, log: log, ctx: ctx, cancel: cancel,
		answers: make(chan answer, maxLookups), slots: make(chan struct{}, maxLookups),
		open: map[metering.CallID]*lookup{},
	}
}

// ask repeats the lookup until there is an answer, or until forget. The answer comes through
// answers; when the gateway ends it may not come. A second question about a call, when its number
// has come, takes the place of the first.
func (a *asker) ask(q mediation.Ask) {
	ctx, cancel := context.WithCancel(a.ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	if former := a.open[q.Call]; former != nil {
		former.cancel()
		delete(a.open, q.Call)
	}
	if len(a.open) >= maxUnanswered {
		cancel()
		a.metrics.exemptionLookups.WithLabelValues("all", "overload").Inc()
		a.log.Warn(evLookupFailed, zap.String("call", string(q.Call)),
			zap.String("error", "too many lookups are under way"))
		return // without an answer the exemption is unknown
	}
	l := &lookup{cancel}
	a.open[q.Call] = l
	a.wg.Go(func() {
		a.repeat(ctx, q)
		cancel()
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.open[q.Call] == l {
			delete(a.open, q.Call)
		}
	})
}

// forget stops asking: the call has ended.
func (a *asker) forget(call metering.CallID) {
	a.mu.Lock()
	l := a.open[call]
	delete(a.open, call)
	a.mu.Unlock()
	if l != nil {
		l.cancel()
	}
}

// repeat asks until there is an answer. A number that is withheld is asked about once: no lookup
// can ever know it.
func (a *asker) repeat(ctx context.Context, q mediation.Ask) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = minAskAgain, maxAskAgain
	for tries := 0; ; tries++ {
		got, err := a.lookUp(ctx, q)
		if ctx.Err() != nil {
			return
		}
		if err != nil && tries == 0 {
			a.log.Warn(evLookupFailed, zap.String("call", string(q.Call)), zap.Error(err))
		}
		known := got.Verdict != metering.ExemptUnknown
		if known || tries == 0 {
			select {
			case a.answers <- answer{q.Call, got}:
			case <-ctx.Done():
				return
			}
		}
		if known || q.Number.Withheld() {
			return
		}
		select {
		case <-time.After(wait.NextBackOff()):
		case <-ctx.Done():
			return
		}
	}
}

func (a *asker) lookUp(ctx context.Context, q mediation.Ask) (metering.Exemption, error) {
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return metering.Exemption{}, ctx.Err()
	}
	return a.lookup.Exempt(ctx, q)
}

// wait cancels the lookups that are under way, and waits for them.
func (a *asker) wait() {
	a.cancel()
	a.wg.Wait()
}

// observeLookups counts lookups, and logs when a failing one is no longer asked.
func observeLookups(m *metrics, log *zap.Logger) exemption.Observer {
	return exemption.Observer{
		Asked: func(name, result string) { m.exemptionLookups.WithLabelValues(name, result).Inc() },
		Breaker: func(name, state string) {
			open := 0.0
			if state == "open" {
				open = 1
			}
			m.exemptionBreakerOpen.WithLabelValues(name).Set(open)
			log.Warn(evBreaker, zap.String("lookup", name), zap.String("state", state))
		},
	}
}
