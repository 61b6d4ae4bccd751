package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Supersede implements ledger.Superseder.
func (s *Store) Supersede(ctx context.Context, c *ledger.Supersession) error {
	err := c.Check()
	log := s.log
	if err == nil {
		log, err = s.logOf(ctx, c.Call)
	}
	if errors.Is(err, ledger.ErrNotFound) {
		log, err = s.log, nil // its first record
	}
	if err == nil {
		err = s.change(ctx, log, func(tx *txn) error {
			if err := unchanged(ctx, tx, c); err != nil {
				return err
			}
			if c.Erased != nil {
				return erase(ctx, tx, c)
			}
			return addVersions(ctx, tx, c)
		})
	}
	if err = contradiction(err); err != nil {
		return fmt.Errorf("superseding the record of call %s: %w", c.Call, err)
	}
	return nil
}

// logOf is the log that has the records of a call; ErrNotFound where it has none.
func (s *Store) logOf(ctx context.Context, call metering.CallID) (log string, err error) {
	if s.write == nil {
		return "", errReadOnly
	}
	err = s.write.QueryRow(ctx, `
		SELECT log FROM record WHERE call = $1 AND version = 1 AND ($2::text IS NULL OR log = $2)`,
		string(call), s.only()).Scan(&log)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("the record of call %s: %w", call, ledger.ErrNotFound)
	}
	return log, hide(err)
}

