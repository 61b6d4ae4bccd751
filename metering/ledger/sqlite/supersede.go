package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Supersede implements ledger.Superseder.
func (l *store) Supersede(ctx context.Context, s *ledger.Supersession) error {
	err := s.Check()
	if err == nil {
		err = l.change(ctx, func(tx txn) error {
			if err := unchanged(ctx, tx, s); err != nil {
				return err
			}
			if s.Erased != nil {
				return contradiction(erase(ctx, tx, s))
			}
			return contradiction(addVersions(ctx, tx, s))
		})
	}
	if err != nil {
		return fmt.Errorf("superseding the record of call %s: %w", s.Call, err)
	}
	return nil
}

// unchanged checks that the call has ended, has exactly the versions that the change was made from,
// and may be erased where the change erases it.
func unchanged(ctx context.Context, tx txn, s *ledger.Supersession) error {
	var open, versions, disputed int
	var erasedBefore int64
	err := tx.QueryRowContext(ctx, `
		SELECT (SELECT count(*) FROM open_call WHERE call = ?1),
			(SELECT count(*) FROM record WHERE call = ?1),
			(SELECT count(*) FROM dispute WHERE call = ?1 AND closed_at IS NULL),
			coalesce((SELECT before FROM erased), ?2)`,
		string(s.Call), math.MinInt64).Scan(&open, &versions, &disputed, &erasedBefore)
	switch {
	case err != nil:
		return err
	case open > 0:
		return ledger.ErrOpen
	case versions != s.After:
		return fmt.Errorf("%w: %d versions, not %d", ledger.ErrExists, versions, s.After)
	case s.After == 0 && millis(s.Records[0].ArrivedAt.Time) < erasedBefore:
		return ledger.ErrErased
	case disputed > 0 && s.Erased != nil:
		return ledger.ErrDisputed
	}
	return nil
}

func addVersions(ctx context.Context, tx txn, s *ledger.Supersession) error {
	newest := &s.Records[len(s.Records)-1]
	for i := range s.Records {
		if err := insertRecord(ctx, tx, &s.Records[i], nil); err != nil {
			return err
		}
	}
	if err := addUp(ctx, tx, &recent{}, nil); err != nil {
		return err
	}
	if s.Pending != nil && s.Pending.EncryptedCaller != nil {
		if err := writePending(ctx, tx, s.Pending); err != nil {
			return err
		}
	}
	if err := keepPayer(ctx, tx, newest, payerOfPending); err != nil {
		return err
	}
	if err := payerOfChange(ctx, tx, s, newest); err != nil {
		return err
	}
	if s.Pending == nil {
		if err := deletePending(ctx, tx, s.Call); err != nil {
			return err
		}
	}
	return appendClosed(ctx, tx, s.Call, closedText(nil, ledger.Join(s.Frames)))
}

func deletePending(ctx context.Context, tx txn, call metering.CallID) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM pending_record WHERE call = ?`, string(call))
	if err != nil {
		return fmt.Errorf("ending the wait of call %s: %w", call, err)
	}
	return nil
}

// erase replaces all versions of the call. The call's id names its second, and the PBX's own logs
// name the caller of that second: it goes, too.
func erase(ctx context.Context, tx txn, s *ledger.Supersession) error {
	rows, err := versionRows(ctx, tx, s.Call)
	if err != nil {
		return err
	}
	if err := addUp(ctx, tx, &recent{}, nil); err != nil { // from the records as they are
		return err
	}
	for i, row := range rows {
		r := &s.Erased[i]
		if r.Record != row.record {
			return fmt.Errorf("%w: %s is no erased form of %s", ledger.ErrBroken, r.Record, row.record)
		}
		text := r.JSON()
		if _, err := tx.ExecContext(ctx, `
			UPDATE record SET json = ?, call = ?, arrived_at = ?, erased_at = ?, frames = NULL
			WHERE seq = ?`,
			text, string(r.Call), millis(r.ArrivedAt.Time), millis(s.At), row.seq); err != nil {
			return fmt.Errorf("erasing record %s: %w", row.record, err)
		}
		if err := appendLeaf(ctx, tx, merkle.NewLeaf(merkle.Erasure, row.record, text)); err != nil {
			return err
		}
	}
	for _, query := range []string{
		`DELETE FROM dispute WHERE call = ?`, `DELETE FROM pending_record WHERE call = ?`, noPayer,
	} {
		if _, err := tx.ExecContext(ctx, query, string(s.Call)); err != nil {
			return fmt.Errorf("erasing the detail of call %s: %w", s.Call, err)
		}
	}
	return noteErased(ctx, tx, instant(rows[0].arrivedAt))
}

// noteErased keeps before when calls may be erased: the next full hour, which names no call.
func noteErased(ctx context.Context, tx txn, arrivedAt time.Time) error {
	before := arrivedAt.Truncate(time.Hour).Add(time.Hour)
	_, err := tx.ExecContext(ctx, `
		INSERT INTO erased (one, before) VALUES (1, ?1)
		ON CONFLICT (one) DO UPDATE SET before = max(before, ?1)`, millis(before))
	if err != nil {
		return fmt.Errorf("noting that calls before %s are erased: %w", before, err)
	}
	return nil
}

type versionRow struct {
	seq, arrivedAt int64
	record         string
}

func versionRows(
	ctx context.Context, tx txn, call metering.CallID,
) (all []versionRow, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT seq, arrived_at, record FROM record WHERE call = ? ORDER BY version`, string(call))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r versionRow
		if err := rows.Scan(&r.seq, &r.arrivedAt, &r.record); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// Erasable implements ledger.Eraser.
func (r reads) Erasable(
	ctx context.Context, before time.Time, limit int,
) (calls []metering.CallID, err error) {
	texts, err := column(ctx, r.q, `
		SELECT call FROM record
		WHERE arrived_at < ? AND erased_at IS NULL AND version = 1
		AND NOT EXISTS (SELECT 1 FROM dispute d WHERE d.call = record.call AND d.closed_at IS NULL)
		AND NOT EXISTS (SELECT 1 FROM open_call o WHERE o.call = record.call)
		ORDER BY arrived_at, seq LIMIT ?`, millis(before), limit)
	for _, text := range texts {
		calls = append(calls, metering.CallID(text))
	}
	if err != nil {
		return nil, fmt.Errorf("reading which calls are to be erased: %w", err)
	}
	return calls, nil
}

// PendingRecords implements ledger.Pending.
func (r reads) PendingRecords(ctx context.Context) (pending []ledger.PendingRecord, err error) {
	rows, err := r.q.QueryContext(ctx, `
		SELECT call, arrived_at, encrypted_caller FROM pending_record ORDER BY arrived_at, call`)
	if err != nil {
		return nil, fmt.Errorf("reading the pending records: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var p ledger.PendingRecord
		var at int64
		if err := rows.Scan(&p.Call, &at, &p.EncryptedCaller); err != nil {
			return nil, fmt.Errorf("reading the pending records: %w", err)
		}
		p.ArrivedAt = instant(at)
		pending = append(pending, p)
	}
	return pending, rows.Err()
}
