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
	caller = metering.NewNumber("+390612345678")
	noon   = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
)

// lookup is a Lookup whose answers the test gives.
type lookup func(ctx context.Context, at time.Time) (exemption.Answer, error)

func (l lookup) Exempt(
	ctx context.Context, _ metering.Number, at time.Time,
) (exemption.Answer, error) {
	return l(ctx, at)
}

var errDown = errors.New("down")

func answer(v metering.Verdict) exemption.Answer {
	return exemption.Answer{Exemption: metering.Exemption{Verdict: v}}
}

func always(v metering.Verdict) lookup {
	return func(context.Context, time.Time) (exemption.Answer, error) { return answer(v), nil }
}

func guard(
	t *testing.T, l exemption.Lookup, limits exemption.Limits, observer exemption.Observer,
) *exemption.Guarded {
	t.Helper()
	limits.Name = "test"
	if limits.Timeout == 0 {
		limits.Timeout = time.Second
	}
	g, err := exemption.Guard(l, limits, observer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func TestDeadlineOfALookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		g := guard(t, lookup(func(context.Context, time.Time) (exemption.Answer, error) {
			<-release // it ignores its context
			return exemption.Answer{}, nil
		}), exemption.Limits{Timeout: 300 * time.Millisecond}, exemption.Observer{})
		start := time.Now()
		_, err := g.Exempt(t.Context(), caller, noon)
		took := time.Since(start)
		if !errors.Is(err, context.DeadlineExceeded) || took != 300*time.Millisecond {
			t.Errorf("%v after %s", err, took)
		}
		close(release)
		synctest.Wait()
	})
}

func TestTheSameQuestionIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		g := guard(t, lookup(func(context.Context, time.Time) (exemption.Answer, error) {
			asked.Add(1)
			time.Sleep(100 * time.Millisecond)
			return answer(metering.ExemptYes), nil
		}), exemption.Limits{}, exemption.Observer{})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				got, err := g.Exempt(t.Context(), caller, noon)
				if err != nil || got.Verdict != metering.ExemptYes {
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

func TestCacheAnswersForTheInstantsThatAnAnswerHolds(t *testing.T) {
	asked := 0
	g := guard(t, lookup(func(_ context.Context, at time.Time) (exemption.Answer, error) {
		asked++
		yes, no := answer(metering.ExemptYes), answer(metering.ExemptNo)
		yes.Until = noon.Add(time.Hour)
		if at.Before(yes.Until) {
			return yes, nil
		}
		if at.Equal(noon.Add(2 * time.Hour)) {
			no.Until = noon.Add(3 * time.Hour)
		}
		return no, nil
	}), exemption.Limits{Cache: time.Hour}, exemption.Observer{})
	for _, c := range []struct {
		at    time.Duration
		want  metering.Verdict
		asked int
	}{
		{0, metering.ExemptYes, 1},
		{30 * time.Minute, metering.ExemptYes, 1},
		{time.Hour, metering.ExemptNo, 2},
		{time.Hour + time.Minute, metering.ExemptNo, 3}, // a no without an end is not cached
		{2 * time.Hour, metering.ExemptNo, 4},
		{150 * time.Minute, metering.ExemptNo, 4}, // it holds until three
		{3 * time.Hour, metering.ExemptNo, 5},
		{-time.Minute, metering.ExemptYes, 6}, // the first answer was as of a later instant
	} {
		got, err := g.Exempt(t.Context(), caller, noon.Add(c.at))
		if err != nil || got.Verdict != c.want || asked != c.asked {
			t.Errorf("as of noon%+v: %s, asked %d times, %v; want %s, %d", c.at, got.Verdict, asked,
				err, c.want, c.asked)
		}
	}
}

// A register may know a caller as of one instant and not as of the next. While it is asked as of one,
// another call of the same caller asks for itself.
func TestAnswerWithoutAnEndHoldsForItsOwnInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		g := guard(t, lookup(func(_ context.Context, at time.Time) (exemption.Answer, error) {
			asked.Add(1)
			time.Sleep(100 * time.Millisecond)
			if at.Equal(noon) {
				return answer(metering.ExemptYes), nil
			}
			return answer(metering.ExemptNo), nil
		}), exemption.Limits{Cache: time.Hour}, exemption.Observer{})
		instants := []time.Time{noon, noon.Add(time.Millisecond), noon.Add(-time.Hour)}
		start := time.Now()
		var wg sync.WaitGroup
		for _, at := range instants {
			wg.Go(func() {
				got, err := g.Exempt(t.Context(), caller, at)
				if want := at.Equal(noon); err != nil || (got.Verdict == metering.ExemptYes) != want {
					t.Errorf("as of %s: %+v, %v", at, got, err)
				}
			})
		}
		wg.Wait()
		if n := asked.Load(); n != 3 || time.Since(start) != 100*time.Millisecond {
			t.Errorf("asked %d times in %s, want 3, none waiting for another", n, time.Since(start))
		}
		if _, err := g.Exempt(t.Context(), caller, noon); err != nil || asked.Load() != 4 {
			t.Errorf("a yes without an end was cached: %v", err)
		}
	})
}

