package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// EndOfLog implements ledger.Feed.
func (r reads) EndOfLog(ctx context.Context) (n int64, err error) {
	err = r.q.QueryRow(ctx, `SELECT coalesce(max(n) + 1, 0) FROM leaf WHERE log = $1`, r.log).Scan(&n)
	return n, hide(err)
}

type changeRow struct {
	Position                                    int64
	Text                                        []byte
	Call                                        string
	JSON, Before, Sealed, EncryptedCallerOfCall []byte
}

// Changes implements ledger.Feed. Leaves of other kinds name no record, or change none.
func (r reads) Changes(
	ctx context.Context, from, before int64,
) (changes []ledger.Change, err error) {
	rows, err := r.q.Query(ctx, `
		SELECT l.n, l.text, r.call, r.json, b.json, p.sealed, p.encrypted_caller
		FROM leaf l JOIN record r ON r.record = l.record
		LEFT JOIN record b ON b.call = r.call AND b.version = r.version - 1
		LEFT JOIN payer p ON p.call = r.call
		WHERE l.log = $1 AND l.n >= $2 AND l.n < $3 ORDER BY l.n`, r.log, from, before)
	var all []changeRow
	if err == nil {
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[changeRow])
	}
	if err != nil {
		return nil, fmt.Errorf("reading the changes from %d on: %w", from, hide(err))
	}
	for _, row := range all {
		leaf, err := merkle.ParseLeaf(row.Text)
		if err != nil {
			return nil, fmt.Errorf("reading the change at %d: %w", row.Position, err)
		}
		erasure := leaf.Kind == merkle.Erasure
		if erasure || leaf.Kind == merkle.Record {
			changes = append(changes, ledger.Change{
				Position: row.Position, Call: metering.CallID(row.Call), Erasure: erasure,
				JSON: row.JSON, Before: row.Before, Payer: row.Sealed,
				EncryptedCaller: row.EncryptedCallerOfCall,
			})
		}
	}
	return changes, nil
}

// Cursor implements ledger.Deliveries: that of the store's own log.
func (r reads) Cursor(ctx context.Context, sink string) (c ledger.Cursor, err error) {
	err = r.q.QueryRow(ctx, `
		SELECT next, until FROM delivery WHERE log = $1 AND sink = $2`, r.log, sink).
		Scan(&c.Next, &c.Until)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return c, fmt.Errorf("reading how far sink %s is: %w", sink, hide(err))
	}
	return c, nil
}

// SaveCursor implements ledger.Deliveries.
func (s *Store) SaveCursor(
	ctx context.Context, sink string, c ledger.Cursor, dead []ledger.DeadLetter,
) error {
	err := s.change(ctx, s.log, func(tx *txn) error {
		for _, d := range dead {
			tx.queue(`
				INSERT INTO dead_letter (log, sink, position, record, at, tries, why, state)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
				ON CONFLICT (log, sink, position) DO UPDATE SET
					at = excluded.at, tries = dead_letter.tries + excluded.tries,
					why = excluded.why, state = excluded.state`,
				tx.log, sink, d.Position, d.Record, millis(d.At), d.Tries, []byte(d.Why), string(d.State))
		}
		tx.queue(`
			INSERT INTO delivery (log, sink, next, until) VALUES ($1, $2, $3, $4)
			ON CONFLICT (log, sink) DO UPDATE SET next = excluded.next, until = excluded.until`,
			tx.log, sink, c.Next, c.Until)
		return nil
	})
	if err != nil {
		return fmt.Errorf("keeping how far sink %s is: %w", sink, err)
	}
	return nil
}

type letterRow struct {
	Position int64
	Record   string
	At       int64
	Tries    int
	Why      []byte
	State    string
}

// DeadLetters implements ledger.Deliveries.
func (r reads) DeadLetters(
	ctx context.Context, sink string,
) (letters []ledger.DeadLetter, err error) {
	rows, err := r.q.Query(ctx, `
		SELECT position, record, at, tries, why, state FROM dead_letter
		WHERE log = $1 AND sink = $2 ORDER BY position`, r.log, sink)
	var all []letterRow
	if err == nil {
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[letterRow])
	}
	if err != nil {
		return nil, fmt.Errorf("reading the dead letters of sink %s: %w", sink, hide(err))
	}
	for _, d := range all {
		letters = append(letters, ledger.DeadLetter{
			Position: d.Position, Record: d.Record, At: instant(d.At), Tries: d.Tries,
			Why: string(d.Why), State: ledger.LetterState(d.State),
		})
	}
	return letters, nil
}

