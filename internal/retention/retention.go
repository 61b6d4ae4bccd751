// Package retention keeps the ledger over time: it signs the ledger log at intervals, and erases
// callers' detail when the time that it may be kept is over.
//
// In: a ledger, a key to sign with, the time to keep. Out: signed heads, erased records, each told to
// an [Observer] once it is committed. It never erases a call that is disputed, and never erases by
// another way than rerating.Supersede.
package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/risposta/gateway/internal/rerating"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Store is the side of the ledger that retention needs.
type Store interface {
	rerating.Store
	ledger.Eraser
	ledger.LogSigner
}

// Observer learns what has been done. Its methods return at once.
type Observer interface {
	Signed(head merkle.Head)
	SignFailed(err error)
	Erased(calls int)
	EraseFailed(err error)
}

// Keeper signs and erases. Make it by its fields, then Run it once.
type Keeper struct {
	Store     Store
	Signer    note.Signer
	SignEvery time.Duration
	// Before is the instant whose older calls have no detail any more, as of now.
	Before   func(now time.Time) time.Time
	Observer Observer
}

const (
	eraseEvery = time.Hour
	eraseBatch = 100 // calls read at once; each is erased in a transaction of its own
)

// Run keeps the ledger until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	sign, erase := time.NewTicker(k.SignEvery), time.NewTicker(eraseEvery)
	defer sign.Stop()
	defer erase.Stop()
	k.Erase(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-sign.C:
			k.Sign(ctx)
		case <-erase.C:
			k.Erase(ctx)
		}
	}
}

// Sign signs what has been added to the log since the last head. After a failure the next time comes.
func (k *Keeper) Sign(ctx context.Context) {
	head, signed, err := k.Store.SignLog(ctx, time.Now(), k.Signer)
	switch {
	case errors.Is(err, context.Canceled):
	case err != nil:
		k.Observer.SignFailed(err)
	case signed:
		k.Observer.Signed(head)
	}
}

// Erase erases all whose time has come.
func (k *Keeper) Erase(ctx context.Context) {
	n, err := Erase(ctx, k.Store, k.Before(time.Now()), time.Now())
	if err != nil && ctx.Err() == nil {
		k.Observer.EraseFailed(err)
	}
	if n > 0 {
		k.Observer.Erased(n)
	}
}

// Erase erases the detail of all calls that arrived before an instant, call by call, and returns how
// many it has erased. One that cannot be erased ends it: the next time begins with that one.
func Erase(ctx context.Context, s Store, before, now time.Time) (n int, err error) {
	for ctx.Err() == nil {
		calls, err := s.Erasable(ctx, before, eraseBatch)
		if err != nil {
			return n, err
		}
		for _, call := range calls {
			if _, err := rerating.Supersede(ctx, s, call, rerating.Erased(now)); err != nil {
				return n, fmt.Errorf("erasing call %s: %w", call, err)
			}
			n++
		}
		if len(calls) < eraseBatch {
			break
		}
	}
	return n, ctx.Err()
}
