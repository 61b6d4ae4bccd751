package postgres

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
	"github.com/risposta/gateway/metering/quality"
)

// NoteRegister implements ledger.Registers.
func (s *Store) NoteRegister(ctx context.Context, state []byte) error {
	err := s.change(ctx, s.log, func(tx *txn) error {
		had, err := reads{q: tx, log: tx.log}.NotedRegister(ctx)
		if err != nil || bytes.Equal(had, state) {
			return err
		}
		tx.queue(`UPDATE node SET register = $2 WHERE node = $1`, tx.log, state)
		return tx.appendLeaf(ctx, merkle.NewLeaf(merkle.Register, "", state))
	})
	if err != nil {
		return fmt.Errorf("noting the exemption register in the ledger: %w", err)
	}
	return nil
}

// AddRepeats implements ledger.Repeats.
func (s *Store) AddRepeats(ctx context.Context, day string, rows []quality.Row) error {
	next, err := dayAfter(day, rows)
	if err == nil {
		err = s.change(ctx, s.log, func(tx *txn) error {
			if day < tx.repeatsDay {
				return nil
			}
			tx.repeatsDay = next
			return addUp(ctx, tx, rows)
		})
	}
	if err != nil {
		return fmt.Errorf("counting who called again after %s: %w", day, err)
	}
	return nil
}

// dayAfter is the next day, where the rows are all of this one.
func dayAfter(day string, rows []quality.Row) (next string, err error) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ledger.ErrBroken, err)
	}
	for _, row := range rows {
		if row.Day != day {
			return "", fmt.Errorf("%w: a row is of %s", ledger.ErrBroken, row.Day)
		}
	}
	return at.AddDate(0, 0, 1).Format(time.DateOnly), nil
}

// erasing are the tables that have what an erasure takes.
const erasing = "record, evidence, open_evidence, open_call, pending_record, dispute, payer"

// Scrub implements ledger.Eraser: it vacuums the tables, which makes the space of erased rows free.
// It does not overwrite them, nor what the server keeps of its write-ahead log: PostgreSQL cannot.
func (s *Store) Scrub(ctx context.Context) (done bool, err error) {
	if s.write == nil {
		return false, errReadOnly
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("scrubbing the ledger: %w", hide(err))
		}
	}()
	conn, err := s.read.Acquire(ctx) // its statements are not bounded in time
	if err != nil {
		return false, err
	}
	defer conn.Release()
	var older int
	err = conn.QueryRow(ctx, `
		SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()
			AND age(backend_xmin) > age(pg_snapshot_xmax(pg_current_snapshot())::xid)`).Scan(&older)
	if err != nil || older > 0 {
		return false, err
	}
	if _, err := conn.Exec(ctx, "VACUUM "+erasing); err != nil {
		return false, err
	}
	return true, nil
}
