// Package retention keeps the ledger over time: it signs the ledger log at intervals, counts day by
// day who called again, and erases callers' detail when the time that it may be kept is over.
//
// In: a [Store], a key to sign with, the time to keep. Out: signed heads, counts and erased
// records; heads and erasures are reported to an [Observer] once they are committed. It never
// erases a call with an open dispute, and erases in no other way than by [rerating.Supersede].
package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/risposta/gateway/internal/rerating"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Store is the side of the ledger that retention needs.
type Store interface {
	rerating.Store
	ledger.Eraser
	ledger.LogSigner
	ledger.Repeats
}

// Observer learns what has been done. Its methods return at once.
type Observer interface {
	// Signed is called with each new head.
	Signed(head merkle.Head)
	// LogCovered is called when the newest head covers every change, also where it is no new one.
	LogCovered(at time.Time)
	SignFailed(err error)
	// Erased is called with the number of calls that one round has erased, where there were any.
	Erased(calls int)
	EraseFailed(err error)
	RepeatsFailed(err error)
}

// Worker signs and erases. Make it by its fields, then Run it once.
type Worker struct {
	Store     Store
	Signer    note.Signer
	SignEvery time.Duration
	// Before is, as of now, the instant before which a call must have arrived to be erased.
	Before   func(now time.Time) time.Time
	Observer Observer

	scrubbed bool // nothing that was erased is left in the ledger's files
}

const (
	eraseEvery = time.Hour
	scrubEvery = 10 * time.Second // until it is done
	eraseBatch = 100              // calls that are listed at once; each is erased in a transaction of its own
)

// Run counts repeats and erases at once and every hour, and signs at once and every SignEvery, until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	sign, erase := time.NewTicker(w.SignEvery), time.NewTicker(eraseEvery)
	scrub := time.NewTicker(scrubEvery)
	defer sign.Stop()
	defer erase.Stop()
	defer scrub.Stop()
	w.Sign(ctx)
	w.erase(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-sign.C:
			w.Sign(ctx)
		case <-erase.C:
			w.erase(ctx)
		case <-scrub.C:
			w.scrub(ctx)
		}
	}
}

// Sign signs what was added to the ledger log since the last head. What fails is tried again when
// the next head is due.
func (w *Worker) Sign(ctx context.Context) {
	now := time.Now()
	head, signed, err := w.Store.SignLog(ctx, now, w.Signer)
	if err != nil {
		if ctx.Err() == nil { // not the end of the gateway
			w.Observer.SignFailed(err)
		}
		return
	}
	if signed {
		w.Observer.Signed(head)
	}
	w.Observer.LogCovered(now)
}

func (w *Worker) erase(ctx context.Context) {
	now := time.Now()
	// What is counted of the callers is counted before they are erased.
	if err := CountRepeats(ctx, w.Store, now); err != nil && ctx.Err() == nil {
		w.Observer.RepeatsFailed(err)
	}
	n, err := Erase(ctx, w.Store, w.Before(now), now)
	if n > 0 {
		w.Observer.Erased(n)
		w.scrubbed = false
	}
	if err != nil && ctx.Err() == nil {
		w.Observer.EraseFailed(err)
	}
	w.scrub(ctx)
}

// scrub takes what was erased out of the ledger's files, also what the last run left there.
func (w *Worker) scrub(ctx context.Context) {
	if w.scrubbed {
		return
	}
	done, err := w.Store.Scrub(ctx)
	if err != nil && ctx.Err() == nil {
		w.Observer.EraseFailed(err)
	}
	w.scrubbed = done && err == nil
}

// Erase erases the detail of all calls that arrived before an instant, call by call, and returns
// how many it has erased. A call that cannot be erased keeps no other: the error counts such calls
// and has the first one's cause, and the next round tries them again. A call whose dispute was
// opened since it was listed is left alone.
func Erase(ctx context.Context, s Store, before, now time.Time) (n int, err error) {
	failed := map[metering.CallID]bool{}
	var first error
	for ctx.Err() == nil {
		had := n
		calls, err := s.Erasable(ctx, before, eraseBatch+len(failed))
		if err != nil {
			return n, errors.Join(first, err)
		}
		for _, call := range calls {
			if failed[call] || ctx.Err() != nil {
				continue
			}
			erased, err := rerating.Supersede(ctx, s, call, rerating.Erased(now))
			switch {
			case errors.Is(err, ledger.ErrDisputed):
			case err != nil:
				failed[call] = true
				if first == nil {
					first = fmt.Errorf("erasing call %s: %w", call, err)
				}
			case erased != nil:
				n++
			}
		}
		if len(calls) < eraseBatch || n == had { // all are done, or a whole batch has failed
			break
		}
	}
	if first != nil {
		return n, fmt.Errorf("%d calls were not erased, the first: %w", len(failed), first)
	}
	return n, ctx.Err()
}
