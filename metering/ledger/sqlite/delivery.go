package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// EndOfLog implements ledger.Feed.
func (r reads) EndOfLog(ctx context.Context) (int64, error) { return countLeaves(ctx, r.q) }

// Changes implements ledger.Feed. Leaves of other kinds name no record, or change none.
func (r reads) Changes(
	ctx context.Context, from, before int64,
) (changes []ledger.Change, err error) {
	rows, err := r.q.QueryContext(ctx, `
		SELECT l.n, l.record, l.text, r.call, r.json, b.json, p.sealed, p.encrypted_caller
		FROM leaf l JOIN record r ON r.record = l.record
		LEFT JOIN record b ON b.call = r.call AND b.version = r.version - 1
		LEFT JOIN payer p ON p.call = r.call
		WHERE l.n >= ? AND l.n < ? ORDER BY l.n`, from, before)
	if err != nil {
		return nil, fmt.Errorf("reading the changes from %d on: %w", from, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c ledger.Change
		var record string
		var text []byte
		if err := rows.Scan(&c.Position, &record, &text, &c.Call, &c.JSON, &c.Before, &c.Payer,
			&c.EncryptedCaller); err != nil {
			return nil, fmt.Errorf("reading the changes from %d on: %w", from, err)
		}
		leaf, err := merkle.ParseLeaf(leafText(record, text))
		if err != nil {
			return nil, fmt.Errorf("reading the change at %d: %w", c.Position, err)
		}
		if c.Erasure = leaf.Kind == merkle.Erasure; c.Erasure || leaf.Kind == merkle.Record {
			changes = append(changes, c)
		}
	}
	return changes, rows.Err()
}

// Cursor implements ledger.Deliveries.
func (r reads) Cursor(ctx context.Context, sink string) (c ledger.Cursor, err error) {
	err = r.q.QueryRowContext(ctx, `
		SELECT next, until FROM delivery WHERE sink = ?`, sink).Scan(&c.Next, &c.Until)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return c, fmt.Errorf("reading how far sink %s is: %w", sink, err)
	}
	return c, nil
}

