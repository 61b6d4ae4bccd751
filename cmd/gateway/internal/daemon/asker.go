package daemon

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/cmd/gateway/internal/pipeline"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

// asker asks the lookup beside the calls: the pump never waits for it. A question that fails, or has no answer in time, is answered
// with unknown, which is never charged.
type asker struct {
	lookup  exemption.Lookup
	timeout time.Duration
	metrics *metrics
	log     *zap.Logger
	answers chan answer
	slots   chan struct{}
	wg      sync.WaitGroup
	ctx     context.Context // the asker's own life, ended by wait
	cancel  context.CancelFunc
}

type answer struct {
	call      metering.CallID
	exemption metering.Exemption
}

// maxQuestions bounds the questions under way. One more is answered with unknown at once: arrivals are never slowed down.
const maxQuestions = 256

func newAsker(l exemption.Lookup, timeout time.Duration, m *metrics, log *zap.Logger) *asker {
	ctx, cancel := context.WithCancel(context.Background())
	return &asker{
		lookup: l, timeout: timeout, metrics: m, log: log,
		answers: make(chan answer, maxQuestions), slots: make(chan struct{}, maxQuestions), ctx: ctx, cancel: cancel,
	}
}

// ask asks one question. Its answer comes through answers; at the end of the gateway it may not come.
func (a *asker) ask(q pipeline.Ask) {
	if a.lookup == nil {
		return
	}
	select {
	case a.slots <- struct{}{}:
	default:
		a.metrics.lookups.WithLabelValues("overload").Inc()
		a.log.Warn(evLookupFailed, zap.String("call", string(q.Call)), zap.String("error", "too many lookups are under way"))
		return // no answer is unknown
	}
	a.wg.Add(1)
	go func() {
		defer a.wg.Done()
		defer func() { <-a.slots }()
		got := a.lookUp(q)
		select {
		case a.answers <- answer{q.Call, got}:
		case <-a.ctx.Done():
		}
	}()
}

func (a *asker) lookUp(q pipeline.Ask) metering.Exemption {
	ctx, cancel := context.WithTimeout(a.ctx, a.timeout)
	defer cancel()
	got, err := a.lookup.Exempt(ctx, q.Number, q.At)
	if err != nil {
		a.metrics.lookups.WithLabelValues("failed").Inc()
		a.log.Warn(evLookupFailed, zap.String("call", string(q.Call)), zap.Error(err))
		return metering.Exemption{Verdict: metering.ExemptUnknown}
	}
	a.metrics.lookups.WithLabelValues(got.Verdict.String()).Inc()
	return got
}

// wait ends what is under way and waits for it.
func (a *asker) wait() {
	a.cancel()
	a.wg.Wait()
}
