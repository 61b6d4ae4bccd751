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

// Guarded is a lookup that cannot hurt: it answers within its deadline, asks once for several calls of one caller, remembers answers for as long as
// they hold, and leaves a register alone that keeps failing.
type Guarded struct {
	lookup  Lookup
	limits  Limits
	watch   Watch
	cache   *otter.Cache[metering.Number, remembered]
	flights singleflight.Group
	breaker *gobreaker.CircuitBreaker[Answer]
}

// Limits are a guard's bounds.
type Limits struct {
	Name    string        // of what is guarded, for errors and metrics
	Timeout time.Duration // for one question
	Cache   time.Duration // how long an answer may be remembered at most; 0: not at all
}

// Watch is told what the guard does, for metrics and logs; it must return at once. A nil function is not called.
type Watch struct {
	Asked   func(name, result string) // yes, no, unknown, failed, cached, refused (the breaker is open)
	Breaker func(name, state string)  // closed, half-open, open
}

const (
	maxRemembered = 1 << 17         // callers whose answers are remembered, at some 100 bytes each
	maxFailures   = 5               // in a row, after which the register is left alone
	coolDown      = 5 * time.Second // for how long, before one question tries again
)

// remembered is an answer and the span of instants for which it was given.
type remembered struct {
	Answer
	asOf time.Time
}

// holds tells whether the answer is one for this instant too.
func (r remembered) holds(at time.Time) bool {
	return !at.Before(r.asOf) && (r.Until.IsZero() || at.Before(r.Until))
}

// Guard puts the bounds around a lookup.
func Guard(l Lookup, limits Limits, watch Watch) (*Guarded, error) {
	g := &Guarded{lookup: l, limits: limits, watch: watch}
	if limits.Cache > 0 {
		var err error
		g.cache, err = otter.New(&otter.Options[metering.Number, remembered]{
			MaximumSize: maxRemembered, ExpiryCalculator: otter.ExpiryWriting[metering.Number, remembered](limits.Cache),
		})
		if err != nil {
			return nil, fmt.Errorf("making the cache of lookup %s: %w", limits.Name, err)
		}
	}
	g.breaker = gobreaker.NewCircuitBreaker[Answer](gobreaker.Settings{
		Name: limits.Name, Timeout: coolDown, MaxRequests: 1,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= maxFailures },
		OnStateChange: func(name string, _, to gobreaker.State) {
			if watch.Breaker != nil {
				watch.Breaker(name, to.String())
			}
		},
	})
	return g, nil
}

// Close ends what the cache runs.
func (g *Guarded) Close() {
	if g.cache != nil {
		g.cache.StopAllGoroutines()
	}
}

// Exempt implements Lookup.
func (g *Guarded) Exempt(ctx context.Context, number metering.Number, at time.Time) (Answer, error) {
	if number.Withheld() {
		return Answer{}, nil // nobody can tell, and nobody need be asked
	}
	if g.cache != nil {
		if r, ok := g.cache.GetIfPresent(number); ok && r.holds(at) {
			g.asked("cached")
			return r.Answer, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, g.limits.Timeout)
	defer cancel()
	for {
		r, err := g.fly(ctx, number, at)
		if err != nil || r.asOf.Equal(at) || r.holds(at) {
			return r.Answer, err
		}
		// Somebody else's question about the same caller, as of another instant: ask our own.
	}
}

// fly joins the question about this caller that is under way, or asks it.
func (g *Guarded) fly(ctx context.Context, number metering.Number, at time.Time) (remembered, error) {
	flight := g.flights.DoChan(number.Clear(), func() (any, error) {
		// Its own deadline: whoever began it may leave, and others wait for it.
		qctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.limits.Timeout)
		defer cancel()
		got, err := g.breaker.Execute(func() (Answer, error) { return g.lookup.Exempt(qctx, number, at) })
		switch {
		case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
			g.asked("refused")
			return remembered{}, fmt.Errorf("lookup %s is left alone for %s after %d failures in a row: %w", g.limits.Name, coolDown, maxFailures, err)
		case err != nil:
			g.asked("failed")
			return remembered{}, fmt.Errorf("lookup %s: %w", g.limits.Name, err)
		}
		g.asked(got.Verdict.String())
		r := remembered{Answer: got, asOf: at}
		if g.cache != nil && lasting(got) {
			g.cache.Set(number, r)
		}
		return r, nil
	})
	select {
	case res := <-flight:
		r, _ := res.Val.(remembered)
		return r, res.Err
	case <-ctx.Done():
		g.asked("late")
		return remembered{}, fmt.Errorf("lookup %s has not answered within %s: %w", g.limits.Name, g.limits.Timeout, ctx.Err())
	}
}

// lasting tells whether an answer may be remembered: a yes may, a no only where the register has said until when it holds. Another entitlement may be entered
// at any moment, and whoever is protected must not pay for our memory.
func lasting(a Answer) bool {
	return a.Verdict == metering.ExemptYes || a.Verdict == metering.ExemptNo && !a.Until.IsZero()
}

func (g *Guarded) asked(result string) {
	if g.watch.Asked != nil {
		g.watch.Asked(g.limits.Name, result)
	}
}
