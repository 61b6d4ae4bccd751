package sqlite

import (
	"context"
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
	err := l.change(ctx, func(tx txn) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO dispute (call, opened_at, note) VALUES (?, ?, ?)
			ON CONFLICT (call) DO UPDATE SET closed_at = NULL, note = excluded.note`,
			string(call), millis(at), note)
		if err != nil {
			return err
		}
		return enterDispute(ctx, tx, call)
	})
	if err != nil {
		return fmt.Errorf("opening the dispute of call %s: %w", call, err)
	}
	return nil
}

// CloseDispute implements ledger.Disputes.
func (l *store) CloseDispute(ctx context.Context, call metering.CallID, at time.Time) error {
	err := l.change(ctx, func(tx txn) error {
		res, err := tx.ExecContext(ctx, `
			UPDATE dispute SET closed_at = ? WHERE call = ? AND closed_at IS NULL`, millis(at), string(call))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(fmt.Errorf("no open dispute: %w", ledger.ErrNotFound), err)
		}
		return enterDispute(ctx, tx, call)
	})
	if err != nil {
		return fmt.Errorf("closing the dispute of call %s: %w", call, err)
	}
	return nil
}

// enterDispute enters the dispute as it is now into the ledger log, under the call's first record.
func enterDispute(ctx context.Context, tx txn, call metering.CallID) error {
	d, err := disputes(ctx, tx, `WHERE call = ?`, string(call))
	if err != nil {
		return err
	}
	versions, err := versionRows(ctx, tx, call)
	if err != nil || len(d) != 1 || len(versions) == 0 {
		return errors.Join(fmt.Errorf("%d disputes of %d versions: %w", len(d), len(versions),
			ledger.ErrNotFound), err)
	}
	return appendLeaf(ctx, tx, d[0].Leaf(versions[0].record))
}

// Disputes implements ledger.DisputeReader.
func (r reads) Disputes(ctx context.Context) ([]ledger.Dispute, error) {
	return disputes(ctx, r.q, `ORDER BY opened_at, call`)
}

func disputes(
	ctx context.Context, q queries, which string, args ...any,
) (all []ledger.Dispute, err error) {
	rows, err := q.QueryContext(ctx, `
		SELECT call, opened_at, coalesce(closed_at, 0), note FROM dispute `+which, args...)
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
