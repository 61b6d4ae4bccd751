package audit

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
	"github.com/risposta/gateway/metering/quality"
)

// countedDay are the counts of one day as the ledger has them.
type countedDay struct {
	day  string
	rows []quality.Row
}

// countedDays are the days of the counts, in order.
func countedDays(ctx context.Context, s ledger.Snapshot) iter.Seq2[countedDay, error] {
	return func(yield func(countedDay, error) bool) {
		var d countedDay
		var never time.Time
		err := s.Quality(ctx, never, never, "", func(row quality.Row) error {
			if row.Day != d.day && d.day != "" {
				if !yield(d, nil) {
					return errStop
				}
				d = countedDay{}
			}
			d.day = row.Day
			d.rows = append(d.rows, row)
			return nil
		})
		switch {
		case err == errStop: //nolint:errorlint // our own, as it is
		case err != nil:
			yield(d, err)
		case d.day != "":
			yield(d, nil)
		}
	}
}

// recordedDay is what the records of one day count.
type recordedDay struct {
	rows   []quality.Row    // of those that are not erased
	erased map[string]int64 // calls whose detail is erased, by service
}

// qualityReader compares the counts with the records and the log, day by day.
type qualityReader struct {
	*auditor
	next func() (countedDay, error, bool) // the next day of the counts
	day  countedDay                       // that is not compared yet
	more bool
}

// checkQuality compares the counts of each day with the day's leaf, and with the records: what is not
// explained by records that are there must be explained by erased ones. It reads the records in the
// order of arrival, so that the memory that it needs is that of one day.
func (a *auditor) checkQuality(ctx context.Context, s ledger.Snapshot) error {
	next, stop := iter.Pull2(countedDays(ctx, s))
	defer stop()
	q := &qualityReader{auditor: a, next: next}
	if err := q.advance(); err != nil {
		return err
	}
	day, recorded := "", recordedDay{}
	err := s.Records(ctx, ledger.Query{}, func(text []byte) error {
		var r metering.Record
		if json.Unmarshal(text, &r) != nil {
			return nil //nolint:nilerr // checkRecord has reported it
		}
		if d := r.ArrivedAt.UTC().Format(time.DateOnly); d != day {
			if err := q.compare(day, recorded); err != nil {
				return err
			}
			day, recorded = d, recordedDay{erased: map[string]int64{}}
		}
		if r.DetailErased {
			recorded.erased[r.Service]++
			return nil
		}
		recorded.rows = append(recorded.rows, ledger.QualityChange(nil, &r)...)
		if len(recorded.rows) > maxRows {
			recorded.rows = quality.Merge(recorded.rows)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := q.compare(day, recorded); err != nil {
		return err
	}
	if err := q.compare("~", recordedDay{}); err != nil { // what is left has no record
		return err
	}
	for day := range a.qualityDays { // their rows are gone
		a.report("", "the counts of %s are in the log, and not in the ledger: they were removed", day)
	}
	return nil
}

// maxRows bounds the rows that wait to be merged.
const maxRows = 10_000

func (q *qualityReader) advance() (err error) {
	q.day, err, q.more = q.next()
	return err
}

// compare compares the counts of all days up to one whose records were read.
func (q *qualityReader) compare(day string, recorded recordedDay) error {
	if day == "" {
		return nil
	}
	for q.more && q.day.day < day {
		q.checkDay(q.day, recordedDay{})
		if err := q.advance(); err != nil {
			return err
		}
	}
	if day == "~" {
		return nil
	}
	if !q.more || q.day.day != day {
		q.checkDay(countedDay{day: day}, recorded)
		return nil
	}
	q.checkDay(q.day, recorded)
	return q.advance()
}

func (q *qualityReader) checkDay(d countedDay, recorded recordedDay) {
	leaf, entered := q.qualityDays[d.day]
	delete(q.qualityDays, d.day)
	switch {
	case entered && len(d.rows) == 0 && leaf != emptyDay(d.day):
		q.report("", "the counts of %s are in the log, and not in the ledger: they were removed", d.day)
		return
	case entered && leaf != ledger.QualityLeaf(d.day, d.rows).SHA256:
		q.report("", "the counts of %s are not those of the log: they were changed", d.day)
		return
	case !entered && d.day < q.newestDay:
		q.report("", "the counts of %s are not in the log, which has later ones: they were inserted", d.day)
		return
	}
	var taken []quality.Row // what the records explain
	for _, row := range recorded.rows {
		var c quality.Counts
		c.Sub(row.Counts)
		taken = append(taken, quality.Row{Key: row.Key, Counts: c})
	}
	calls := map[string]int64{}
	for _, row := range quality.Merge(append(taken, d.rows...)) {
		row.Repeat = quality.Repeat{} // one record does not tell it
		if row.IsZero() {
			continue
		}
		if row.Level() == quality.LevelService {
			calls[row.Service] += row.Offered + row.TookOver
		}
		if recorded.erased[row.Service] == 0 || row.Offered < 0 || row.TalkMs < 0 {
			q.report("", "the counts of %s of %s are not those of its records", row.Service, d.day)
		}
	}
	for service, n := range recorded.erased {
		if calls[service] != n {
			q.report("", "the counts of %s of %s have %d calls beside its records, and %d are erased",
				service, d.day, calls[service], n)
		}
	}
}

// emptyDay is the hash of the leaf of a day whose counts were all taken back.
func emptyDay(day string) string { return ledger.QualityLeaf(day, nil).SHA256 }

// enterQuality notes the newest leaf of a day's counts.
func (r *logReader) enterQuality(leaf merkle.Leaf) {
	r.qualityDays[leaf.Record] = leaf.SHA256
	r.newestDay = max(r.newestDay, leaf.Record)
}
