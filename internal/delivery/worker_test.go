package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/ledger"
)

// run runs a worker for some time of a synthetic clock.
func run(t *testing.T, w *Worker, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	w.Run(ctx)
}

func worker(store *fakeStore, sink *fakeSink) (*Worker, *quiet) {
	q := &quiet{}
	return &Worker{Name: "s", Sink: sink, Batching: Batching{Max: 100}, Store: store, Observer: q}, q
}

// calls are the first versions of some calls.
func calls(n int) (all []metering.Record) {
	for i := range n {
		all = append(all, rec(i, 1, 14))
	}
	return all
}

func wantIDs(t *testing.T, got []string, n int) {
	t.Helper()
	var want []string
	for _, r := range calls(n) {
		want = append(want, r.Record)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d events have arrived, want %d, each once and in order", len(got), n)
	}
}

func TestEachChangeArrivesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, sink := &fakeStore{}, &fakeSink{}
		w, q := worker(store, sink)
		store.add(calls(250)...)
		run(t, w, 2*time.Second)
		wantIDs(t, sink.ids, 250)
		if store.cursor.Next != 250 || q.lag != 0 || len(sink.bounds) != 3 {
			t.Errorf("cursor %+v, lag %d, batches %v", store.cursor, q.lag, sink.bounds)
		}
	})
}

// A sink is away for an hour of 50 calls a second: 180,000 records. It then gets all of them, each
// once, and is asked about every five minutes meanwhile.
func TestSinkThatWasAwayForAnHourCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const seconds, perSecond = 3600, 50
		store, sink := &fakeStore{}, &fakeSink{}
		w, q := worker(store, sink)
		w.Batching.Max = maxBatch
		back := time.Now().Add(seconds * time.Second)
		sink.fail = func() error {
			if time.Now().Before(back) {
				return errAway
			}
			return nil
		}
		all := calls(seconds * perSecond)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for s := range seconds {
				store.add(all[s*perSecond : (s+1)*perSecond]...)
				time.Sleep(time.Second)
			}
		}()
		run(t, w, seconds*time.Second+10*time.Minute)
		<-ended
		wantIDs(t, sink.ids, len(all))
		if n := len(q.waits); n < 10 || n > 40 {
			t.Errorf("it was tried %d times while it was away", n)
		}
	})
}

func TestRetryAfterIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, sink := &fakeStore{}, &fakeSink{}
		w, _ := worker(store, sink)
		store.add(calls(1)...)
		var asked []time.Duration
		began := time.Now()
		sink.fail = func() error {
			asked = append(asked, time.Since(began))
			if len(asked) == 1 {
				return &delivery.RetryAfterError{After: 90 * time.Second, Err: errAway}
			}
			return nil
		}
		run(t, w, 5*time.Minute)
		wantIDs(t, sink.ids, 1)
		if len(asked) != 2 || asked[1] < 90*time.Second || asked[1] > 91*time.Second {
			t.Errorf("asked after %v", asked)
		}
	})
}

// What a sink refuses is a dead letter, and holds up nothing. It arrives when it is retried and no
// longer refused.
func TestRefusedEventBecomesADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, sink := &fakeStore{}, &fakeSink{}
		w, q := worker(store, sink)
		store.add(calls(3)...)
		bad := rec(1, 1, 14).Record
		sink.refuses = map[string]bool{bad: true}
		run(t, w, time.Second)
		if len(sink.ids) != 2 || store.cursor.Next != 3 || len(store.letters) != 1 ||
			!slices.Equal(q.dead, []string{bad}) {
			t.Fatalf("arrived %v, letters %+v, reported %v", sink.ids, store.letters, q.dead)
		}
		for _, refuses := range []bool{true, false} {
			sink.refuses[bad] = refuses
			if _, err := store.MarkLetters(t.Context(), "s", bad, ledger.LetterRetry); err != nil {
				t.Fatal(err)
			}
			run(t, w, time.Second)
			if letters := len(store.letters); letters != 1 && refuses || letters != 0 && !refuses {
				t.Errorf("refused %t: %+v", refuses, store.letters)
			}
		}
		if len(sink.ids) != 3 || sink.ids[2] != bad {
			t.Errorf("arrived: %v", sink.ids)
		}
	})
}

