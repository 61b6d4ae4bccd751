package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// OpenDispute implements ledger.Disputes.
func (s *Store) OpenDispute(
	ctx context.Context, call metering.CallID, at time.Time, note string,
) error {
	log, err := s.logOf(ctx, call)
	if err == nil {
		err = s.change(ctx, log, func(tx *txn) error {
			err := tx.exec(ctx, `
				INSERT INTO dispute (call, log, opened_at, note) VALUES ($1, $2, $3, $4)
				ON CONFLICT (call) DO UPDATE SET closed_at = NULL, note = excluded.note`,
				string(call), tx.log, millis(at), []byte(note))
			if err != nil {
				return err
			}
			return enterDispute(ctx, tx, call)
		})
	}
	if err != nil {
		return fmt.Errorf("opening the dispute of call %s: %w", call, err)
	}
	return nil
}

// CloseDispute implements ledger.Disputes.
func (s *Store) CloseDispute(ctx context.Context, call metering.CallID, at time.Time) error {
	log, err := s.logOf(ctx, call)
	if err == nil {
		err = s.change(ctx, log, func(tx *txn) error {
			done, err := tx.Exec(ctx, `
				UPDATE dispute SET closed_at = $1 WHERE call = $2 AND closed_at IS NULL`,
				millis(at), string(call))
			if err != nil || done.RowsAffected() != 1 {
				return errors.Join(fmt.Errorf("no open dispute: %w", ledger.ErrNotFound), hide(err))
			}
			return enterDispute(ctx, tx, call)
		})
	}
	if err != nil {
		return fmt.Errorf("closing the dispute of call %s: %w", call, err)
	}
	return nil
}

// enterDispute enters the dispute as it is now into the ledger log, under the call's first record.
func enterDispute(ctx context.Context, tx *txn, call metering.CallID) error {
	d, err := disputes(ctx, tx, `WHERE call = $1`, string(call))
	if err != nil {
		return err
	}
	versions, err := versionRows(ctx, tx, call)
	if err != nil || len(d) != 1 || len(versions) == 0 {
		return errors.Join(fmt.Errorf("%d disputes of %d versions: %w", len(d), len(versions),
			ledger.ErrNotFound), err)
	}
	return tx.appendLeaf(ctx, d[0].Leaf(versions[0].Record))
}

// Disputes implements ledger.DisputeReader.
func (r reads) Disputes(ctx context.Context) ([]ledger.Dispute, error) {
	return disputes(ctx, r.q, `WHERE $1::text IS NULL OR log = $1 ORDER BY opened_at, call`, r.only())
}

type disputeRow struct {
	Call             string
	Opened, ClosedAt int64
	Note             []byte
}

func disputes(
	ctx context.Context, q queries, which string, args ...any,
) (all []ledger.Dispute, err error) {
	rows, err := q.Query(ctx, `
		SELECT call, opened_at, coalesce(closed_at, 0), note FROM dispute `+which, args...)
	var found []disputeRow
	if err == nil {
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[disputeRow])
	}
	if err != nil {
		return nil, fmt.Errorf("reading the disputes: %w", hide(err))
	}
	for _, row := range found {
		d := ledger.Dispute{
			Call: metering.CallID(row.Call), OpenedAt: instant(row.Opened), Note: string(row.Note),
		}
		if row.ClosedAt != 0 {
			d.ClosedAt = instant(row.ClosedAt)
		}
		all = append(all, d)
	}
	return all, nil
}
