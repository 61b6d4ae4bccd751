package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/exemption/registry"
	"github.com/risposta/gateway/metering/ledger"
)

// settler finishes what calls left open: records that are held until it is known whether their caller was exempt, and refunds for callers whose proof came
// late. Each is a new version of the record, from the same evidence and a word more.
type settler struct {
	ledger   *shared
	lookup   exemption.Lookup
	registry *registry.Registry // nil: nobody dates entitlements back
	names    *metering.Pseudonyms
	batch    int           // of entitlements looked through at once
	giveUp   time.Duration // after which an unanswered call is free for good
	log      *zap.Logger
	metrics  *metrics

	tries map[metering.CallID]*try // of held calls only: bounded by them
}

// try is when a held call is asked about next.
type try struct {
	due  time.Time
	wait *backoff.ExponentialBackOff
}

const (
	settleEvery   = time.Second      // how often the settler looks whether anything is due
	refundEvery   = 10 * time.Second // how often it looks for entitlements that were dated back
	maxSettle     = 8                // questions at once
	minSettleWait = time.Second      // the waits between two questions about one call
	maxSettleWait = 10 * time.Minute
)

// run settles until ctx ends.
func (s *settler) run(ctx context.Context) {
	s.tries = map[metering.CallID]*try{}
	settle, refund := time.NewTicker(settleEvery), time.NewTicker(refundEvery)
	defer settle.Stop()
	defer refund.Stop()
	s.refund(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-settle.C:
			s.settle(ctx)
		case <-refund.C:
			s.refund(ctx)
		}
	}
}

func (s *settler) failed(ctx context.Context, call metering.CallID, err error) {
	if ctx.Err() == nil {
		s.log.Error(evReratingFailed, zap.String("call", string(call)), zap.Error(err))
	}
}

// settle asks about the held calls that are due.
func (s *settler) settle(ctx context.Context) {
	held, err := s.ledger.PendingRecords(ctx)
	if err != nil {
		s.failed(ctx, "", err)
		return
	}
	s.metrics.pendingRecords.Set(float64(len(held)))
	s.drop(held)
	g := new(errgroup.Group)
	g.SetLimit(maxSettle)
	for _, h := range held {
		if s.due(h) {
			g.Go(func() error {
				s.settleOne(ctx, h)
				return nil
			})
		}
	}
	_ = g.Wait() // each has said what went wrong
}

// drop forgets the tries of calls that are no longer held.
func (s *settler) drop(held []ledger.PendingRecord) {
	still := make(map[metering.CallID]bool, len(held))
	for _, h := range held {
		still[h.Call] = true
	}
	for call := range s.tries {
		if !still[call] {
			delete(s.tries, call)
		}
	}
}

// due tells whether a call is to be asked about now, and says when it will be next.
func (s *settler) due(h ledger.PendingRecord) bool {
	t := s.tries[h.Call]
	if t == nil {
		t = &try{wait: backoff.NewExponentialBackOff()}
		t.wait.InitialInterval, t.wait.MaxInterval = minSettleWait, maxSettleWait
		s.tries[h.Call] = t
	}
	now := time.Now()
	if now.Before(t.due) {
		return false
	}
	t.due = now.Add(t.wait.NextBackOff())
	return true
}

func (s *settler) settleOne(ctx context.Context, h ledger.PendingRecord) {
	number, err := s.names.Decrypt(h.EncryptedCaller)
	var got exemption.Answer
	if err != nil {
		s.failed(ctx, h.Call, err)
	} else {
		got, err = s.lookup.Exempt(ctx, number, h.ArrivedAt)
	}
	why := metering.ReasonResolved
	if err != nil || got.Verdict == metering.ExemptUnknown {
		if time.Since(h.ArrivedAt) < s.giveUp {
			return // it is asked again
		}
		got, why = exemption.Answer{}, metering.ReasonGivenUp
	}
	if err := s.supersede(ctx, h.Call, got.Exemption, why); err != nil {
		s.failed(ctx, h.Call, err)
	}
}

// supersede writes the next version of a call's record. Where the answer changes nothing, it writes nothing.
func (s *settler) supersede(ctx context.Context, call metering.CallID, e metering.Exemption, why metering.Reason) error {
	frames, err := s.ledger.Evidence(ctx, call)
	if err != nil {
		return err
	}
	_, before, err := mediation.Replay(frames)
	if err != nil {
		return err
	}
	if len(before.Calls) != 1 {
		return errors.New("its evidence does not end it")
	}
	if had := before.Calls[0]; !had.Resolve(e, why) {
		return nil
	}
	frame := mediation.ResolvedFrame(call, time.Now(), e, why)
	_, after, err := mediation.Replay(append(frames[:len(frames):len(frames)], frame))
	if err != nil {
		return err
	}
	newest := after.Records[len(after.Records)-1]
	b := ledger.Batch{
		Evidence: []ledger.Evidence{{Call: call, Frame: frame}}, Records: []metering.Record{newest}, Resolved: []metering.CallID{call},
	}
	s.ledger.commits.Lock()
	err = s.ledger.Supersede(ctx, &b)
	s.ledger.commits.Unlock()
	if err != nil {
		return err
	}
	s.metrics.rerated.WithLabelValues(string(why)).Inc()
	logRecord(s.log, &newest)
	return nil
}
