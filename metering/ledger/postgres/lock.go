package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/risposta/gateway/metering/ledger"
)

// gatewayLock is the lock of the one gateway that has the whole ledger: an advisory lock of a
// session, which ends with it. What keeps a gateway from committing that lost it is the epoch of
// its log.
type gatewayLock struct {
	conf *pgx.ConnConfig
	conn *pgx.Conn // nil while the server is away
	stop context.CancelFunc
	done sync.WaitGroup
}

// lockEvery is how often it is tried whether the session is still there. A server that was started
// anew has forgotten the lock.
const lockEvery = time.Second

// lockGateway takes the lock, or fails with ErrLocked.
func lockGateway(ctx context.Context, conf *pgxpool.Config) (*gatewayLock, error) {
	l := &gatewayLock{conf: conf.ConnConfig}
	if err := l.take(ctx); err != nil {
		return nil, err
	}
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	l.done.Go(func() { l.keep(ctx) })
	return l, nil
}

func (l *gatewayLock) take(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, l.conf)
	if err != nil {
		return hide(err)
	}
	var locked bool
	err = checkServer(ctx, conn)
	if err == nil {
		err = conn.QueryRow(ctx, `
			SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, schema+" ledger").Scan(&locked)
	}
	if err == nil && !locked {
		err = fmt.Errorf("locking it: %w", ledger.ErrLocked)
	}
	if err != nil {
		_ = conn.Close(ctx) // it is of no use
		return hide(err)
	}
	l.conn = conn
	return nil
}

// keep takes the lock again where the session was lost. Where another gateway was faster, its epoch
// fences this one off.
func (l *gatewayLock) keep(ctx context.Context) {
	tick := time.NewTicker(lockEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		within, cancel := context.WithTimeout(ctx, changeTimeout)
		if l.conn != nil && l.conn.Ping(within) != nil {
			_ = l.conn.Close(within) // it is gone
			l.conn = nil
		}
		if l.conn == nil {
			_ = l.take(within) // tried again with the next tick
		}
		cancel()
	}
}

// release gives the lock back.
func (l *gatewayLock) release() error {
	l.stop()
	l.done.Wait()
	if l.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	return l.conn.Close(ctx)
}