func TestAnswerOfSeveralHoldsAsLongAsEach(t *testing.T) {
	until := func(v metering.Verdict, at time.Time) lookup {
		return func(context.Context, time.Time) (exemption.Answer, error) {
			a := answer(v)
			a.Until = at
			return a, nil
		}
	}
	early, late := noon.Add(time.Hour), noon.Add(2*time.Hour)
	no := metering.ExemptNo
	for name, c := range map[string]struct {
		of   exemption.AnyOf
		want time.Time
	}{
		"the earlier end": {exemption.AnyOf{until(no, late), until(no, early)}, early},
		"one is not known": {
			exemption.AnyOf{until(no, late), until(no, time.Time{}), until(no, early)}, time.Time{},
		},
	} {
		if got, err := c.of.Exempt(t.Context(), caller, noon); err != nil || !got.Until.Equal(c.want) {
			t.Errorf("%s: until %s, %v; want %s", name, got.Until, err, c.want)
		}
	}
}

func TestUnknownAndFailuresAreNotCached(t *testing.T) {
	asked := 0
	g := guard(t, lookup(func(context.Context, time.Time) (exemption.Answer, error) {
		if asked++; asked == 1 {
			return exemption.Answer{}, errDown
		}
		return exemption.Answer{}, nil
	}), exemption.Limits{Cache: time.Hour}, exemption.Observer{})
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

// The breaker stops asking a register that keeps failing, later lets one question through, and
// closes once the register answers.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, down := 0, true
		var states, results []string
		g := guard(t, lookup(func(context.Context, time.Time) (exemption.Answer, error) {
			if asked++; down {
				return exemption.Answer{}, errDown
			}
			return answer(metering.ExemptNo), nil
		}), exemption.Limits{}, exemption.Observer{
			Breaker: func(_, s string) { states = append(states, s) },
			Asked:   func(_, r string) { results = append(results, r) },
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
		got, err := g.Exempt(t.Context(), caller, noon)
		if err != nil || got.Verdict != metering.ExemptNo {
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
	fails := lookup(func(context.Context, time.Time) (exemption.Answer, error) {
		return exemption.Answer{}, errDown
	})
	hangs := lookup(func(ctx context.Context, _ time.Time) (exemption.Answer, error) {
		<-ctx.Done()
		return exemption.Answer{}, ctx.Err()
	})
	yes, no := always(metering.ExemptYes), always(metering.ExemptNo)
	unknown := always(metering.ExemptUnknown)
	for name, c := range map[string]struct {
		of   exemption.AnyOf
		want metering.Verdict
		err  bool
	}{
		"all answer no":       {exemption.AnyOf{no, no}, metering.ExemptNo, false},
		"one answers yes":     {exemption.AnyOf{no, yes, unknown}, metering.ExemptYes, false},
		"yes beats a failure": {exemption.AnyOf{fails, yes}, metering.ExemptYes, false},
		"yes does not wait":   {exemption.AnyOf{hangs, yes}, metering.ExemptYes, false},
		"one does not know":   {exemption.AnyOf{no, unknown}, metering.ExemptUnknown, false},
		"one fails":           {exemption.AnyOf{no, fails}, metering.ExemptUnknown, true},
		"only one":            {exemption.AnyOf{yes}, metering.ExemptYes, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.of.Exempt(t.Context(), caller, noon)
			if got.Verdict != c.want || (err != nil) != c.err {
				t.Errorf("%s, %v; want %s", got.Verdict, err, c.want)
			}
		})
	}
}
