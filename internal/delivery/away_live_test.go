//go:build live

package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
	"github.com/risposta/gateway/metering/delivery/webhook"
	"github.com/risposta/gateway/metering/ledger"
)

const (
	awaySeconds = 3600 // of traffic
	awayRate    = 50   // calls a second
)

// collector is an HTTP server that keeps the ids of CloudEvents, in the order of arrival.
type collector struct {
	mu  sync.Mutex
	ids []string
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var events []struct{ ID string }
	if err == nil {
		err = json.Unmarshal(body, &events)
	}
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range events {
		c.ids = append(c.ids, e.ID)
	}
}

func (c *collector) has() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.ids)
}

// traffic commits calls.
type traffic struct {
	store ledger.Store
	calls int
}

// hour commits those of the time away, a minute of them at a time.
func (tr *traffic) hour(t *testing.T) {
	t.Helper()
	const minute = 60 * awayRate
	for tr.calls < awaySeconds*awayRate {
		if err := tr.store.Commit(t.Context(), usualCalls(tr.calls, tr.calls+minute)); err != nil {
			t.Fatal(err)
		}
		tr.calls += minute
	}
}

// run commits the calls of some seconds, each second's in one commit, until there is no more to wait for.
// It returns how long each commit took.
func (tr *traffic) run(t *testing.T, seconds int, more func() bool) (took []time.Duration) {
	t.Helper()
	for range seconds {
		if !more() {
			break
		}
		began := time.Now()
		if err := tr.store.Commit(t.Context(), usualCalls(tr.calls, tr.calls+awayRate)); err != nil {
			t.Fatal(err)
		}
		tr.calls += awayRate
		took = append(took, time.Since(began))
		time.Sleep(time.Second - time.Since(began))
	}
	slices.Sort(took)
	return took
}

// part is the time that a part of the sorted ones does not exceed.
func part(took []time.Duration, of float64) time.Duration {
	return took[min(len(took)-1, int(of*float64(len(took))))]
}

// A system is away for an hour of 50 calls a second, which the ledger gets faster than they would come,
// and then back, while the calls go on in their own time. Every record arrives once, in order, and no
// commit is held up by the catching up.
func TestLongSinkAwayForAnHour(t *testing.T) {
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	place, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := place.Addr().String()
	if err := place.Close(); err != nil { // nothing listens there
		t.Fatal(err)
	}
	sink, err := webhook.Open(webhook.Config{
		URL: "http://" + address, Source: "risposta", Batch: 100, Before: "[", Between: ",", After: "]",
		ContentType: "application/cloudevents-batch+json", Timeout: 10 * time.Second,
		Fields: mustSelect(t, benchFields...),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w := &Worker{Name: "s", Sink: sink, Batching: Batching{Max: maxBatch}, Store: l, Observer: &quiet{}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx)
	}()
	defer func() {
		cancel()
		<-ended
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	calls := &traffic{store: l}
	began := time.Now()
	calls.hour(t)
	t.Logf("away: %d records were committed in %s", calls.calls, time.Since(began).Round(time.Second))
	before := calls.run(t, 15, func() bool { return true })

	other := &collector{}
	server := httptest.NewUnstartedServer(other)
	closing := server.Listener.Close()
	if server.Listener, err = net.Listen("tcp", address); errors.Join(closing, err) != nil {
		t.Fatal(closing, err)
	}
	server.Start()
	defer server.Close()
	waited := time.Now()
	first := time.Time{}
	beside := calls.run(t, 600, func() bool {
		if first.IsZero() && other.has() > 0 {
			first = time.Now()
		}
		return other.has() < calls.calls
	})
	caught := time.Now()
	t.Logf("back: tried again after %s, %d records caught up in %s: %.0f a second",
		first.Sub(waited).Round(time.Second), other.has(), caught.Sub(first).Round(time.Second),
		float64(other.has())/caught.Sub(first).Seconds())
	t.Logf("a commit of %d calls took, half of them at most, 95 %%, all: away %s, %s, %s; beside the "+
		"catching up %s, %s, %s", awayRate, part(before, .5), part(before, .95), part(before, 1),
		part(beside, .5), part(beside, .95), part(beside, 1))
	if limit := time.Second + 3*part(before, 1); part(beside, .95) > limit {
		t.Errorf("commits beside the catching up took %s, want at most %s", part(beside, .95), limit)
	}
	err = lab.Until(t.Context(), time.Minute, "the last records", func() error {
		if other.has() < calls.calls {
			return errAway
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	wantIDs(t, other.ids, calls.calls)
}