// SettleLetter implements ledger.Deliveries.
func (s *Store) SettleLetter(ctx context.Context, sink string, position int64) error {
	err := s.change(ctx, s.log, func(tx *txn) error {
		return tx.exec(ctx, `DELETE FROM dead_letter WHERE log = $1 AND sink = $2 AND position = $3`,
			tx.log, sink, position)
	})
	if err != nil {
		return fmt.Errorf("removing a dead letter of sink %s: %w", sink, err)
	}
	return nil
}

// MarkLetters implements ledger.Deliveries.
func (s *Store) MarkLetters(
	ctx context.Context, sink, record string, state ledger.LetterState,
) (marked int, err error) {
	err = s.change(ctx, s.log, func(tx *txn) error {
		done, err := tx.Exec(ctx, `
			UPDATE dead_letter SET state = $4 WHERE log = $1 AND sink = $2 AND $3 IN (record, '')`,
			tx.log, sink, record, string(state))
		marked = int(done.RowsAffected())
		return hide(err)
	})
	if err != nil {
		return 0, fmt.Errorf("marking dead letters of sink %s: %w", sink, err)
	}
	return marked, nil
}

// KeepPayers implements ledger.Payers.
func (s *Store) KeepPayers(ctx context.Context, keep bool) error {
	err := s.change(ctx, s.log, func(tx *txn) error {
		if tx.payersKept = keep; !keep {
			tx.queue(`DELETE FROM payer WHERE $1::text IS NULL OR log = $1`, s.only())
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("noting whether payers are kept: %w", err)
	}
	return nil
}

// SealPayers implements ledger.Payers.
func (s *Store) SealPayers(
	ctx context.Context, sealed map[metering.CallID][]byte,
) (kept map[metering.CallID][]byte, err error) {
	var calls []string
	var values [][]byte
	for _, call := range slices.Sorted(maps.Keys(sealed)) {
		calls, values = append(calls, string(call)), append(values, sealed[call])
	}
	err = s.change(ctx, s.log, func(tx *txn) error {
		err := tx.exec(ctx, `
			UPDATE payer SET sealed = c.sealed, encrypted_caller = NULL
			FROM unnest($1::text[], $2::bytea[]) AS c(call, sealed)
			WHERE payer.call = c.call AND payer.sealed IS NULL`, calls, values)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			SELECT call, sealed FROM payer WHERE call = ANY($1) AND sealed IS NOT NULL`, calls)
		if err != nil {
			return hide(err)
		}
		kept = map[metering.CallID][]byte{}
		var call string
		var has []byte
		_, err = pgx.ForEachRow(rows, []any{&call, &has}, func() error {
			kept[metering.CallID(call)] = slices.Clone(has)
			return nil
		})
		return hide(err)
	})
	if err != nil {
		return nil, fmt.Errorf("keeping who pays: %w", err)
	}
	return kept, nil
}

// queuePayers keeps who pays for calls that end, while their open calls still have the number.
func queuePayers(tx *txn, records []metering.Record) {
	var calls []string
	for i := range records {
		if records[i].MayCharge() && tx.payersKept {
			calls = append(calls, string(records[i].Call))
		}
	}
	if len(calls) > 0 {
		tx.queue(`
			INSERT INTO payer (call, log, encrypted_caller)
			SELECT call, $2, encrypted_caller FROM open_call
			WHERE call = ANY($1) AND encrypted_caller IS NOT NULL
			ON CONFLICT (call) DO NOTHING`, calls, tx.log)
	}
}

// queuePayerOfPending keeps who pays for a call that waits, or has waited, for an answer.
func queuePayerOfPending(tx *txn, call metering.CallID) {
	if tx.payersKept {
		tx.queue(`
			INSERT INTO payer (call, log, encrypted_caller)
			SELECT call, log, encrypted_caller FROM pending_record WHERE call = $1
			ON CONFLICT (call) DO NOTHING`, string(call))
	}
}
