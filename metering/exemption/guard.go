package exemption

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/sony/gobreaker/v2"
	"golang.org/x/sync/singleflight"

	"github.com/risposta/gateway/metering"
)

// Guarded is a lookup with bounds. It answers within its deadline, asks once where the same is asked
// several times at once, caches answers for the instants that they hold, and stops asking a register
// that keeps failing.
type Guarded struct {
	lookup   Lookup
	limits   Limits
	observer Observer
	cache    *otter.Cache[metering.Number, dated]
	flights  singleflight.Group
	breaker  *gobreaker.CircuitBreaker[Answer]
}

// Limits are the bounds of a guard.
type Limits struct {
	Name    string        // of the lookup, for errors and metrics
	Timeout time.Duration // for one question
	Cache   time.Duration // the longest time that an answer is cached; 0: no cache
}

// Observer gets what a guard does, for metrics and logs. Its functions must return at once. A nil
// function is not called.
type Observer struct {
	// Asked gets the result of each question: yes, no, unknown, failed, cached, late (no answer before
	// the deadline), refused (the breaker is open).
	Asked func(name, result string)
	// Breaker gets each new state of the breaker: closed, half-open, open.
	Breaker func(name, state string)
}

const (
	maxCached   = 1 << 17         // callers, at some 100 bytes each
	maxFailures = 5               // in a row, before the breaker opens
	coolDown    = 5 * time.Second // of an open breaker, before it lets one question through
)

// dated is an answer and the instant that it was asked for.
type dated struct {
	Answer
	asOf time.Time
}

// holds reports whether the answer holds for an instant: without an end, for its own alone.
func (d dated) holds(at time.Time) bool {
	return at.Equal(d.asOf) || at.After(d.asOf) && at.Before(d.Until)
}

// Guard puts bounds around a lookup.
func Guard(l Lookup, limits Limits, observer Observer) (*Guarded, error) {
	g := &Guarded{lookup: l, limits: limits, observer: observer}
	if limits.Cache > 0 {
		var err error
		g.cache, err = otter.New(&otter.Options[metering.Number, dated]{
			MaximumSize:      maxCached,
			ExpiryCalculator: otter.ExpiryWriting[metering.Number, dated](limits.Cache),
		})
		if err != nil {
			return nil, fmt.Errorf("making the cache of lookup %s: %w", limits.Name, err)
		}
	}
	g.breaker = gobreaker.NewCircuitBreaker[Answer](gobreaker.Settings{
		Name: limits.Name, Timeout: coolDown, MaxRequests: 1,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= maxFailures },
		OnStateChange: func(name string, _, to gobreaker.State) {
			if observer.Breaker != nil {
				observer.Breaker(name, to.String())
			}
		},
	})
	return g, nil
}

// Close stops the goroutines of the cache.
func (g *Guarded) Close() {
	if g.cache != nil {
		g.cache.StopAllGoroutines()
	}
}

// Exempt implements [Lookup].
func (g *Guarded) Exempt(
	ctx context.Context, number metering.Number, at time.Time,
) (Answer, error) {
	if number.Withheld() {
		return Answer{}, nil // no register can know it
	}
	if g.cache != nil {
		if d, ok := g.cache.GetIfPresent(number); ok && d.holds(at) {
			g.asked("cached")
			return d.Answer, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, g.limits.Timeout)
	defer cancel()
	d, err := g.ask(ctx, number, at)
	return d.Answer, err
}

// ask joins the open question that is the same, or asks it.
func (g *Guarded) ask(
	ctx context.Context, number metering.Number, at time.Time,
) (dated, error) {
	key := fmt.Sprint(number.Clear(), at.UnixNano())
	flight := g.flights.DoChan(key, func() (any, error) {
		// A deadline of its own: the call that asked may end while others wait for the answer.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.limits.Timeout)
		defer cancel()
		return g.askRegister(ctx, number, at)
	})
	select {
	case res := <-flight:
		d, _ := res.Val.(dated)
		return d, res.Err
	case <-ctx.Done():
		g.asked("late")
		return dated{}, fmt.Errorf("lookup %s has not answered within %s: %w",
			g.limits.Name, g.limits.Timeout, ctx.Err())
	}
}

func (g *Guarded) askRegister(
	ctx context.Context, number metering.Number, at time.Time,
) (dated, error) {
	got, err := g.breaker.Execute(func() (Answer, error) { return g.lookup.Exempt(ctx, number, at) })
	switch {
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		g.asked("refused")
		return dated{}, fmt.Errorf("lookup %s is not asked for %s after %d failures in a row: %w",
			g.limits.Name, coolDown, maxFailures, err)
	case err != nil:
		g.asked("failed")
		return dated{}, fmt.Errorf("lookup %s: %w", g.limits.Name, err)
	}
	g.asked(got.Verdict.String())
	d := dated{Answer: got, asOf: at}
	if g.cache != nil && cacheable(got) {
		g.cache.Set(number, d)
	}
	return d, nil
}

// cacheable reports whether an answer may be cached: only until an instant that the register named.
// An entitlement may be added or ended at any moment.
func cacheable(a Answer) bool {
	return a.Verdict != metering.ExemptUnknown && !a.Until.IsZero()
}

func (g *Guarded) asked(result string) {
	if g.observer.Asked != nil {
		g.observer.Asked(g.limits.Name, result)
	}
}
