package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/internal/live"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// workerLedger is the side of the ledger that a worker needs.
type workerLedger interface {
	ledger.Writer
	ledger.OpenCalls
	ledger.Reader
}

// pbxControl commands a PBX, over a connection of its own.
type pbxControl interface {
	ari.Control
	Close()
}

// pbxWorker meters one PBX: its source fills the queue, and one goroutine empties it, mediates and
// commits.
type pbxWorker struct {
	name                    string
	log                     *zap.Logger
	metrics                 *metrics
	ledger                  workerLedger
	queue                   *ari.Queue
	source                  ari.Source
	mediator                *mediation.Mediator
	asker                   *asker
	pseudonyms              *metering.Pseudonyms
	deskBackend             *deskBackend
	desk                    *frontdesk.Desk
	control                 pbxControl
	shared                  *shared       // nil: no other meter may take the PBX
	ended                   chan struct{} // closed when run returns
	unmatched               []deskMessage // about calls that have not arrived yet
	node                    string
	onlyPBX                 bool             // of the configuration: every open call belongs to it
	runID                   string           // for the ids of this run's batches
	batches                 uint64           // committed so far
	commitEvery             time.Duration    // frames are handed over, and committed, no more often
	began                   time.Time        // when the last batch was taken
	out                     mediation.Output // what frames came to, until it is committed
	committedAt             time.Time        // when the last batch was
	hadSnapshot             bool             // in this run
	clockJumped             bool             // since the last snapshot
	checkpoint              *checkpoint      // taken out of the ledger, until the source has resumed
	loggedTypes, loggedExts map[string]bool  // of unreadable frames; of calls on no service
	trunks                  map[string]bool  // that the metrics name
	lastResync              time.Time        // after an unreadable frame
	beat                    chan struct{}    // taken once each turn of the loop that is asked for one
	terms                   chan terms       // taken between two batches
	loggedNotFiltered       sync.Once

	mayCall   atomic.Pointer[func(ari.Channel) bool] // see native.Config
	sync      atomic.Pointer[syncState]              // for /readyz and the page; nil: never synced so far
	committed atomic.Bool                            // false while a commit fails
	looks     chan chan<- live.PBX                   // what is asked between two beats
}

// run meters until ctx ends, then drains the queue.
func (w *pbxWorker) run(ctx context.Context) error {
	defer close(w.ended)
	ctx, end := context.WithCancel(ctx)
	defer end()
	defer w.asker.wait()
	deskDone := make(chan struct{})
	go func() {
		defer close(deskDone)
		w.desk.Run(ctx)
	}()
	defer func() {
		end()
		<-deskDone
		w.control.Close()
	}()
	sourceDone := make(chan error, 1)
	go func() { sourceDone <- w.source.Run(ctx) }()
	fail := func(err error) error {
		end()
		return errors.Join(err, <-sourceDone)
	}
	w.began = time.Now().Add(-w.commitEvery) // what comes first does not wait
	for {
		ended, err := w.await(ctx, sourceDone)
		if ended { // ctx has, too
			return errors.Join(err, w.drain())
		}
		w.began = time.Now()
		if err == nil {
			err = w.process(ctx)
		}
		if err != nil {
			return fail(err)
		}
	}
}

// process takes what waits, up to one batch, and commits what has come of it.
func (w *pbxWorker) process(ctx context.Context) error {
	if err := w.feed(ctx); err != nil {
		return err
	}
	out := w.out
	w.out = mediation.Output{}
	return w.finish(ctx, &out)
}

