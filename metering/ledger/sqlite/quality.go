package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
)

// addUp adds what the uncounted records count, and more, to the counts. Those of a day that is in
// the ledger log are entered anew.
func addUp(ctx context.Context, tx txn, known *recent, more []quality.Row) error {
	closed, err := closedBefore(ctx, tx)
	if err != nil {
		return err
	}
	counted, err := countedUpTo(ctx, tx)
	if err != nil {
		return err
	}
	rows, last := known.of(counted)
	unknown, err := (reads{tx}).uncounted(ctx, last)
	if err != nil {
		return err
	}
	more = append(append(rows, unknown...), more...)
	again := map[string]bool{}
	for some := range slices.Chunk(quality.Merge(more), countsAtOnce) {
		if err := addCounts(ctx, tx, some); err != nil {
			return fmt.Errorf("counting the calls of %s of %s: %w", some[0].Service, some[0].Day, err)
		}
		for _, row := range some {
			if row.Day < closed {
				again[row.Day] = true
			}
		}
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO quality_counted (one, seq) SELECT 1, coalesce(max(seq), 0) FROM record WHERE true
		ON CONFLICT (one) DO UPDATE SET seq = excluded.seq WHERE seq < excluded.seq`)
	if err != nil {
		return fmt.Errorf("noting which records are counted: %w", err)
	}
	for _, day := range slices.Sorted(maps.Keys(again)) {
		if err := enterQuality(ctx, tx, day); err != nil {
			return err
		}
	}
	return nil
}

// countedUpTo is the seq of the last record that is in the rows of the counts.
func countedUpTo(ctx context.Context, q queries) (seq int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM quality_counted`).Scan(&seq)
	if err != nil {
		return 0, fmt.Errorf("reading which records are counted: %w", err)
	}
	return seq, nil
}

// uncounted is what the records after one count, each in place of the version before it.
func (r reads) uncounted(ctx context.Context, after int64) (changes []quality.Row, err error) {
	rows, err := r.q.QueryContext(ctx, `
		SELECT r.json, before.json FROM record r
		LEFT JOIN record before ON before.call = r.call AND before.version = r.version - 1
		WHERE r.seq > ? ORDER BY r.seq`, after)
	if err != nil {
		return nil, fmt.Errorf("reading the records that are not counted yet: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var text, beforeText []byte
		if err := rows.Scan(&text, &beforeText); err != nil {
			return nil, fmt.Errorf("reading the records that are not counted yet: %w", err)
		}
		var after, before metering.Record
		if json.Unmarshal(text, &after) != nil {
			continue // no call is lost for it, and verify tells
		}
		if beforeText == nil {
			changes = append(changes, quality.Of(after)...)
		} else if json.Unmarshal(beforeText, &before) == nil {
			changes = append(changes, ledger.QualityChange(&before, &after)...)
		}
		if len(changes) > maxRows {
			changes = quality.Merge(changes)
		}
	}
	return quality.Merge(changes), rows.Err()
}

// maxRows bounds the rows that wait to be merged.
const maxRows = 10_000

// countsAtOnce is how many rows one statement reads or writes: a call has no more.
const countsAtOnce = 4

// addCounts adds to rows, of which no two have the same key.
func addCounts(ctx context.Context, tx txn, rows []quality.Row) error {
	had, err := readCounts(ctx, tx, rows)
	if err != nil {
		return err
	}
	var values []any
	for _, row := range rows {
		counts := had[row.Key]
		counts.Add(row.Counts)
		if counts.IsZero() {
			_, err := tx.ExecContext(ctx, `
				DELETE FROM quality
				WHERE day = ? AND hour = ? AND service = ? AND queue = ? AND operator = ?`, keyOf(row)...)
			if err != nil {
				return err
			}
			continue
		}
		text, err := json.Marshal(counts)
		if err != nil {
			return err
		}
		values = append(append(values, keyOf(row)...), text)
	}
	if len(values) == 0 {
		return nil
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO quality (day, hour, service, queue, operator, counts)
		VALUES (?, ?, ?, ?, ?, ?)`+strings.Repeat(", (?, ?, ?, ?, ?, ?)", len(values)/6-1)+`
		ON CONFLICT DO UPDATE SET counts = excluded.counts`, values...)
	return err
}

func keyOf(row quality.Row) []any {
	return []any{row.Day, row.Hour, row.Service, row.Queue, row.Operator}
}

// readCounts reads what the rows count so far. What cannot be read counts nothing: no call is lost for
// it, and verify tells.
func readCounts(
	ctx context.Context, tx txn, rows []quality.Row,
) (had map[quality.Key]quality.Counts, err error) {
	var keys []any
	for _, row := range rows {
		keys = append(keys, keyOf(row)...)
	}
	found, err := tx.QueryContext(ctx, `
		SELECT day, hour, service, queue, operator, counts FROM quality
		WHERE (day, hour, service, queue, operator) IN (VALUES (?, ?, ?, ?, ?)`+
		strings.Repeat(", (?, ?, ?, ?, ?)", len(rows)-1)+`)`, keys...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	had = map[quality.Key]quality.Counts{}
	for found.Next() {
		var k quality.Key
		var text []byte
		if err := found.Scan(&k.Day, &k.Hour, &k.Service, &k.Queue, &k.Operator, &text); err != nil {
			return nil, err
		}
		var counts quality.Counts
		if json.Unmarshal(text, &counts) == nil {
			had[k] = counts
		}
	}
	return had, found.Err()
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

// closeDays adds up the counts, and enters those of all days before that of an instant which are not
// in the log yet.
func closeDays(ctx context.Context, tx txn, known *recent, at time.Time) error {
	if err := addUp(ctx, tx, known, nil); err != nil {
		return err
	}
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
	err := (reads{tx}).quality(ctx, day, day+"~", "", func(row quality.Row) error {
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		return err
	}
	return appendLeaf(ctx, tx, ledger.QualityLeaf(day, rows))
}
