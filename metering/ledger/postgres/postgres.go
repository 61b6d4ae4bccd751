// Package postgres keeps the ledger in a PostgreSQL, which several gateways may share.
//
// In: a connection string, and for a meter of a cluster the lease of a node ([Cluster]). Out: a
// [ledger.Store] whose commits are one transaction each, durable when Commit returns
// (synchronous_commit=on, and fsync=off is refused). Each node has a ledger log of its own, and the
// changes of one log follow each other: a transaction locks the node's row first, and proves with
// it that its lease is still the newest. Those of different nodes go side by side. It judges no
// time but by the database's clock, runs no query of others, and quotes no value in an error.
//
// A store is of one node, or of the whole ledger. The latter reads the calls of all nodes, and
// changes each in the log that has it; its own log is that of the node "". [Store.Log] is another
// store, of one log alone.
//
// The package registers itself as the store "postgres" of [ledger.Open].
package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/risposta/gateway/metering/ledger"
)

func init() {
	ledger.Register("postgres", open)
	ledger.Register("postgresql", open)
}

// Store is an open ledger.
type Store struct {
	reads
	read  *pgxpool.Pool // that of reads
	write *pgxpool.Pool // nil when opened for reading only
	epoch int64         // of the lease, or of the one gateway; 0: neither
	lock  *gatewayLock  // nil unless opened exclusively
	owned bool          // the pools are closed with it
}

var _ ledger.Store = (*Store)(nil)

// wholeLog is the log of a store of the whole ledger: it is of no node.
const wholeLog = ""

// open opens the whole ledger. place is a connection string; of a URL it has lost the scheme.
func open(ctx context.Context, place string, mode ledger.Mode) (ledger.Store, error) {
	dsn := place
	if strings.HasPrefix(place, "//") {
		dsn = "postgres:" + place
	}
	s := &Store{owned: true}
	if err := s.open(ctx, dsn, mode); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the ledger in PostgreSQL: %w", err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, dsn string, mode ledger.Mode) (err error) {
	conf, err := parse(dsn)
	if err != nil {
		return err
	}
	if s.read, err = connect(ctx, conf, reading); err != nil {
		return err
	}
	s.reads = reads{q: s.read, log: wholeLog, all: true}
	if mode == ledger.Exclusive {
		if s.lock, err = lockGateway(ctx, conf); err != nil {
			return err
		}
		if err := migrate(ctx, conf, true); err != nil {
			return err
		}
	} else if err := exists(ctx, s.read); err != nil {
		return err
	}
	if mode == ledger.ReadOnly {
		return nil
	}
	if s.write, err = connect(ctx, conf, writing); err != nil {
		return err
	}
	if mode == ledger.Exclusive {
		s.epoch, err = nextEpoch(ctx, s.write)
	}
	return err
}

// nextEpoch fences off a gateway that had the whole ledger before, and does not know yet that it
// lost its lock.
func nextEpoch(ctx context.Context, db *pgxpool.Pool) (epoch int64, err error) {
	err = db.QueryRow(ctx, `
		INSERT INTO node (node, epoch) VALUES ($1, 1)
		ON CONFLICT (node) DO UPDATE SET epoch = node.epoch + 1 RETURNING epoch`, wholeLog).Scan(&epoch)
	return epoch, hide(err)
}

// Log returns a store of one log alone, such as an audit reads. It is closed with the one that it
// comes from.
func (s *Store) Log(log string) ledger.Store {
	one := *s
	one.reads = reads{q: s.q, log: log}
	one.owned, one.lock = false, nil
	if log != s.log {
		one.epoch = 0
	}
	return &one
}

// Logs implements ledger.Logs. It believes no row of a node alone: one that was removed or changed
// hides no log.
func (r reads) Logs(ctx context.Context) ([]string, error) {
	if !r.all {
		return []string{r.log}, nil
	}
	logs, err := list[string](ctx, r.q, `
		SELECT node FROM node WHERE leaves > 0 UNION SELECT log FROM record UNION SELECT log FROM leaf
		UNION SELECT log FROM leaf_hash UNION SELECT log FROM head UNION SELECT log FROM quality
		UNION SELECT log FROM dispute ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("reading which logs the ledger has: %w", err)
	}
	return logs, nil
}

// Close implements ledger.Store.
func (s *Store) Close() error {
	if !s.owned {
		return nil
	}
	for _, pool := range []*pgxpool.Pool{s.read, s.write} {
		if pool != nil {
			pool.Close()
		}
	}
	if s.lock != nil {
		return s.lock.release()
	}
	return nil
}

var errReadOnly = errors.New("the ledger was opened for reading only")

func millis(t time.Time) int64 { return t.UnixMilli() }

func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// list is the only column of a query's rows.
func list[T any](ctx context.Context, q queries, query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, hide(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[T])
	return all, hide(err)
}
