package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
)

// AddRepeats implements ledger.Repeats.
func (l *store) AddRepeats(ctx context.Context, day string, rows []quality.Row) error {
	next, err := dayAfter(day, rows)
	if err == nil {
		err = l.change(ctx, func(tx txn) error {
			until, err := (reads{tx}).RepeatsUntil(ctx)
			if err != nil || day < until {
				return err
			}
			if err := addUp(ctx, tx, &recent{}, rows); err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `
				INSERT INTO quality_repeats (one, day) VALUES (1, ?1)
				ON CONFLICT (one) DO UPDATE SET day = ?1`, next)
			return err
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

// RepeatsUntil implements ledger.RepeatReader.
func (r reads) RepeatsUntil(ctx context.Context) (day string, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT day FROM quality_repeats`).Scan(&day)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading for which days it is counted who called again: %w", err)
	}
	return day, nil
}
