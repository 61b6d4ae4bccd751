package exemption_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

var (
	caller = metering.NewNumber("+390612345678", "")
	noon   = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
)

// script is a lookup that answers as it is told.
type script func(ctx context.Context, at time.Time) (exemption.Answer, error)

func (s script) Exempt(ctx context.Context, _ metering.Number, at time.Time) (exemption.Answer, error) {
	return s(ctx, at)
}

func says(v metering.Verdict) script {
	return func(context.Context, time.Time) (exemption.Answer, error) {
		return exemption.Answer{Exemption: metering.Exemption{Verdict: v}}, nil
	}
}

func guard(t *testing.T, l exemption.Lookup, limits exemption.Limits, watch exemption.Watch) *exemption.Guarded {
	t.Helper()
	limits.Name = "test"
	if limits.Timeout == 0 {
		limits.Timeout = time.Second
	}
	g, err := exemption.Guard(l, limits, watch)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func TestTheDeadlineHoldsWhateverTheRegisterDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		g := guard(t, script(func(context.Context, time.Time) (exemption.Answer, error) {
			<-release // it does not even look at its context
			return exemption.Answer{}, nil
		}), exemption.Limits{Timeout: 300 * time.Millisecond}, exemption.Watch{})
		start := time.Now()
		_, err := g.Exempt(t.Context(), caller, noon)
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 300*time.Millisecond {
			t.Errorf("%v after %s", err, took)
		}
		close(release)
		synctest.Wait()
	})
}

func TestOneFlightForOneCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		g := guard(t, script(func(context.Context, time.Time) (exemption.Answer, error) {
			asked.Add(1)
			time.Sleep(100 * time.Millisecond)
			return exemption.Answer{Exemption: metering.Exemption{Verdict: metering.ExemptYes}}, nil
		}), exemption.Limits{}, exemption.Watch{})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if got, err := g.Exempt(t.Context(), caller, noon); err != nil || got.Verdict != metering.ExemptYes {
					t.Errorf("%+v, %v", got, err)
				}
			})
		}
		wg.Wait()
		if n := asked.Load(); n != 1 {
			t.Errorf("the register was asked %d times for one caller", n)
		}
	})
}

// An answer is remembered for the instants for which it holds, and for no longer than the limit.
func TestTheCacheKeepsWhatHolds(t *testing.T) {
	asked := 0
	g := guard(t, script(func(_ context.Context, at time.Time) (exemption.Answer, error) {
		asked++
		a := exemption.Answer{Exemption: metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-1"}, Until: noon.Add(time.Hour)}
		if !at.Before(a.Until) {
			a = exemption.Answer{Exemption: metering.Exemption{Verdict: metering.ExemptNo}}
			if at.Equal(noon.Add(2 * time.Hour)) {
				a.Until = noon.Add(3 * time.Hour)
			}
		}
		return a, nil
	}), exemption.Limits{Cache: time.Hour}, exemption.Watch{})
	for _, c := range []struct {
		at    time.Duration
		want  metering.Verdict
		asked int
	}{
		{0, metering.ExemptYes, 1}, {30 * time.Minute, metering.ExemptYes, 1},
		{time.Hour, metering.ExemptNo, 2}, {time.Hour + time.Minute, metering.ExemptNo, 3}, // a no without end is not remembered
		{2 * time.Hour, metering.ExemptNo, 4}, {150 * time.Minute, metering.ExemptNo, 4}, // until three
		{3 * time.Hour, metering.ExemptNo, 5},
		{-time.Minute, metering.ExemptYes, 6}, // of before the answer nothing is known
	} {
		if got, err := g.Exempt(t.Context(), caller, noon.Add(c.at)); err != nil || got.Verdict != c.want || asked != c.asked {
			t.Errorf("as of noon%+v: %s, asked %d times, %v; want %s, %d", c.at, got.Verdict, asked, err, c.want, c.asked)
		}
	}
}

func TestUnknownAndFailuresAreNotRemembered(t *testing.T) {
	asked := 0
	g := guard(t, script(func(context.Context, time.Time) (exemption.Answer, error) {
		if asked++; asked == 1 {
			return exemption.Answer{}, errors.New("down")
		}
		return exemption.Answer{}, nil
	}), exemption.Limits{Cache: time.Hour}, exemption.Watch{})
	for i := range 3 {
		_, err := g.Exempt(t.Context(), caller, noon)
		if (err != nil) != (i == 0) || asked != i+1 {
			t.Errorf("question %d: %v, asked %d times", i, err, asked)
		}
		if err != nil && strings.Contains(err.Error(), "12345678") {
			t.Errorf("the error names the caller: %v", err)
		}
	}
	if _, err := g.Exempt(t.Context(), metering.Number{}, noon); err != nil || asked != 3 {
		t.Errorf("a withheld number was asked about: %v", err)
	}
}

// A register that keeps failing is left alone, then tried with one question, and asked again once it answers.
func TestTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, down := 0, true
		var states, results []string
		g := guard(t, script(func(context.Context, time.Time) (exemption.Answer, error) {
			if asked++; down {
				return exemption.Answer{}, errors.New("down")
			}
			return exemption.Answer{Exemption: metering.Exemption{Verdict: metering.ExemptNo}}, nil
		}), exemption.Limits{}, exemption.Watch{
			Breaker: func(_, s string) { states = append(states, s) }, Asked: func(_, r string) { results = append(results, r) },
		})
		for range 20 {
			if _, err := g.Exempt(t.Context(), caller, noon); err == nil {
				t.Fatal("no error")
			}
		}
		if asked != 5 {
			t.Errorf("a register that is down was asked %d times, want 5", asked)
		}
		time.Sleep(6 * time.Second)
		down = false
		if got, err := g.Exempt(t.Context(), caller, noon); err != nil || got.Verdict != metering.ExemptNo {
			t.Errorf("after the pause: %+v, %v", got, err)
		}
		if got := strings.Join(states, " "); got != "open half-open closed" {
			t.Errorf("states: %s", got)
		}
		if got := strings.Join(results[4:7], " "); got != "failed refused refused" {
			t.Errorf("results: %v", results)
		}
	})
}

func TestAnyOf(t *testing.T) {
	fails := script(func(context.Context, time.Time) (exemption.Answer, error) {
		return exemption.Answer{}, errors.New("down")
	})
	hangs := script(func(ctx context.Context, _ time.Time) (exemption.Answer, error) {
		<-ctx.Done()
		return exemption.Answer{}, ctx.Err()
	})
	yes, no, unknown := says(metering.ExemptYes), says(metering.ExemptNo), says(metering.ExemptUnknown)
	for name, c := range map[string]struct {
		of   exemption.AnyOf
		want metering.Verdict
		err  bool
	}{
		"all say no":           {exemption.AnyOf{no, no}, metering.ExemptNo, false},
		"one says yes":         {exemption.AnyOf{no, yes, unknown}, metering.ExemptYes, false},
		"yes beats a failure":  {exemption.AnyOf{fails, yes}, metering.ExemptYes, false},
		"yes is not kept back": {exemption.AnyOf{hangs, yes}, metering.ExemptYes, false},
		"one cannot tell":      {exemption.AnyOf{no, unknown}, metering.ExemptUnknown, false},
		"one fails":            {exemption.AnyOf{no, fails}, metering.ExemptUnknown, true},
		"only one":             {exemption.AnyOf{yes}, metering.ExemptYes, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := c.of.Exempt(t.Context(), caller, noon); got.Verdict != c.want || (err != nil) != c.err {
				t.Errorf("%s, %v; want %s", got.Verdict, err, c.want)
			}
		})
	}
}
