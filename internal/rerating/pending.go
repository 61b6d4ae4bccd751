package rerating

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/exemption/registry"
	"github.com/risposta/gateway/metering/ledger"
)

// ResolverStore is the side of the ledger that a [Resolver] needs.
type ResolverStore interface {
	Store
	ledger.Pending
	ledger.OpenCalls
}

// Observer learns what a [Resolver] does. Its methods return at once.
type Observer interface {
	// Pending is called with the number of records that wait for an answer.
	Pending(records int)
	// Rerated is called with each version that has been committed, and why it was made.
	Rerated(why metering.Reason, r *metering.Record)
	// RerateFailed is called with what went wrong, and with which call; "" where it was none.
	RerateFailed(call metering.CallID, err error)
	// Unreadable is called after each search for calls to credit, with the number of records that could
	// not be read.
	Unreadable(records int)
}

// Resolver finishes what calls left open: records that are pending until a lookup can tell whether
// their caller was exempt, and credits for callers whose entitlement was entered after the call.
type Resolver struct {
	Store      ResolverStore
	Lookup     exemption.Lookup
	Registry   *registry.Registry // nil: no entitlements are backdated
	Pseudonyms *metering.Pseudonyms
	// GiveUpAfter is how long after its arrival a call without an answer becomes free for good.
	GiveUpAfter time.Duration
	Observer    Observer

	batch int                       // entitlements credited at once; 0: creditBatch
	tries map[metering.CallID]*next // of pending records only: bounded by them

	creditAgain time.Time // no search for calls to credit comes earlier
}

// next is when a pending record is asked about again.
type next struct {
	due  time.Time
	wait *backoff.ExponentialBackOff
}

const (
	resolveEvery = time.Second      // how often the resolver looks for pending records that are due
	creditEvery  = 10 * time.Second // how often it looks for backdated entitlements
	maxQuestions = 8                // at once
	minWait      = time.Second      // between two questions about one record
	maxWait      = 10 * time.Minute
)

// Run resolves until ctx ends.
func (r *Resolver) Run(ctx context.Context) {
	resolve, credit := time.NewTicker(resolveEvery), time.NewTicker(creditEvery)
	defer resolve.Stop()
	defer credit.Stop()
	r.credit(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-resolve.C:
			r.resolve(ctx)
		case <-credit.C:
			r.credit(ctx)
		}
	}
}

func (r *Resolver) failed(ctx context.Context, call metering.CallID, err error) {
	if ctx.Err() == nil {
		r.Observer.RerateFailed(call, err)
	}
}

// resolve asks about the pending records that are due.
func (r *Resolver) resolve(ctx context.Context) {
	pending, err := r.Store.PendingRecords(ctx)
	if err != nil {
		r.failed(ctx, "", err)
		return
	}
	r.Observer.Pending(len(pending))
	r.forgetTries(pending)
	g := new(errgroup.Group)
	g.SetLimit(maxQuestions)
	for _, p := range pending {
		if r.due(p.Call) {
			g.Go(func() error {
				r.resolveOne(ctx, p)
				return nil
			})
		}
	}
	_ = g.Wait() // each has reported its own error
}

// forgetTries drops the tries of records that no longer wait.
func (r *Resolver) forgetTries(pending []ledger.PendingRecord) {
	if r.tries == nil {
		r.tries = map[metering.CallID]*next{}
	}
	still := make(map[metering.CallID]bool, len(pending))
	for _, p := range pending {
		still[p.Call] = true
	}
	for call := range r.tries {
		if !still[call] {
			delete(r.tries, call)
		}
	}
}

// due tells whether a record is to be asked about now, and sets when it will be next.
func (r *Resolver) due(call metering.CallID) bool {
	t := r.tries[call]
	if t == nil {
		t = &next{wait: backoff.NewExponentialBackOff()}
		t.wait.InitialInterval, t.wait.MaxInterval = minWait, maxWait
		r.tries[call] = t
	}
	now := time.Now()
	if now.Before(t.due) {
		return false
	}
	t.due = now.Add(t.wait.NextBackOff())
	return true
}

func (r *Resolver) resolveOne(ctx context.Context, p ledger.PendingRecord) {
	number, err := r.Pseudonyms.Decrypt(p.EncryptedCaller)
	var got exemption.Answer
	if err != nil {
		r.failed(ctx, p.Call, err)
	} else {
		got, err = r.Lookup.Exempt(ctx, number, p.ArrivedAt)
	}
	why := metering.ReasonResolved
	if err != nil || got.Verdict == metering.ExemptUnknown {
		if time.Since(p.ArrivedAt) < r.GiveUpAfter {
			return // it is asked again
		}
		got, why = exemption.Answer{}, metering.ReasonGivenUp
	}
	if err := r.supersede(ctx, p.Call, got.Exemption, why); err != nil {
		r.failed(ctx, p.Call, err)
	}
}

func (r *Resolver) supersede(
	ctx context.Context, call metering.CallID, e metering.Exemption, why metering.Reason,
) error {
	newest, err := Supersede(ctx, r.Store, call, Resolved(e, why, time.Now()))
	if err != nil {
		return err
	}
	if newest != nil {
		r.Observer.Rerated(why, newest)
	}
	return nil
}
