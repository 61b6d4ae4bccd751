package gateway

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
	"golang.org/x/mod/sumdb/note"
)

// keeper signs the log of the records at intervals, and erases callers' detail when its time has come.
type keeper struct {
	ledger  *shared
	signer  note.Signer
	every   time.Duration
	before  func(now time.Time) time.Time // what is older has no detail any more
	log     *zap.Logger
	metrics *metrics
}

const (
	eraseEvery = time.Hour
	// eraseBatch bounds one transaction of erasing: calls' commits wait for it.
	eraseBatch = 100
)

// run keeps until ctx ends.
func (k *keeper) run(ctx context.Context) {
	seal, erase := time.NewTicker(k.every), time.NewTicker(eraseEvery)
	defer seal.Stop()
	defer erase.Stop()
	k.erase(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-seal.C:
			k.seal(ctx)
		case <-erase.C:
			k.erase(ctx)
		}
	}
}

// seal signs what has been added since the last head. A failure is told, and the next time comes.
func (k *keeper) seal(ctx context.Context) {
	k.ledger.commits.Lock()
	head, sealed, err := k.ledger.SignLog(ctx, time.Now(), k.signer)
	k.ledger.commits.Unlock()
	switch {
	case errors.Is(err, context.Canceled):
	case err != nil:
		k.metrics.signFailures.Inc()
		k.log.Error(evSignFailed, zap.Error(err))
	case sealed:
		k.log.Info(evSigned, zap.Int64("leaves", head.N), zap.Stringer("root", head.Hash), zap.ByteString("head", head.Note))
	}
}

func (k *keeper) erase(ctx context.Context) {
	total := 0
	for ctx.Err() == nil {
		now := time.Now()
		k.ledger.commits.Lock()
		n, err := k.ledger.Erase(ctx, k.before(now), now, eraseBatch)
		k.ledger.commits.Unlock()
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				k.log.Error(evEraseFailed, zap.Error(err))
			}
			return
		}
		total += n
		if n < eraseBatch {
			break
		}
	}
	if total > 0 {
		k.log.Info(evErased, zap.Int("records", total))
	}
}