// feed gives the mediator what waits: frames, up to one batch, what callers heard, and answers of
// lookups.
func (w *pbxWorker) feed(ctx context.Context) error {
	frames := w.queue.Take(ari.QueueBatch)
	w.metrics.frames.WithLabelValues(w.name).Add(float64(len(frames)))
	jumps := w.out.ClockJumps
	w.deliverMessages(&w.out) // what callers heard comes before what they do next
	for _, f := range frames {
		if err := w.processFrame(ctx, f, &w.out); err != nil {
			return err
		}
	}
	if len(frames) > 0 {
		w.deliverMessages(&w.out)
		w.unmatched = nil // about calls that will not arrive any more
	}
	if w.out.ClockJumps > jumps {
		w.log.Error(evClockJumped)
		w.source.Resync(ari.GapClock)
	}
	for {
		select {
		case a := <-w.asker.answers:
			w.mediator.Answer(a.call, a.exemption, &w.out)
			continue
		default:
		}
		return nil
	}
}

func (w *pbxWorker) processFrame(ctx context.Context, f ari.Frame, out *mediation.Output) error {
	if known, err := w.isKnown(ctx, f, out); known || err != nil {
		return err
	}
	if ev := f.Event; ev != nil {
		switch ev.Kind {
		case ari.SnapshotTaken:
			w.clockJumped = false
			if err := w.prepare(ctx, ev, out); err != nil {
				return err
			}
		case ari.Resumed:
			w.resume(ctx, f, out)
			return nil
		case ari.Suspended:
			w.saveCheckpoint(f.Position, out)
			return nil
		default:
		}
	}
	asked, jumps := len(out.Asks), out.ClockJumps
	bad, doubtful := w.mediator.Feed(f, out)
	for _, q := range out.Asks[asked:] {
		w.deskBackend.arrived(w.mediator.Call(q.Call), q.Number)
	}
	w.clockJumped = w.clockJumped || out.ClockJumps > jumps
	if bad != nil {
		w.countUnreadable(bad)
	}
	if doubtful {
		w.resyncAfterDoubt()
	}
	return nil
}

// drain commits what was read before the end.
func (w *pbxWorker) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	for more := true; more; more = w.queue.Len() > 0 {
		w.committedAt = time.Time{} // the watermark, too: it cannot ride along any more
		if err := w.process(ctx); err != nil {
			return err
		}
	}
	w.metrics.inboxFrames.WithLabelValues(w.name).Set(0)
	return nil
}

// forget drops what is held of a call that is metered no further.
func (w *pbxWorker) forget(call metering.CallID) {
	w.asker.forget(call)
	w.deskBackend.ended(call)
}

// finish commits, and only then logs, counts and asks.
func (w *pbxWorker) finish(ctx context.Context, out *mediation.Output) error {
	w.keepWatermark(out)
	w.putPosition(out)
	out.Node = w.node
	for i := range out.Opened {
		out.Opened[i].Node = w.node // under which the next run looks for it
	}
	if !out.Empty() {
		w.batches++
		out.ID = fmt.Sprintf("%s-%d", w.runID, w.batches)
		if err := w.commit(ctx, out); err != nil {
			return err
		}
		w.committedAt = time.Now()
		if err := w.advanced(out); err != nil {
			return err
		}
	}
	w.metrics.heartbeats.WithLabelValues(w.name).Add(float64(out.Heartbeats))
	w.report(out)
	for _, ask := range out.Asks {
		w.asker.ask(ask)
	}
	if len(out.Requests) > 0 {
		w.metrics.probes.WithLabelValues(w.name).Add(float64(len(out.Requests)))
		w.source.Probe(out.Requests)
	}
	if out.Resync != "" {
		w.source.Resync(out.Resync)
	}
	for _, f := range out.Facts {
		if f.Kind == metering.TalkStarted {
			w.deskBackend.answered(f.Call, f.At)
		}
	}
	for _, c := range out.Calls {
		w.forget(c.ID)
	}
	for _, a := range out.SetAside {
		w.forget(a.Call)
	}
	w.metrics.inboxFrames.WithLabelValues(w.name).Set(float64(w.queue.Len()))
	w.metrics.openCalls.WithLabelValues(w.name).Set(float64(w.mediator.OpenCalls()))
	return nil
}
