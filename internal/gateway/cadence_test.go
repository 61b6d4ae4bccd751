package gateway

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/ledger"
)

// commits is a ledger that notes when it was given what, and keeps nothing.
type commits struct {
	workerLedger
	mu      sync.Mutex
	at      []time.Time
	batches []ledger.Batch
}

func (c *commits) Commit(_ context.Context, b *ledger.Batch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.batches = append(c.at, time.Now()), append(c.batches, *b)
	return nil
}

// frames is the number of frames of evidence committed so far, and last when the last batch was.
func (c *commits) frames() (n int, last time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.batches {
		n += len(c.batches[i].Evidence)
	}
	if len(c.at) > 0 {
		last = c.at[len(c.at)-1]
	}
	return n, last
}

// since are the batches from the nth on.
func (c *commits) since(n int) []ledger.Batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.batches[n:])
}

// quietSource brings nothing until the end.
type quietSource struct{ noSource }

func (quietSource) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// paced runs a worker on a ledger of notes, with the clock of a synctest bubble.
func paced(t *testing.T, during func(*testing.T, *pbxWorker, *commits)) *commits {
	t.Helper()
	var kept commits
	synctest.Test(t, func(t *testing.T) {
		w := workerOn(t, &kept, "pbx", zap.NewNop())
		w.source, w.commitEvery, w.ended = quietSource{}, 100*time.Millisecond, make(chan struct{})
		w.control = native.NewControl(native.Config{})
		w.desk = frontdesk.New(frontdesk.Config{}, w.control, w.deskBackend, w.deskBackend)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.run(ctx) }()
		synctest.Wait()
		during(t, w, &kept)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return &kept
}

// hold is an event of a call that arrives has brought in: one frame of its evidence.
func hold(id ari.ChannelID, second float64, on bool) ari.Event {
	kind := ari.ChannelUnhold
	if on {
		kind = ari.ChannelHold
	}
	return ari.Event{Kind: kind, At: at(second), Channel: operatorOf(id)}
}

// A PBX that never rests: there is a commit each commit_every, and no event waits longer for its own.
func TestCommitsComeByCadence(t *testing.T) {
	const events, every = 1000, 3 * time.Millisecond
	var began time.Time
	kept := paced(t, func(t *testing.T, w *pbxWorker, kept *commits) {
		began = time.Now()
		w.puts(arrives("c", 1)...)
		synctest.Wait()
		before, _ := kept.frames()
		if before == 0 {
			t.Error("the first events of a quiet PBX wait for their commit")
		}
		for i := range events {
			time.Sleep(every)
			w.puts(hold("c", 2+float64(i)/100, i%2 == 0))
			synctest.Wait()
			// All but those of the last commitEvery are in the ledger.
			got, _ := kept.frames()
			if want := before + i - int(w.commitEvery/every); got < want {
				t.Fatalf("after %d events %d frames are committed, want at least %d", i+1, got, want)
			}
		}
	})
	for i := range kept.at[1:] {
		gap := kept.at[i+1].Sub(kept.at[i])
		if last := i+2 == len(kept.at); gap < 100*time.Millisecond && !last {
			t.Errorf("commits %d and %d are %s apart, want 100ms", i, i+1, gap)
		}
	}
	if n, most := len(kept.at), int(kept.at[len(kept.at)-1].Sub(began)/(100*time.Millisecond))+2; n > most {
		t.Errorf("%d commits, want at most %d", n, most)
	}
	if n, _ := kept.frames(); n < events {
		t.Errorf("%d frames of evidence are committed, of %d events", n, events)
	}
}

// countedHeartbeats is what the metric of the heartbeats says.
func countedHeartbeats(t *testing.T, w *pbxWorker) (n int) {
	t.Helper()
	families, err := w.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "risposta_heartbeats_total" {
			for _, m := range f.GetMetric() {
				n += int(m.GetCounter().GetValue())
			}
		}
	}
	return n
}

