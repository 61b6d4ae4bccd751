package sqlite

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/quality"
)

// maxUncounted bounds the records that are not in the rows of the counts yet: a reader counts them
// each time. A row costs a commit more than all else that it counts, so it is written once for many
// records.
const maxUncounted = 1024

// recent is what the newest records count, so that they are not read again when that is added up. It
// is of those alone that this process has committed one after the other since the counts were last
// added up. Where it is not of all, the others are read.
type recent struct {
	mu          sync.Mutex // held by transactions that use it, until they are committed
	first, last int64      // the records, by seq
	sums        map[quality.Key]*quality.Counts
	rows        []quality.Row // of one record, kept for the next: a row is a kilobyte
}

// add adds records that have just been written, of which the last has a seq, where those before them
// are there, or counted.
func (r *recent) add(counted, last int64, records []metering.Record) {
	first := last - int64(len(records)) + 1
	if r.first != counted+1 || first != r.last+1 {
		r.first, r.sums = first, map[quality.Key]*quality.Counts{}
	}
	r.last = last
	for i := range records {
		r.rows = quality.AppendOf(r.rows[:0], &records[i])
		for j := range r.rows {
			row := &r.rows[j]
			sum := r.sums[row.Key]
			if sum == nil {
				sum = &quality.Counts{}
				r.sums[row.Key] = sum
			}
			sum.Add(row.Counts)
		}
	}
}

// of is what it has since a record: the rows, and the record that they end with.
func (r *recent) of(counted int64) (rows []quality.Row, last int64) {
	if r.first != counted+1 {
		return nil, counted
	}
	for key, sum := range r.sums {
		rows = append(rows, quality.Row{Key: key, Counts: *sum})
	}
	return rows, r.last
}

// forget is called where it is not known what became of a transaction.
func (r *recent) forget() { r.first, r.last, r.sums = 0, 0, nil }

// countLater leaves records that were just written to be added up later: when the log is signed, when
// there are maxUncounted, before their detail is erased, and at once where the counts of their day
// are in the ledger log.
func (l *store) countLater(ctx context.Context, tx txn, records []metering.Record) error {
	if len(records) == 0 {
		return nil
	}
	var closed string
	var last, counted int64
	err := tx.QueryRowContext(ctx, `
		SELECT coalesce((SELECT day FROM quality_closed), ''), (SELECT max(seq) FROM record),
			coalesce((SELECT seq FROM quality_counted), 0)`).Scan(&closed, &last, &counted)
	if err != nil {
		return fmt.Errorf("reading which records are counted: %w", err)
	}
	l.recent.add(counted, last, records)
	late := slices.ContainsFunc(records, func(r metering.Record) bool {
		return r.ArrivedAt.UTC().Format(time.DateOnly) < closed
	})
	if last-counted < maxUncounted && !late {
		return nil
	}
	return addUp(ctx, tx, &l.recent, nil)
}