// errKilled ends a run as a kill would: what came before it is kept, nothing comes after it.
var errKilled = errors.New("killed")

// The gateway is killed before and after each step of a delivery. Nothing is missing, the order is
// kept, and a repeat has the same id; a file gets the same bounds again.
func TestKilledAtEachStep(t *testing.T) {
	for _, fixed := range []bool{false, true} {
		steps := 0
		for kill := 0; ; kill++ {
			store, sink := &fakeStore{}, &fakeSink{}
			store.add(calls(10)...)
			steps = killedAt(t, store, sink, kill, fixed)
			if kill >= steps {
				break
			}
		}
		if steps < 16 { // four batches, each sent and kept, before and after
			t.Errorf("only %d steps were seen", steps)
		}
	}
}

// killedAt delivers, killed at one step, and goes on in the next run. It returns how many steps there
// were without a kill.
func killedAt(t *testing.T, store *fakeStore, sink *fakeSink, kill int, fixed bool) (steps int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		step := func(bool) error {
			steps++
			if steps > kill {
				cancel()
				return errKilled
			}
			return nil
		}
		store.step, sink.step = step, step
		start := func(ctx context.Context) {
			w, _ := worker(store, sink)
			w.Batching.Max, w.Batching.Fixed = 3, fixed
			w.Run(ctx)
		}
		go func() {
			time.Sleep(time.Minute)
			cancel()
		}()
		start(ctx)
		store.step, sink.step = nil, nil
		if len(store.changes) == 10 { // more comes before the next run
			store.add(rec(10, 1, 14))
		}
		next, end := context.WithTimeout(t.Context(), time.Minute)
		defer end()
		start(next)
		checkArrived(t, fmt.Sprintf("killed at step %d, fixed %t", kill, fixed), sink, fixed)
		time.Sleep(time.Hour)
	})
	return steps
}

func checkArrived(t *testing.T, name string, sink *fakeSink, fixed bool) {
	t.Helper()
	var first []string
	for _, id := range sink.ids {
		if !slices.Contains(first, id) {
			first = append(first, id)
		}
	}
	wantIDs(t, first, 11)
	if len(sink.ids) > 11+3 {
		t.Errorf("%s: %d events have arrived: more than one batch came twice", name, len(sink.ids))
	}
	if !fixed {
		return
	}
	ends := map[int64]int64{}
	for _, b := range sink.bounds {
		if end, ok := ends[b[0]]; ok && end != b[1] {
			t.Errorf("%s: the batch from %d ended at %d and at %d", name, b[0], end, b[1])
		}
		ends[b[0]] = b[1]
	}
}

// A file of 15 minutes is closed at the quarter, also when the gateway was started in between, and
// earlier when it is full.
func TestPeriodOrSizeClosesABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock begins at 2000-01-01 0:00 UTC
		store, sink := &fakeStore{}, &fakeSink{}
		w, _ := worker(store, sink)
		w.Batching = Batching{Max: 10, Every: 15 * time.Minute, Fixed: true}
		time.Sleep(5 * time.Minute)
		store.add(calls(3)...)
		run(t, w, 9*time.Minute)
		if sink.bounds != nil {
			t.Errorf("before the quarter: %v", sink.bounds)
		}
		run(t, w, 2*time.Minute)
		store.add(calls(12)...)
		run(t, w, time.Minute)
		if want := [][2]int64{{0, 3}, {3, 13}}; !slices.Equal(sink.bounds, want) {
			t.Errorf("%v, want %v", sink.bounds, want)
		}
	})
}