// Events that no call needs: that the PBX was seen is committed once a second, and not lost.
func TestTheWatermarkAloneIsCommittedOnceASecond(t *testing.T) {
	heartbeat := func(i int) ari.Event {
		return ari.Event{Kind: ari.Heartbeat, Heartbeat: 1, At: at(float64(i) / 20)}
	}
	kept := paced(t, func(t *testing.T, w *pbxWorker, kept *commits) {
		w.puts(arrives("open", -1)...) // the watermark matters to it
		synctest.Wait()
		for i := range 100 { // five seconds
			w.puts(heartbeat(i))
			time.Sleep(50 * time.Millisecond)
			synctest.Wait()
			// A heartbeat counts when what it says is committed.
			committed := 0
			for _, b := range kept.since(0) {
				if !b.Watermark.IsZero() && len(b.Evidence) == 0 {
					committed = int(b.Watermark.Sub(at(0))/(50*time.Millisecond)) + 1
				}
			}
			if counted := countedHeartbeats(t, w); counted != committed {
				t.Fatalf("%d heartbeats are counted, and %d committed", counted, committed)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		all := kept.since(0)
		last := all[len(all)-1].Watermark
		if want := at(99.0 / 20); !last.Equal(want) {
			t.Errorf("a second later the PBX is committed as seen until %s, want %s", last, want)
		}
		// It rides along with what a call has for the ledger.
		w.puts(heartbeat(110))
		time.Sleep(200 * time.Millisecond)
		before := len(kept.since(0))
		w.puts(heartbeat(120))
		time.Sleep(200 * time.Millisecond)
		w.puts(arrives("c", 5)...) // its timestamp is behind, and moves the watermark
		synctest.Wait()
		got := kept.since(before)
		if len(got) != 1 || !got[0].Watermark.Equal(at(5)) || len(got[0].Evidence) == 0 {
			t.Errorf("a call's batches are %+v, want one with the watermark", got)
		}
	})
	for i := range kept.at[1:] {
		alone := len(kept.batches[i+1].Evidence) == 0
		if gap := kept.at[i+1].Sub(kept.at[i]); alone && gap < watermarkEvery {
			t.Errorf("commit %d has the watermark alone, %s after the one before", i+1, gap)
		}
	}
}

// While no call is open that the PBX was seen is committed rarely, and heartbeats count as they come.
func TestTheWatermarkOfAPBXAtRestIsCommittedRarely(t *testing.T) {
	paced(t, func(t *testing.T, w *pbxWorker, kept *commits) {
		for i := range 120 {
			w.puts(ari.Event{Kind: ari.Heartbeat, Heartbeat: 1, At: at(float64(i))})
			time.Sleep(time.Second)
			synctest.Wait()
			if counted := countedHeartbeats(t, w); counted != i+1 {
				t.Fatalf("%d heartbeats are counted, want %d", counted, i+1)
			}
		}
		all := kept.since(0)
		if len(all) < 4 || len(all) > 6 {
			t.Errorf("%d commits in two minutes, want one each %s", len(all), restedEvery)
		}
		w.puts(arrives("c", 121)...)
		time.Sleep(w.commitEvery)
		w.puts(ari.Event{Kind: ari.Heartbeat, Heartbeat: 1, At: at(122)})
		time.Sleep(watermarkEvery + w.commitEvery)
		synctest.Wait()
		after := kept.since(len(all))
		if last := after[len(after)-1]; !last.Watermark.Equal(at(122)) {
			t.Errorf("with a call that is open %+v is committed, want the watermark after a second", last)
		}
	})
}

func TestAFullBatchIsCommittedAtOnce(t *testing.T) {
	paced(t, func(t *testing.T, w *pbxWorker, kept *commits) {
		w.puts(arrives("c", 1)...)
		time.Sleep(2 * w.commitEvery)
		w.puts(hold("c", 2, true))
		synctest.Wait() // it rests now
		before, _ := kept.frames()
		began := time.Now()
		for i := range ari.QueueBatch {
			w.puts(hold("c", 2+float64(i), i%2 == 1))
		}
		synctest.Wait()
		n, at := kept.frames()
		if n-before != ari.QueueBatch || !at.Equal(began) {
			t.Errorf("%d frames are committed after %s, want %d at once", n-before, at.Sub(began),
				ari.QueueBatch)
		}
	})
}

func TestTheEndCommitsWhatWaits(t *testing.T) {
	kept := paced(t, func(t *testing.T, w *pbxWorker, kept *commits) {
		w.puts(arrives("c", 1)...)
		time.Sleep(2 * w.commitEvery)
		w.puts(hold("c", 2, true))
		synctest.Wait() // it rests now
		w.puts(hold("c", 2, false), ari.Event{Kind: ari.Heartbeat, Heartbeat: 1, At: at(3)})
	})
	last := kept.batches[len(kept.batches)-1]
	if len(last.Evidence) != 1 || !last.Watermark.Equal(at(3)) {
		t.Errorf("the last batch is %+v, want the event of the call and the watermark", last)
	}
}

// A caller reaches the front desk while the worker rests: the desk does not wait for the commit.
func TestTheFrontDeskDoesNotWaitForACommit(t *testing.T) {
	paced(t, func(t *testing.T, w *pbxWorker, kept *commits) {
		rules := trunkRules(t, w.pseudonyms)
		rules.AskExemption = true
		w.mediator = mediation.New(rules)
		w.asker.lookup = lookups.ByNumber{Lookup: lookupFake(
			func(metering.Number) (exemption.Answer, error) { return exemption.Answer{}, nil },
		)}
		for i := range 3 {
			id := ari.ChannelID(fmt.Sprint("c", i))
			w.puts(arrives(id, float64(i))...)
			synctest.Wait()
			next := ari.ChannelID(fmt.Sprint("d", i))
			w.puts(arrives(next, float64(i))...)
			began, commits := time.Now(), len(kept.since(0))
			ctx, cancel := context.WithTimeout(t.Context(), offerTimeout)
			if _, ok := w.deskBackend.await(ctx, metering.CallID(next)); !ok || time.Since(began) > 0 {
				t.Errorf("the desk knows the call: %v, after %s; want at once", ok, time.Since(began))
			}
			cancel()
			if len(kept.since(commits)) > 0 {
				t.Error("it hastens a commit")
			}
			time.Sleep(w.commitEvery)
		}
	})
}
