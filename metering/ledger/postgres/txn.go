package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/metering/ledger"
)

// logState is the row of a log's node, as far as the log is concerned. A transaction locks it
// first, so nobody else changes what it stands for.
type logState struct {
	log                        string
	epoch                      int64
	leaves, counted, uncounted int64
	closedDay, repeatsDay      string
	payersKept                 bool
	lastBatch                  string
	position                   ledger.Position
}

// txn is a transaction that changes a log, and what it knows of it. What is queued is sent in one
// go: each answer of the server costs the way to it and back.
type txn struct {
	pgx.Tx
	logState
	was    logState
	queued *pgx.Batch
	single int // the queued statement that must change one row, from 1; 0: none does
	hashes map[int64]tlog.Hash
	added  addedLeaves
}

// addedLeaves are the leaves that a transaction appends, and their hashes, from one index on.
type addedLeaves struct {
	n       []int64
	records []string
	texts   [][]byte
	i       []int64
	hashes  [][]byte
}

// change runs f in a transaction that has locked a log, and runs it again, a few times, where the
// server or the connection ended the transaction before it was to be committed: nothing was kept.
func (s *Store) change(ctx context.Context, log string, f func(*txn) error) (err error) {
	if s.write == nil {
		return errReadOnly
	}
	for range attempts {
		again, failed := s.tryChange(ctx, log, f)
		if err = failed; !again || ctx.Err() != nil {
			break
		}
	}
	return err
}

// attempts is how often a change is tried: the connections of a pool end together with the server.
const attempts = 3

func (s *Store) tryChange(
	ctx context.Context, log string, f func(*txn) error,
) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	tx, err := s.write.Begin(ctx)
	if err != nil {
		return isLost(err), fmt.Errorf("beginning a transaction: %w", hide(err))
	}
	if err := s.inTransaction(ctx, tx, log, f); err != nil {
		lost := tx.Conn().IsClosed() || isLost(err)
		rollback(ctx, tx)
		return lost, hide(err)
	}
	return false, hide(tx.Commit(ctx)) // whether it was kept is not known where it fails
}

// isLost reports whether the session ended, or the transaction gave way to another.
func isLost(err error) bool {
	return hasClass(err, "08", "25P03", "40", "57P01", "57P02", "57P03") || pgconn.SafeToRetry(err)
}

// rollback ends a transaction that changed nothing. Where the connection is gone the server does.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = tx.Rollback(ctx) // what it could tell is less than why it is called
}

func (s *Store) inTransaction(
	ctx context.Context, tx pgx.Tx, log string, f func(*txn) error,
) error {
	state, err := lockLog(ctx, tx, log)
	if err != nil {
		return err
	}
	if s.epoch != 0 && log == s.log && state.epoch != s.epoch {
		return fmt.Errorf("changing the log of node %q under epoch %d, it has %d: %w",
			log, s.epoch, state.epoch, ledger.ErrFenced)
	}
	t := &txn{
		Tx: tx, logState: state, was: state, queued: &pgx.Batch{}, hashes: map[int64]tlog.Hash{},
	}
	if err := f(t); err != nil {
		return err
	}
	return t.finish(ctx)
}

const lockQuery = `
	SELECT node, epoch, leaves, counted, uncounted, closed_day, repeats_day, payers_kept,
		coalesce(last_batch, ''), run, seq
	FROM node WHERE node = $1 FOR UPDATE`

// lockLog locks the row of a node, and makes it where there is none.
func lockLog(ctx context.Context, tx pgx.Tx, log string) (s logState, err error) {
	read := func() error {
		return tx.QueryRow(ctx, lockQuery, log).Scan(&s.log, &s.epoch, &s.leaves, &s.counted,
			&s.uncounted, &s.closedDay, &s.repeatsDay, &s.payersKept, &s.lastBatch, &s.position.Run,
			&s.position.Seq)
	}
	if err = read(); errors.Is(err, pgx.ErrNoRows) {
		if _, err = tx.Exec(ctx, addNode, log); err == nil {
			err = read()
		}
	}
	if err != nil {
		return s, fmt.Errorf("locking the log of node %q: %w", log, hide(err))
	}
	return s, nil
}

const addNode = `INSERT INTO node (node) VALUES ($1) ON CONFLICT (node) DO NOTHING`

// exec executes a statement now.
func (t *txn) exec(ctx context.Context, query string, args ...any) error {
	_, err := t.Exec(ctx, query, args...)
	return hide(err)
}

// queue keeps a statement for the next flush.
func (t *txn) queue(query string, args ...any) { t.queued.Queue(query, args...) }

// flush sends what is queued.
func (t *txn) flush(ctx context.Context) (err error) {
	if t.queued.Len() == 0 {
		return nil
	}
	results := t.SendBatch(ctx, t.queued)
	for i := range t.queued.Len() {
		tag, failed := results.Exec()
		if failed != nil {
			err = failed
			break
		}
		if i+1 == t.single && tag.RowsAffected() != 1 {
			err = fmt.Errorf("moving the node from where the batch begins: %w", ledger.ErrFenced)
			break
		}
	}
	t.queued, t.single = &pgx.Batch{}, 0
	return hide(errors.Join(err, results.Close()))
}

// finish writes the leaves and the state of the log, where they have changed.
func (t *txn) finish(ctx context.Context) error {
	if a := t.added; len(a.n) > 0 {
		t.queue(`INSERT INTO leaf (log, n, record, text)
			SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::bytea[])`,
			t.log, a.n, a.records, a.texts)
		t.queue(`INSERT INTO leaf_hash (log, i, hash)
			SELECT $1, * FROM unnest($2::bigint[], $3::bytea[])`, t.log, a.i, a.hashes)
		t.added = addedLeaves{}
	}
	if t.logState != t.was {
		t.queue(`
			UPDATE node SET leaves = $2, counted = $3, uncounted = $4, closed_day = $5,
				repeats_day = $6, payers_kept = $7
			WHERE node = $1`,
			t.log, t.leaves, t.counted, t.uncounted, t.closedDay, t.repeatsDay, t.payersKept)
	}
	return t.flush(ctx)
}

// readNow is what a transaction reads of its own log, with what it has queued.
func (t *txn) readNow(ctx context.Context) (reads, error) {
	return reads{q: t, log: t.log}, t.flush(ctx)
}