// SaveCursor implements ledger.Deliveries.
func (l *store) SaveCursor(
	ctx context.Context, sink string, c ledger.Cursor, dead []ledger.DeadLetter,
) error {
	err := l.change(ctx, func(tx txn) error {
		for _, d := range dead {
			if err := keepLetter(ctx, tx, sink, d); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO delivery (sink, next, until) VALUES (?, ?, ?)
			ON CONFLICT (sink) DO UPDATE SET next = excluded.next, until = excluded.until`,
			sink, c.Next, c.Until)
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping how far sink %s is: %w", sink, err)
	}
	return nil
}

func keepLetter(ctx context.Context, tx txn, sink string, d ledger.DeadLetter) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO dead_letter (sink, position, record, at, tries, why, state)
		VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (sink, position) DO UPDATE SET
			at = excluded.at, tries = tries + excluded.tries, why = excluded.why, state = excluded.state`,
		sink, d.Position, d.Record, millis(d.At), d.Tries, d.Why, string(d.State))
	return err
}

// DeadLetters implements ledger.Deliveries.
func (r reads) DeadLetters(
	ctx context.Context, sink string,
) (letters []ledger.DeadLetter, err error) {
	rows, err := r.q.QueryContext(ctx, `
		SELECT position, record, at, tries, why, state FROM dead_letter
		WHERE sink = ? ORDER BY position`, sink)
	if err != nil {
		return nil, fmt.Errorf("reading the dead letters of sink %s: %w", sink, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var d ledger.DeadLetter
		var at int64
		if err := rows.Scan(&d.Position, &d.Record, &at, &d.Tries, &d.Why, &d.State); err != nil {
			return nil, fmt.Errorf("reading the dead letters of sink %s: %w", sink, err)
		}
		d.At = instant(at)
		letters = append(letters, d)
	}
	return letters, rows.Err()
}

// SettleLetter implements ledger.Deliveries.
func (l *store) SettleLetter(ctx context.Context, sink string, position int64) error {
	err := l.change(ctx, func(tx txn) error {
		_, err := tx.ExecContext(ctx, `
			DELETE FROM dead_letter WHERE sink = ? AND position = ?`, sink, position)
		return err
	})
	if err != nil {
		return fmt.Errorf("removing a dead letter of sink %s: %w", sink, err)
	}
	return nil
}

// MarkLetters implements ledger.Deliveries.
func (l *store) MarkLetters(
	ctx context.Context, sink, record string, state ledger.LetterState,
) (marked int, err error) {
	err = l.change(ctx, func(tx txn) error {
		done, err := tx.ExecContext(ctx, `
			UPDATE dead_letter SET state = ?3 WHERE sink = ?1 AND ?2 IN (record, '')`,
			sink, record, string(state))
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		marked = int(n)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("marking dead letters of sink %s: %w", sink, err)
	}
	return marked, nil
}

// KeepPayers implements ledger.Payers.
func (l *store) KeepPayers(ctx context.Context, keep bool) error {
	queries := []string{`DELETE FROM payers_kept`, `DELETE FROM payer`}
	if keep {
		queries = []string{`INSERT OR IGNORE INTO payers_kept (one) VALUES (1)`}
	}
	err := l.change(ctx, func(tx txn) error {
		for _, q := range queries {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("noting whether payers are kept: %w", err)
	}
	return nil
}

// SealPayers implements ledger.Payers.
func (l *store) SealPayers(
	ctx context.Context, sealed map[metering.CallID][]byte,
) (map[metering.CallID][]byte, error) {
	kept := map[metering.CallID][]byte{}
	err := l.change(ctx, func(tx txn) error {
		for call, payer := range sealed {
			if _, err := tx.ExecContext(ctx, `
				UPDATE payer SET sealed = ?, encrypted_caller = NULL WHERE call = ? AND sealed IS NULL`,
				payer, string(call)); err != nil {
				return err
			}
			var has []byte
			err := tx.QueryRowContext(ctx, `SELECT sealed FROM payer WHERE call = ?`,
				string(call)).Scan(&has)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			if has != nil {
				kept[call] = has
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("keeping payers for the billing department: %w", err)
	}
	return kept, nil
}

// The tables from which the number of a payer comes: of a call that ends, and of one that no longer
// waits for an answer.
const (
	payerOfOpenCall = `
		INSERT OR IGNORE INTO payer (call, encrypted_caller)
		SELECT call, encrypted_caller FROM open_call
		WHERE call = ? AND encrypted_caller IS NOT NULL AND EXISTS (SELECT 1 FROM payers_kept)`
	payerOfPending = `
		INSERT OR IGNORE INTO payer (call, encrypted_caller)
		SELECT call, encrypted_caller FROM pending_record
		WHERE call = ? AND EXISTS (SELECT 1 FROM payers_kept)`
	noPayer = `DELETE FROM payer WHERE call = ?`
)

// keepPayer keeps who pays for a call whose newest version is r, or removes it where nobody does. It
// is called while the table that has the number still has it.
func keepPayer(ctx context.Context, tx txn, r *metering.Record, from string) error {
	query := noPayer
	if r.MayCharge() {
		query = from
	} else if r.Version == metering.RecordVersion {
		return nil // there is none yet
	}
	if _, err := tx.ExecContext(ctx, query, string(r.Call)); err != nil {
		return fmt.Errorf("keeping who pays for call %s: %w", r.Call, err)
	}
	return nil
}

// payerOfChange keeps who pays of a call that was free so far, whose number the ledger has no more.
func payerOfChange(
	ctx context.Context, tx txn, s *ledger.Supersession, newest *metering.Record,
) error {
	if s.EncryptedCaller == nil || !newest.MayCharge() {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT OR IGNORE INTO payer (call, encrypted_caller)
		SELECT ?, ? WHERE EXISTS (SELECT 1 FROM payers_kept)`, string(s.Call), s.EncryptedCaller); err != nil {
		return fmt.Errorf("keeping who pays for call %s: %w", s.Call, err)
	}
	return nil
}