// unchanged checks that the call has ended, has exactly the versions that the change was made from,
// and may be erased where the change erases it. What is erased of any log is not entered again:
// after a move a node's calls may be in two.
func unchanged(ctx context.Context, tx *txn, s *ledger.Supersession) error {
	var open, versions, disputed, elsewhere int
	var erasedBefore int64
	err := tx.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM open_call WHERE call = $1),
			(SELECT count(*) FROM record WHERE call = $1),
			(SELECT count(*) FROM record WHERE call = $1 AND log <> $3),
			(SELECT count(*) FROM dispute WHERE call = $1 AND closed_at IS NULL),
			coalesce((SELECT max(erased_before) FROM node), $2)`,
		string(s.Call), int64(math.MinInt64), tx.log).
		Scan(&open, &versions, &elsewhere, &disputed, &erasedBefore)
	switch {
	case err != nil:
		return hide(err)
	case open > 0:
		return ledger.ErrOpen
	case versions != s.After:
		return fmt.Errorf("%w: %d versions, not %d", ledger.ErrExists, versions, s.After)
	case elsewhere > 0:
		return fmt.Errorf("%w: its record is in the log of another node", ledger.ErrBroken)
	case s.After == 0 && millis(s.Records[0].ArrivedAt.Time) < erasedBefore:
		return ledger.ErrErased
	case disputed > 0 && s.Erased != nil:
		return ledger.ErrDisputed
	}
	return nil
}

func addVersions(ctx context.Context, tx *txn, s *ledger.Supersession) error {
	newest := &s.Records[len(s.Records)-1]
	if err := queueRecords(ctx, tx, s.Records); err != nil {
		return err
	}
	if err := addUp(ctx, tx, nil); err != nil {
		return err
	}
	if s.Pending != nil && s.Pending.EncryptedCaller != nil {
		queuePending(tx, s.Pending)
	}
	if newest.MayCharge() {
		queuePayerOfPending(tx, newest.Call)
		if s.EncryptedCaller != nil && tx.payersKept {
			tx.queue(`
				INSERT INTO payer (call, log, encrypted_caller) VALUES ($1, $2, $3)
				ON CONFLICT (call) DO NOTHING`, string(s.Call), tx.log, s.EncryptedCaller)
		}
	} else if newest.Version > metering.RecordVersion {
		tx.queue(noPayer, string(s.Call))
	}
	if s.Pending == nil {
		tx.queue(noPending, string(s.Call))
	}
	queueClosed(tx, map[metering.CallID][]byte{s.Call: closedText(nil, ledger.Join(s.Frames))})
	return nil
}

const (
	noPayer   = `DELETE FROM payer WHERE call = $1`
	noPending = `DELETE FROM pending_record WHERE call = $1`
	noDispute = `DELETE FROM dispute WHERE call = $1`
)

// erase replaces all versions of the call. The call's id names its second, and the PBX's own logs
// name the caller of that second: it goes, too.
func erase(ctx context.Context, tx *txn, s *ledger.Supersession) error {
	rows, err := versionRows(ctx, tx, s.Call)
	if err != nil {
		return err
	}
	if err := addUp(ctx, tx, nil); err != nil { // from the records as they are
		return err
	}
	for i, row := range rows {
		r := &s.Erased[i]
		if r.Record != row.Record {
			return fmt.Errorf("%w: %s is no erased form of %s", ledger.ErrBroken, r.Record, row.Record)
		}
		text := r.JSON()
		tx.queue(`
			UPDATE record SET json = $1, call = $2, arrived_at = $3, erased_at = $4 WHERE seq = $5`,
			text, string(r.Call), millis(r.ArrivedAt.Time), millis(s.At), row.Seq)
		if err := tx.appendLeaf(ctx, merkle.NewLeaf(merkle.Erasure, row.Record, text)); err != nil {
			return err
		}
	}
	tx.queue(`DELETE FROM evidence WHERE seq = $1`, rows[0].Seq)
	for _, query := range []string{noDispute, noPending, noPayer} {
		tx.queue(query, string(s.Call))
	}
	// Before when calls may be erased: the next full hour, which names no call.
	before := instant(rows[0].ArrivedAt).Truncate(time.Hour).Add(time.Hour)
	tx.queue(`UPDATE node SET erased_before = greatest(erased_before, $2) WHERE node = $1`,
		tx.log, millis(before))
	return nil
}

type versionRow struct {
	Seq, ArrivedAt int64
	Record         string
}

func versionRows(
	ctx context.Context, tx *txn, call metering.CallID,
) (all []versionRow, err error) {
	rows, err := tx.Query(ctx, `
		SELECT seq, arrived_at, record FROM record WHERE call = $1 ORDER BY version`, string(call))
	if err == nil {
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[versionRow])
	}
	return all, hide(err)
}

// Erasable implements ledger.Eraser.
func (r reads) Erasable(
	ctx context.Context, before time.Time, limit int,
) (calls []metering.CallID, err error) {
	texts, err := list[string](ctx, r.q, `
		SELECT call FROM record
		WHERE arrived_at < $1 AND erased_at IS NULL AND version = 1
		AND ($3::text IS NULL OR log = $3)
		AND NOT EXISTS (SELECT 1 FROM dispute d WHERE d.call = record.call AND d.closed_at IS NULL)
		AND NOT EXISTS (SELECT 1 FROM open_call o WHERE o.call = record.call)
		ORDER BY arrived_at, seq LIMIT $2`, millis(before), limit, r.only())
	if err != nil {
		return nil, fmt.Errorf("reading which calls are to be erased: %w", err)
	}
	for _, text := range texts {
		calls = append(calls, metering.CallID(text))
	}
	return calls, nil
}

type pendingRow struct {
	Call            string
	ArrivedAt       int64
	EncryptedCaller []byte
}

// PendingRecords implements ledger.Pending.
func (r reads) PendingRecords(ctx context.Context) (pending []ledger.PendingRecord, err error) {
	rows, err := r.q.Query(ctx, `
		SELECT call, arrived_at, encrypted_caller FROM pending_record
		WHERE $1::text IS NULL OR log = $1 ORDER BY arrived_at, call`, r.only())
	var all []pendingRow
	if err == nil {
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[pendingRow])
	}
	if err != nil {
		return nil, fmt.Errorf("reading the pending records: %w", hide(err))
	}
	for _, p := range all {
		pending = append(pending, ledger.PendingRecord{
			Call: metering.CallID(p.Call), ArrivedAt: instant(p.ArrivedAt),
			EncryptedCaller: p.EncryptedCaller,
		})
	}
	return pending, nil
}
