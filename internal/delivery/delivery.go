// Package delivery brings what the ledger has committed to other systems.
//
// In: the ledger ([Store]), a [delivery.Sink] for each system, the billing department's public key.
// Out: each change of each record at each sink, in the order of committing, at least once, with an id
// that is the same each time. How far a sink is, is kept in the ledger before it gets more. A sink
// that fails is tried again, for as long as it takes; what it refuses becomes a dead letter. It never
// holds up the ledger or another sink, and never has a caller's clear number in an event, an error or
// a log.
package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/ledger"
)

// Store is the side of the ledger that deliveries need.
type Store = ledger.Deliveries

// Log is the ledger log of a node, "" where it is no node's. Each has cursors and dead letters of its
// own.
type Log struct {
	Node  string
	Store Store
}

// Observer learns what a [Worker] does. Its methods return at once.
type Observer interface {
	// Lag is called with how many leaves of the ledger log a sink has not, and for how long there have
	// been any.
	Lag(sink string, leaves int64, age time.Duration)
	// Delivered is called with the number of events that a sink has settled.
	Delivered(sink string, events int)
	// Failing is called with what went wrong, and when it is tried again; first: it worked before.
	Failing(sink string, err error, wait time.Duration, first bool)
	// Resumed is called when a sink that failed works again.
	Resumed(sink string)
	// Dead is called with each event that has become a dead letter.
	Dead(sink, record, why string)
	// Letters is called with the number of dead letters that wait for an operator.
	Letters(sink string, waiting int)
}

// Batching says when a batch is handed over, whichever comes first.
type Batching struct {
	Max   int           // this many leaves
	Every time.Duration // at the end of each such period since 0:00 UTC; 0: at once
	// Fixed: a batch that may have arrived is delivered again with the same bounds.
	Fixed bool
}

// Worker delivers to one sink. Make it by its fields, then Run it once.
type Worker struct {
	Name     string
	Sink     delivery.Sink
	Batching Batching
	Store    Store
	Payers   *Payers // nil: no payer is delivered
	Observer Observer

	cursor   ledger.Cursor
	last     time.Time // of the last batch
	complete time.Time // when the sink last had everything
	failing  bool
}

const (
	pollEvery = 500 * time.Millisecond // how often the ledger is asked whether there is more
	minWait   = time.Second            // after a failure
	maxWait   = 5 * time.Minute
	// maxRetryAfter bounds what a system may ask for.
	maxRetryAfter = time.Hour
	// tryTimeout bounds one try, so that a system that never answers is one that fails.
	tryTimeout = 5 * time.Minute
	// retryBatch bounds how many dead letters are retried between two batches.
	retryBatch = 100
)

