package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering/ledger"
)

// The waits between two tries of a failed commit. Frames are still read meanwhile.
const (
	minCommitRetry = 50 * time.Millisecond
	maxCommitRetry = 2 * time.Second
)

// commit tries until the batch is on disk, without the calls that contradict the ledger: those are
// set aside. When the gateway ends it gives up, drainTimeout later.
func (w *pbxWorker) commit(ctx context.Context, out *mediation.Output) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = minCommitRetry, maxCommitRetry
	var deadline <-chan time.Time
	ended := ctx.Done()
	for {
		start := time.Now()
		err := w.commitOthers(context.WithoutCancel(ctx), out)
		if err == nil {
			w.metrics.commitSeconds.Observe(time.Since(start).Seconds())
			w.committed.Store(true)
			return nil
		}
		w.committed.Store(false)
		w.metrics.commitFailures.Inc()
		if errors.Is(err, ledger.ErrFenced) {
			return err
		}
		if errors.Is(err, ledger.ErrDamaged) || errors.Is(err, ledger.ErrBroken) {
			return fmt.Errorf("ending, because no batch can be committed any more: %w", err)
		}
		pause := wait.NextBackOff()
		w.log.Error(evCommitFailed, zap.Error(err), zap.Int("records", len(out.Records)),
			zap.Duration("retry_in_ms", pause))
		retry := time.After(pause)
		for waiting := true; waiting; {
			select {
			case <-retry:
				waiting = false
			case <-w.beat:
			case <-ended:
				ended = nil // once: from here on the time is bounded
				deadline = time.After(drainTimeout)
			case <-deadline:
				return fmt.Errorf("%d records and %d frames could not be committed before the end: %w",
					len(out.Records), len(out.Evidence), err)
			}
		}
	}
}

// maxSafeRecords bounds how often the calls of contradictions get a record instead of what the
// batch has of them: another program may change the ledger meanwhile. Later ones get none from
// this batch. So each try has a call less, and the tries end.
const maxSafeRecords = 4

// commitOthers commits the batch once, without the calls that contradict the ledger.
func (w *pbxWorker) commitOthers(ctx context.Context, out *mediation.Output) error {
	for tries := 0; ; tries++ {
		err := w.ledger.Commit(ctx, &out.Batch)
		var c *ledger.Contradiction
		if !errors.As(err, &c) {
			return err
		}
		for _, trouble := range c.Calls {
			if err := w.setAside(ctx, trouble, tries < maxSafeRecords, out); err != nil {
				return fmt.Errorf("setting call %s aside: %w", trouble.Call, err)
			}
		}
	}
}
