package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
)

// correctQuality counts a new version of a call's record in place of the newest that it had.
func correctQuality(
	ctx context.Context, tx txn, call metering.CallID, had int, after *metering.Record,
) error {
	var text []byte
	err := tx.QueryRowContext(ctx, `
		SELECT json FROM record WHERE call = ? AND version = ?`, string(call), had).Scan(&text)
	var before *metering.Record
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return fmt.Errorf("reading the record of call %s: %w", call, err)
	default:
		before = &metering.Record{}
		if err := json.Unmarshal(text, before); err != nil {
			return fmt.Errorf("%w: the record of call %s: %w", ledger.ErrBroken, call, err)
		}
	}
	return changeQuality(ctx, tx, ledger.QualityChange(before, after))
}

// changeQuality adds to the counts. Those of a day that is in the ledger log are entered anew.
func changeQuality(ctx context.Context, tx txn, rows []quality.Row) error {
	closed, err := closedBefore(ctx, tx)
	if err != nil {
		return err
	}
	again := map[string]bool{}
	for _, row := range quality.Merge(rows) {
		if err := addCounts(ctx, tx, row); err != nil {
			return fmt.Errorf("counting the calls of %s of %s: %w", row.Service, row.Day, err)
		}
		if row.Day < closed {
			again[row.Day] = true
		}
	}
	for _, day := range slices.Sorted(maps.Keys(again)) {
		if err := enterQuality(ctx, tx, day); err != nil {
			return err
		}
	}
	return nil
}

func addCounts(ctx context.Context, tx txn, row quality.Row) error {
	key := []any{row.Day, row.Hour, row.Service, row.Queue, row.Operator}
	const where = ` WHERE day = ? AND hour = ? AND service = ? AND queue = ? AND operator = ?`
	var text []byte
	err := tx.QueryRowContext(ctx, `SELECT counts FROM quality`+where, key...).Scan(&text)
	var counts quality.Counts
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	case json.Unmarshal(text, &counts) != nil:
		counts = quality.Counts{} // no call is lost for it, and verify tells
	}
	counts.Add(row.Counts)
	if counts.IsZero() {
		_, err := tx.ExecContext(ctx, `DELETE FROM quality`+where, key...)
		return err
	}
	if text, err = json.Marshal(counts); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO quality (day, hour, service, queue, operator, counts) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET counts = excluded.counts`, append(key, text)...)
	return err
}

// closedBefore is the day before which all days are in the ledger log; "" for none.
func closedBefore(ctx context.Context, q queries) (day string, err error) {
	err = q.QueryRowContext(ctx, `SELECT day FROM quality_closed`).Scan(&day)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading which days are in the ledger log: %w", err)
	}
	return day, nil
}

// closeDays enters the counts of all days before that of an instant which are not in the log yet.
func closeDays(ctx context.Context, tx txn, at time.Time) error {
	closed, err := closedBefore(ctx, tx)
	if err != nil {
		return err
	}
	today := at.UTC().Format(time.DateOnly)
	if today <= closed {
		return nil
	}
	days, err := column(ctx, tx, `
		SELECT DISTINCT day FROM quality WHERE day >= ? AND day < ? ORDER BY day`, closed, today)
	if err != nil {
		return fmt.Errorf("reading which days are not in the ledger log: %w", err)
	}
	for _, day := range days {
		if err := enterQuality(ctx, tx, string(day)); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO quality_closed (one, day) VALUES (1, ?1)
		ON CONFLICT (one) DO UPDATE SET day = ?1`, today)
	if err != nil {
		return fmt.Errorf("noting that the days before %s are in the ledger log: %w", today, err)
	}
	return nil
}

// enterQuality enters the counts of a day as they are into the ledger log.
func enterQuality(ctx context.Context, tx txn, day string) error {
	var rows []quality.Row
	err := (reads{tx}).quality(ctx, `day = ?`, []any{day}, func(row quality.Row) error {
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		return err
	}
	return appendLeaf(ctx, tx, ledger.QualityLeaf(day, rows))
}

// Quality implements ledger.QualityReader.
func (r reads) Quality(
	ctx context.Context, since, until time.Time, service string, f func(quality.Row) error,
) error {
	first, last := "", "~" // after every day
	if !since.IsZero() {
		first = since.UTC().Format(time.DateOnly)
	}
	if !until.IsZero() {
		last = until.UTC().Format(time.DateOnly)
	}
	return r.quality(ctx, `day >= ? AND day < ? AND ? IN (service, '')`,
		[]any{first, last, service}, f)
}

func (r reads) quality(
	ctx context.Context, which string, args []any, f func(quality.Row) error,
) (err error) {
	rows, err := r.q.QueryContext(ctx, `
		SELECT day, hour, service, queue, operator, counts FROM quality WHERE `+which+`
		ORDER BY day, hour, service, queue, operator`, args...)
	if err != nil {
		return fmt.Errorf("reading the counts: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var row quality.Row
		var text []byte
		if err := rows.Scan(&row.Day, &row.Hour, &row.Service, &row.Queue, &row.Operator, &text); err != nil {
			return fmt.Errorf("reading the counts: %w", err)
		}
		if err := json.Unmarshal(text, &row.Counts); err != nil {
			return fmt.Errorf("reading the counts of %s of %s: %w", row.Service, row.Day, err)
		}
		if err := f(row); err != nil {
			return err
		}
	}
	return rows.Err()
}
