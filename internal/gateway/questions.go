package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

// asker asks the lookup beside the calls: the pump never waits for it. A question that fails, or has no answer in time, is answered
// with unknown, which is never charged, and asked again for as long as the call lives; after that the settler asks.
type asker struct {
	lookup  exemption.Lookup
	metrics *metrics
	log     *zap.Logger
	answers chan answer
	slots   chan struct{}
	wg      sync.WaitGroup
	ctx     context.Context // the asker's own life, ended by wait
	cancel  context.CancelFunc

	mu   sync.Mutex
	open map[metering.CallID]context.CancelFunc // questions about calls that live
}

type answer struct {
	call      metering.CallID
	exemption metering.Exemption
}

const (
	// maxQuestions bounds the questions under way at one instant.
	maxQuestions = 256
	// maxUnanswered bounds the calls whose question is open, those that wait to be asked again among them. One more is left to the settler: arrivals are
	// never slowed down.
	maxUnanswered = 1 << 14
)

// The waits between two questions about the same caller.
const (
	minAskAgain = 500 * time.Millisecond
	maxAskAgain = 30 * time.Second
)

func newAsker(l exemption.Lookup, m *metrics, log *zap.Logger) *asker {
	ctx, cancel := context.WithCancel(context.Background())
	return &asker{
		lookup: l, metrics: m, log: log,
		answers: make(chan answer, maxQuestions), slots: make(chan struct{}, maxQuestions), ctx: ctx, cancel: cancel,
		open: map[metering.CallID]context.CancelFunc{},
	}
}

// ask asks until there is an answer, or until forget. What comes of it comes through answers; at the end of the gateway it may not come.
func (a *asker) ask(q mediation.Ask) {
	ctx, cancel := context.WithCancel(a.ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.open) >= maxUnanswered || a.open[q.Call] != nil {
		cancel()
		a.metrics.lookups.WithLabelValues("all", "overload").Inc()
		a.log.Warn(evLookupFailed, zap.String("call", string(q.Call)), zap.String("error", "too many lookups are under way"))
		return // no answer is unknown
	}
	a.open[q.Call] = cancel
	a.wg.Go(func() {
		defer a.forget(q.Call)
		a.pursue(ctx, q)
	})
}

// forget gives up a question: its call has ended.
func (a *asker) forget(call metering.CallID) {
	a.mu.Lock()
	cancel := a.open[call]
	delete(a.open, call)
	a.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// pursue asks again and again. A number that is withheld is asked about once: nobody will ever know it.
func (a *asker) pursue(ctx context.Context, q mediation.Ask) {
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
			case a.answers <- answer{q.Call, got.Exemption}:
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

func (a *asker) lookUp(ctx context.Context, q mediation.Ask) (exemption.Answer, error) {
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return exemption.Answer{}, ctx.Err()
	}
	return a.lookup.Exempt(ctx, q.Number, q.At)
}

// wait ends what is under way and waits for it.
func (a *asker) wait() {
	a.cancel()
	a.wg.Wait()
}

// watchLookups counts what is asked, and logs a register that is left alone.
func watchLookups(m *metrics, log *zap.Logger) exemption.Observer {
	return exemption.Observer{
		Asked: func(name, result string) { m.lookups.WithLabelValues(name, result).Inc() },
		Breaker: func(name, state string) {
			open := 0.0
			if state == "open" {
				open = 1
			}
			m.breaker.WithLabelValues(name).Set(open)
			log.Warn(evBreaker, zap.String("lookup", name), zap.String("state", state))
		},
	}
}
