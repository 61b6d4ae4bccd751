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

// OpenDispute implements ledger.Disputes.
func (l *store) OpenDispute(
	ctx context.Context, call metering.CallID, at time.Time, note string,
) error {
	if _, err := l.Record(ctx, call); err != nil {
		return err
	}
	err := l.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO dispute (call, opened_at, note) VALUES (?, ?, ?)
			ON CONFLICT (call) DO UPDATE SET closed_at = NULL, note = excluded.note`,
			string(call), millis(at), note)
		return err
	})
	if err != nil {
		return fmt.Errorf("opening the dispute of call %s: %w", call, err)
	}
	return nil
}

// CloseDispute implements ledger.Disputes.
func (l *store) CloseDispute(ctx context.Context, call metering.CallID, at time.Time) error {
	err := l.change(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `
			UPDATE dispute SET closed_at = ? WHERE call = ? AND closed_at IS NULL`, millis(at), string(call))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(fmt.Errorf("no open dispute: %w", ledger.ErrNotFound), err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("closing the dispute of call %s: %w", call, err)
	}
	return nil
}

// Disputes implements ledger.Disputes.
func (r reads) Disputes(ctx context.Context) (all []ledger.Dispute, err error) {
	rows, err := r.q.QueryContext(ctx, `
		SELECT call, opened_at, coalesce(closed_at, 0), note FROM dispute ORDER BY opened_at, call`)
	if err != nil {
		return nil, fmt.Errorf("reading the disputes: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var d ledger.Dispute
		var opened, closed int64
		if err := rows.Scan(&d.Call, &opened, &closed, &d.Note); err != nil {
			return nil, fmt.Errorf("reading the disputes: %w", err)
		}
		d.OpenedAt = instant(opened)
		if closed != 0 {
			d.ClosedAt = instant(closed)
		}
		all = append(all, d)
	}
	return all, rows.Err()
}