// Run delivers until ctx ends, then closes the sink.
func (w *Worker) Run(ctx context.Context) {
	defer w.Sink.Close()
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = minWait, maxWait
	w.complete, w.last = time.Now(), time.Now()
	read := false
	for ctx.Err() == nil {
		more, err := false, error(nil)
		if !read {
			w.cursor, err = w.Store.Cursor(ctx, w.Name)
			read = err == nil
		}
		if err == nil {
			more, err = w.round(ctx)
		}
		next := pollEvery
		switch {
		case err != nil && ctx.Err() != nil:
			return
		case err != nil:
			next = w.failed(err, wait.NextBackOff())
			read = false // what was kept counts
		default:
			wait.Reset()
			w.worked()
		}
		if more {
			continue
		}
		sleep(ctx, next)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// failed reports an error, and returns when to try again.
func (w *Worker) failed(err error, wait time.Duration) time.Duration {
	if asked, ok := errors.AsType[*delivery.RetryAfterError](err); ok {
		wait = max(wait, min(asked.After, maxRetryAfter))
	}
	w.Observer.Failing(w.Name, err, wait, !w.failing)
	w.failing = true
	return wait
}

func (w *Worker) worked() {
	if w.failing {
		w.failing = false
		w.Observer.Resumed(w.Name)
	}
}

// round retries dead letters, and hands over the next batch where one is due. more: another may be
// due at once.
func (w *Worker) round(ctx context.Context) (more bool, err error) {
	if err := w.retry(ctx); err != nil {
		return false, err
	}
	end, err := w.Store.EndOfLog(ctx)
	if err != nil {
		return false, err
	}
	now := time.Now()
	if w.cursor.Next >= end {
		w.complete = now
	}
	w.Observer.Lag(w.Name, max(0, end-w.cursor.Next), now.Sub(w.complete))
	until, due := w.bounds(end, now)
	if !due {
		return false, nil
	}
	if w.Batching.Fixed && w.cursor.Until == 0 {
		w.cursor.Until = until
		if err := w.Store.SaveCursor(ctx, w.Name, w.cursor, nil); err != nil {
			return false, err
		}
	}
	if err := w.deliver(ctx, until); err != nil {
		return false, err
	}
	w.last = now
	return end-w.cursor.Next >= int64(w.Batching.Max), nil
}

// bounds are those of the next batch, and whether it is due.
func (w *Worker) bounds(end int64, now time.Time) (until int64, due bool) {
	if w.cursor.Until > w.cursor.Next { // it was begun
		return w.cursor.Until, true
	}
	until = min(end, w.cursor.Next+int64(w.Batching.Max))
	full := until-w.cursor.Next == int64(w.Batching.Max)
	// The periods begin at the same times whenever the gateway was started.
	over := now.Truncate(w.Batching.Every).After(w.last.Truncate(w.Batching.Every))
	return until, until > w.cursor.Next && (full || over)
}

// deliver hands over the changes up to a position, and keeps what is settled.
func (w *Worker) deliver(ctx context.Context, until int64) error {
	b := delivery.Batch{From: w.cursor.Next, Until: until}
	changes, err := w.Store.Changes(ctx, b.From, b.Until)
	if err != nil {
		return err
	}
	var dead []ledger.DeadLetter
	if b.Events, dead, err = w.events(ctx, changes); err != nil {
		return err
	}
	done := 0
	if len(b.Events) > 0 {
		tctx, cancel := context.WithTimeout(ctx, tryTimeout)
		var refused []delivery.Refusal
		done, refused, err = w.Sink.Deliver(tctx, b)
		cancel()
		for _, r := range refused {
			dead = append(dead, letter(&b.Events[r.Index], r.Why))
		}
	}
	if err != nil && done == 0 && len(dead) == 0 {
		return err
	}
	next := ledger.Cursor{Next: until}
	if err != nil && done < len(b.Events) {
		next = w.cursor
		next.Next = b.Events[done].Position
	}
	// The end of the gateway loses nothing that has arrived.
	kctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer cancel()
	if kept := w.Store.SaveCursor(kctx, w.Name, next, dead); kept != nil {
		return errors.Join(err, kept)
	}
	w.cursor = next
	w.Observer.Delivered(w.Name, done)
	for _, d := range dead {
		w.Observer.Dead(w.Name, d.Record, d.Why)
	}
	return err
}

// keepTimeout bounds how long the end of the gateway waits for the ledger.
const keepTimeout = 5 * time.Second

// events are those of some changes. A change whose event cannot be made is a dead letter.
func (w *Worker) events(
	ctx context.Context, changes []ledger.Change,
) (events []delivery.Event, dead []ledger.DeadLetter, err error) {
	unsealed, err := w.Payers.seal(ctx, w.Store, changes)
	if err != nil {
		return nil, nil, err
	}
	for i := range changes {
		e, err := delivery.NewEvent(changes[i])
		if err != nil {
			e.ID, e.Position = "", changes[i].Position
		} else if e.Pays() && unsealed[changes[i].Call] != nil {
			err = unsealed[changes[i].Call]
		}
		if err != nil {
			dead = append(dead, letter(&e, err.Error()))
			continue
		}
		events = append(events, e)
	}
	return events, dead, nil
}
