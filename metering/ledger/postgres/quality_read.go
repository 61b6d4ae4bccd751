package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/risposta/gateway/metering/quality"
)

// Quality implements ledger.QualityReader: of one state of the ledger, and of all its logs together
// where the store is of the whole.
func (r reads) Quality(
	ctx context.Context, since, until time.Time, service string, f func(quality.Row) error,
) error {
	return r.snapshot(ctx, func(r reads) error {
		first, last := "", "~" // after every day
		if !since.IsZero() {
			first = since.UTC().Format(time.DateOnly)
		}
		if !until.IsZero() {
			last = until.UTC().Format(time.DateOnly)
		}
		changes, err := r.uncounted(ctx)
		if err != nil {
			return err
		}
		changes = slices.DeleteFunc(changes, func(row quality.Row) bool {
			return row.Day < first || row.Day >= last || service != "" && row.Service != service
		})
		m := merging{changes: changes, f: f}
		if err := r.counts(ctx, first, last, service, m.row); err != nil {
			return err
		}
		return m.end()
	})
}

// merging puts the rows of several logs together, and what is not counted yet between them.
type merging struct {
	changes []quality.Row
	f       func(quality.Row) error
	held    *quality.Row // of which another log may have more
}

// row takes the next row in the order of the keys.
func (m *merging) row(row quality.Row) error {
	if m.held != nil && m.held.Key == row.Key {
		m.held.Add(row.Counts)
		return nil
	}
	if err := m.release(); err != nil {
		return err
	}
	m.held = &row
	return nil
}

// release gives away the row that is complete, and the changes up to it.
func (m *merging) release() error {
	if m.held == nil {
		return nil
	}
	row := *m.held
	m.held = nil
	for len(m.changes) > 0 && m.changes[0].Compare(row.Key) <= 0 {
		change := m.changes[0]
		m.changes = m.changes[1:]
		if change.Key == row.Key {
			row.Add(change.Counts)
		} else if err := m.f(change); err != nil {
			return err
		}
	}
	if row.IsZero() {
		return nil
	}
	return m.f(row)
}

// end gives away all that is left.
func (m *merging) end() error {
	if err := m.release(); err != nil {
		return err
	}
	for _, change := range m.changes {
		if err := m.f(change); err != nil {
			return err
		}
	}
	return nil
}

type countsRow struct {
	Day                      string
	Hour                     int
	Service, Queue, Operator string
	Log                      string
	Counts                   []byte
}

func (c countsRow) key() quality.Key {
	return quality.Key{
		Day: c.Day, Hour: c.Hour, Service: c.Service, Queue: c.Queue, Operator: c.Operator,
	}
}

// counts calls f with the rows of the counts from one day to before another.
func (r reads) counts(
	ctx context.Context, first, last, service string, f func(quality.Row) error,
) error {
	args := func(c countsRow) []any {
		return []any{
			r.only(), last, service, c.Day, c.Hour, c.Service, c.Queue, c.Operator, c.Log,
		}
	}
	return paged(ctx, r.q, "the counts", `
		SELECT day, hour, service, queue, operator, log, counts FROM quality
		WHERE ($1::text IS NULL OR log = $1) AND day < $2 AND $3 IN (service, '')
			AND (day, hour, service, queue, operator, log) > ($4, $5, $6, $7, $8, $9)
		ORDER BY day, hour, service, queue, operator, log LIMIT 256`,
		args(countsRow{Day: first, Hour: -1}), args,
		func(c countsRow) error {
			row := quality.Row{Key: c.key()}
			if err := json.Unmarshal(c.Counts, &row.Counts); err != nil {
				return fmt.Errorf("reading the counts of %s of %s: %w", row.Service, row.Day, err)
			}
			return f(row)
		})
}
