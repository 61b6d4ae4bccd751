package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// queries are those of a pool, or of a transaction.
type queries interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
}

// reads are the methods that change nothing: of one log, or of the whole ledger.
type reads struct {
	q   queries
	log string // whose leaves, heads and cursors they read
	all bool   // the calls of all logs, not only those of this one
}

// only restricts a query to the calls of the log; nil: it does not.
func (r reads) only() *string {
	if r.all {
		return nil
	}
	return &r.log
}

// Snapshot implements ledger.Snapshots: one transaction of a reader's connection.
func (r reads) Snapshot(ctx context.Context, f func(ledger.Snapshot) error) error {
	return r.snapshot(ctx, func(r reads) error { return f(r) })
}

// snapshot calls f with one state of the ledger. One of a snapshot is the same.
func (r reads) snapshot(ctx context.Context, f func(reads) error) error {
	pool, ok := r.q.(*pgxpool.Pool)
	if !ok {
		return f(r)
	}
	tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err == nil {
		// PostgreSQL takes the snapshot with the first query.
		if _, err = tx.Exec(ctx, `SELECT 1`); err != nil {
			rollback(ctx, tx)
		}
	}
	if err != nil {
		return fmt.Errorf("reading a snapshot of the ledger: %w", hide(err))
	}
	defer rollback(ctx, tx)
	return f(reads{q: tx, log: r.log, all: r.all})
}

// pageRows bounds what is read at once. Between two pages no rows stand open, so that a function
// that is called with one may read from the same transaction.
const pageRows = 256

// paged reads the rows of a query in pages. after are the arguments of the page after a row.
func paged[T any](
	ctx context.Context, q queries, what, query string, first []any,
	after func(last T) []any, f func(T) error,
) error {
	for args := first; ; {
		rows, err := q.Query(ctx, query, args...)
		var page []T
		if err == nil {
			page, err = pgx.CollectRows(rows, pgx.RowToStructByPos[T])
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", what, hide(err))
		}
		for _, row := range page {
			if err := f(row); err != nil {
				return err
			}
		}
		if len(page) < pageRows {
			return nil
		}
		args = after(page[len(page)-1])
	}
}

type openRow struct {
	Call, Node, Service string
	ArrivedAt           int64
	EncryptedCaller     []byte
}

// OpenCalls implements ledger.OpenCalls.
func (r reads) OpenCalls(ctx context.Context, node string) (calls []ledger.OpenCall, err error) {
	rows, err := r.q.Query(ctx, `
		SELECT call, node, service, arrived_at, encrypted_caller FROM open_call
		WHERE $1 IN (node, '') ORDER BY seq`, node)
	var all []openRow
	if err == nil {
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[openRow])
	}
	if err != nil {
		return nil, fmt.Errorf("reading the open calls of node %s: %w", node, hide(err))
	}
	for _, c := range all {
		calls = append(calls, ledger.OpenCall{
			Call: metering.CallID(c.Call), Node: c.Node, Service: c.Service,
			ArrivedAt: instant(c.ArrivedAt), EncryptedCaller: c.EncryptedCaller,
		})
	}
	return calls, nil
}

// ofNode reads a value of a node's row, nil where there is none.
func ofNode[T any](
	ctx context.Context, q queries, what, query, node string,
) (value *T, err error) {
	err = q.QueryRow(ctx, query, node).Scan(&value)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("reading %s of node %s: %w", what, node, hide(err))
	}
	return value, nil
}

// Watermark implements ledger.OpenCalls.
func (r reads) Watermark(ctx context.Context, node string) (time.Time, error) {
	at, err := ofNode[int64](ctx, r.q, "the watermark", `
		SELECT watermark FROM node WHERE node = $1`, node)
	if err != nil || at == nil {
		return time.Time{}, err
	}
	return instant(*at), nil
}

// Checkpoint implements ledger.OpenCalls.
func (r reads) Checkpoint(ctx context.Context, node string) ([]byte, error) {
	c, err := ofNode[[]byte](ctx, r.q, "the checkpoint", `
		SELECT checkpoint FROM node WHERE node = $1`, node)
	if err != nil || c == nil {
		return nil, err
	}
	return *c, nil
}

// Position implements ledger.Metered.
func (r reads) Position(ctx context.Context) (p ledger.Position, err error) {
	err = r.q.QueryRow(ctx, `SELECT run, seq FROM node WHERE node = $1`, r.log).Scan(&p.Run, &p.Seq)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return p, fmt.Errorf("reading the position of node %s: %w", r.log, hide(err))
	}
	return p, nil
}

// Record implements ledger.Reader.
func (r reads) Record(ctx context.Context, call metering.CallID) (text []byte, err error) {
	err = r.q.QueryRow(ctx, `
		SELECT json FROM record WHERE call = $1 AND ($2::text IS NULL OR log = $2)
		ORDER BY version DESC LIMIT 1`, string(call), r.only()).Scan(&text)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, fmt.Errorf("the record of call %s: %w", call, ledger.ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("reading the record of call %s: %w", call, hide(err))
	}
	return text, nil
}

// Versions implements ledger.Reader.
func (r reads) Versions(ctx context.Context, call metering.CallID) ([][]byte, error) {
	texts, err := list[[]byte](ctx, r.q, `
		SELECT json FROM record WHERE call = $1 AND ($2::text IS NULL OR log = $2)
		ORDER BY version`, string(call), r.only())
	if err != nil {
		return nil, fmt.Errorf("reading the versions of call %s: %w", call, err)
	}
	return texts, nil
}

// CallOf implements ledger.Reader.
func (r reads) CallOf(ctx context.Context, record string) (call metering.CallID, err error) {
	err = r.q.QueryRow(ctx, `
		SELECT call FROM record WHERE record = $1 AND ($2::text IS NULL OR log = $2)`,
		record, r.only()).Scan((*string)(&call))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", fmt.Errorf("record %s: %w", record, ledger.ErrNotFound)
	case err != nil:
		return "", fmt.Errorf("reading record %s: %w", record, hide(err))
	}
	return call, nil
}

// NotedRegister implements ledger.RegisterReader: what the store's own log has.
func (r reads) NotedRegister(ctx context.Context) ([]byte, error) {
	state, err := ofNode[[]byte](ctx, r.q, "what is noted of the exemption register", `
		SELECT register FROM node WHERE node = $1`, r.log)
	if err != nil || state == nil {
		return nil, err
	}
	return *state, nil
}

// RepeatsUntil implements ledger.RepeatReader.
func (r reads) RepeatsUntil(ctx context.Context) (string, error) {
	day, err := ofNode[string](ctx, r.q, "how far repeats are counted", `
		SELECT repeats_day FROM node WHERE node = $1`, r.log)
	if err != nil || day == nil {
		return "", err
	}
	return *day, nil
}
