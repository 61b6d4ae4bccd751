package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// queries are those of a database, or of a transaction.
type queries interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// reads are the methods that change nothing.
type reads struct{ q queries }

// Snapshot implements ledger.Snapshots: one transaction of a reader's connection.
func (l *store) Snapshot(ctx context.Context, f func(ledger.Snapshot) error) (err error) {
	tx, err := l.read.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("reading a snapshot of the ledger: %w", err)
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	// SQLite takes the snapshot with the first reading.
	if _, err := countLeaves(ctx, tx); err != nil {
		return fmt.Errorf("reading a snapshot of the ledger: %w", err)
	}
	return f(reads{tx})
}

// OpenCalls implements ledger.OpenCalls.
func (r reads) OpenCalls(ctx context.Context, node string) (calls []ledger.OpenCall, err error) {
	rows, err := r.q.QueryContext(ctx, `
		SELECT call, node, service, arrived_at, encrypted_caller FROM open_call
		WHERE ? IN (node, '') ORDER BY seq`, node)
	if err != nil {
		return nil, fmt.Errorf("reading the open calls of node %s: %w", node, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c ledger.OpenCall
		var at int64
		if err := rows.Scan(&c.Call, &c.Node, &c.Service, &at, &c.EncryptedCaller); err != nil {
			return nil, fmt.Errorf("reading the open calls of node %s: %w", node, err)
		}
		c.ArrivedAt = instant(at)
		calls = append(calls, c)
	}
	return calls, rows.Err()
}

// Watermark implements ledger.OpenCalls.
func (r reads) Watermark(ctx context.Context, node string) (time.Time, error) {
	var at sql.NullInt64
	err := r.q.QueryRowContext(ctx, `SELECT watermark FROM node WHERE node = ?`, node).Scan(&at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("reading the watermark of node %s: %w", node, err)
	}
	if !at.Valid {
		return time.Time{}, nil
	}
	return instant(at.Int64), nil
}

// Checkpoint implements ledger.OpenCalls.
func (r reads) Checkpoint(ctx context.Context, node string) (checkpoint []byte, err error) {
	err = r.q.QueryRowContext(ctx, `
		SELECT checkpoint FROM node WHERE node = ?`, node).Scan(&checkpoint)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("reading the checkpoint of node %s: %w", node, err)
	}
	return checkpoint, nil
}

// Record implements ledger.Reader.
func (r reads) Record(ctx context.Context, call metering.CallID) (text []byte, err error) {
	err = r.q.QueryRowContext(ctx, `
		SELECT json FROM record WHERE call = ? ORDER BY version DESC LIMIT 1`, string(call)).Scan(&text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("the record of call %s: %w", call, ledger.ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("reading the record of call %s: %w", call, err)
	}
	return text, nil
}

// Versions implements ledger.Reader.
func (r reads) Versions(ctx context.Context, call metering.CallID) ([][]byte, error) {
	texts, err := column(ctx, r.q, `
		SELECT json FROM record WHERE call = ? ORDER BY version`, string(call))
	if err != nil {
		return nil, fmt.Errorf("reading the versions of call %s: %w", call, err)
	}
	return texts, nil
}

// CallOf implements ledger.Reader.
func (r reads) CallOf(ctx context.Context, record string) (call metering.CallID, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT call FROM record WHERE record = ?`, record).Scan(&call)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", fmt.Errorf("record %s: %w", record, ledger.ErrNotFound)
	case err != nil:
		return "", fmt.Errorf("reading record %s: %w", record, err)
	}
	return call, nil
}

// column is the only column of a query's rows.
func column(
	ctx context.Context, q queries, query string, args ...any,
) (values [][]byte, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var v []byte
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, rows.Err()
}
