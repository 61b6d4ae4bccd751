package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
)

// Quality implements ledger.QualityReader: of one state of the file.
func (l *store) Quality(
	ctx context.Context, since, until time.Time, service string, f func(quality.Row) error,
) error {
	return l.Snapshot(ctx, func(s ledger.Snapshot) error {
		return s.Quality(ctx, since, until, service, f)
	})
}

// Quality implements ledger.QualityReader. What it reads from must not change meanwhile.
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
	counted, err := countedUpTo(ctx, r.q)
	if err != nil {
		return err
	}
	changes, err := r.uncounted(ctx, counted)
	if err != nil {
		return err
	}
	changes = slices.DeleteFunc(changes, func(row quality.Row) bool {
		return row.Day < first || row.Day >= last || service != "" && row.Service != service
	})
	err = r.quality(ctx, first, last, service, func(row quality.Row) error {
		for len(changes) > 0 && changes[0].Compare(row.Key) <= 0 {
			change := changes[0]
			changes = changes[1:]
			if change.Key == row.Key {
				row.Add(change.Counts)
			} else if err := f(change); err != nil {
				return err
			}
		}
		if row.IsZero() {
			return nil
		}
		return f(row)
	})
	for i := 0; i < len(changes) && err == nil; i++ {
		err = f(changes[i])
	}
	return err
}

// quality calls f with the rows of the counts from one day to before another.
func (r reads) quality(
	ctx context.Context, first, last, service string, f func(quality.Row) error,
) (err error) {
	rows, err := r.q.QueryContext(ctx, `
		SELECT day, hour, service, queue, operator, counts FROM quality
		WHERE day >= ? AND day < ? AND ? IN (service, '')
		ORDER BY day, hour, service, queue, operator`, first, last, service)
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
