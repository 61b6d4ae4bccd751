package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
)

// maxUncounted bounds the records that are not in the rows of the counts yet: a reader counts them
// each time. A row costs a commit more than all else that it counts, so it is written once for many
// records.
const maxUncounted = 1024

// maxRows bounds the rows that wait to be merged.
const maxRows = 10_000

// countLater leaves records that were just written to be added up later: when the log is signed,
// when there are maxUncounted, before their detail is erased, and at once where the counts of their
// day are in the ledger log.
func countLater(ctx context.Context, tx *txn, records []metering.Record) error {
	tx.uncounted += int64(len(records))
	late := slices.ContainsFunc(records, func(r metering.Record) bool {
		return r.ArrivedAt.UTC().Format(time.DateOnly) < tx.closedDay
	})
	if tx.uncounted < maxUncounted && !late {
		return nil
	}
	return addUp(ctx, tx, nil)
}

// addUp adds what the uncounted records of the log count, and more, to the counts. Those of a day
// that is in the ledger log are entered anew.
func addUp(ctx context.Context, tx *txn, more []quality.Row) error {
	now, err := tx.readNow(ctx)
	if err != nil {
		return err
	}
	rows, err := now.uncounted(ctx)
	if err != nil {
		return err
	}
	more = quality.Merge(append(rows, more...))
	if err := addCounts(ctx, tx, more); err != nil {
		return fmt.Errorf("counting the calls: %w", hide(err))
	}
	err = tx.QueryRow(ctx, `
		SELECT greatest($2, coalesce(max(seq), 0)) FROM record WHERE log = $1`, tx.log, tx.counted).
		Scan(&tx.counted)
	if err != nil {
		return fmt.Errorf("noting which records are counted: %w", hide(err))
	}
	tx.uncounted = 0
	again := map[string]bool{}
	for _, row := range more {
		if row.Day < tx.closedDay {
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

type uncountedRow struct {
	Log          string
	Seq          int64
	JSON, Before []byte
}

// uncounted is what the records count that are in no row yet, each in place of the version before
// it.
func (r reads) uncounted(ctx context.Context) (changes []quality.Row, err error) {
	args := func(log string, seq int64) []any { return []any{r.only(), log, seq} }
	err = paged(ctx, r.q, "the records that are not counted yet", `
		SELECT r.log, r.seq, r.json, before.json
		FROM node n JOIN record r ON r.log = n.node AND r.seq > n.counted
		LEFT JOIN record before ON before.call = r.call AND before.version = r.version - 1
		WHERE ($1::text IS NULL OR r.log = $1) AND (r.log, r.seq) > ($2, $3)
		ORDER BY r.log, r.seq LIMIT 256`, args("", 0),
		func(last uncountedRow) []any { return args(last.Log, last.Seq) },
		func(row uncountedRow) error {
			var after, before metering.Record
			if json.Unmarshal(row.JSON, &after) != nil {
				return nil //nolint:nilerr // no call is lost for it, and verify tells
			}
			if row.Before == nil {
				changes = append(changes, quality.Of(after)...)
			} else if json.Unmarshal(row.Before, &before) == nil {
				changes = append(changes, ledger.QualityChange(&before, &after)...)
			}
			if len(changes) > maxRows {
				changes = quality.Merge(changes)
			}
			return nil
		})
	return quality.Merge(changes), err
}

// keyColumns are keys of the counts, column by column.
type keyColumns struct {
	days, services, queues, operators []string
	hours                             []int32
}

func (k *keyColumns) add(key quality.Key) {
	k.days, k.services = append(k.days, key.Day), append(k.services, key.Service)
	k.queues, k.operators = append(k.queues, key.Queue), append(k.operators, key.Operator)
	k.hours = append(k.hours, int32(key.Hour))
}

// addCounts adds to rows, of which no two have the same key.
func addCounts(ctx context.Context, tx *txn, rows []quality.Row) error {
	if len(rows) == 0 {
		return nil
	}
	had, err := readCounts(ctx, tx, rows)
	if err != nil {
		return err
	}
	var keys, gone keyColumns
	var texts [][]byte
	for _, row := range rows {
		counts := had[row.Key]
		counts.Add(row.Counts)
		if counts.IsZero() {
			gone.add(row.Key)
			continue
		}
		text, err := json.Marshal(counts)
		if err != nil {
			return err
		}
		keys.add(row.Key)
		texts = append(texts, text)
	}
	tx.queue(`
		DELETE FROM quality USING unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::text[])
			AS k(day, hour, service, queue, operator)
		WHERE log = $1 AND quality.day = k.day AND quality.hour = k.hour
			AND quality.service = k.service AND quality.queue = k.queue
			AND quality.operator = k.operator`,
		tx.log, gone.days, gone.hours, gone.services, gone.queues, gone.operators)
	tx.queue(`
		INSERT INTO quality (log, day, hour, service, queue, operator, counts)
		SELECT $1, * FROM unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::bytea[])
		ON CONFLICT (day, hour, service, queue, operator, log) DO UPDATE SET counts = excluded.counts`,
		tx.log, keys.days, keys.hours, keys.services, keys.queues, keys.operators, texts)
	return tx.flush(ctx)
}

// readCounts reads what the rows count so far. What cannot be read counts nothing: no call is lost
// for it, and verify tells.
func readCounts(
	ctx context.Context, tx *txn, rows []quality.Row,
) (map[quality.Key]quality.Counts, error) {
	var k keyColumns
	for _, row := range rows {
		k.add(row.Key)
	}
	found, err := tx.Query(ctx, `
		SELECT q.day, q.hour, q.service, q.queue, q.operator, q.log, q.counts
		FROM unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::text[])
			AS k(day, hour, service, queue, operator)
		JOIN quality q ON q.log = $1 AND q.day = k.day AND q.hour = k.hour
			AND q.service = k.service AND q.queue = k.queue AND q.operator = k.operator`,
		tx.log, k.days, k.hours, k.services, k.queues, k.operators)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(found, pgx.RowToStructByPos[countsRow])
	had := map[quality.Key]quality.Counts{}
	for _, row := range all {
		var counts quality.Counts
		if json.Unmarshal(row.Counts, &counts) == nil {
			had[row.key()] = counts
		}
	}
	return had, err
}

// closeDays adds up the counts, and enters those of all days before that of an instant which are
// not in the log yet.
func closeDays(ctx context.Context, tx *txn, at time.Time) error {
	if err := addUp(ctx, tx, nil); err != nil {
		return err
	}
	today := at.UTC().Format(time.DateOnly)
	if today <= tx.closedDay {
		return nil
	}
	days, err := list[string](ctx, tx, `
		SELECT DISTINCT day FROM quality WHERE log = $1 AND day >= $2 AND day < $3 ORDER BY day`,
		tx.log, tx.closedDay, today)
	if err != nil {
		return fmt.Errorf("reading which days are not in the ledger log: %w", err)
	}
	for _, day := range days {
		if err := enterQuality(ctx, tx, day); err != nil {
			return err
		}
	}
	tx.closedDay = today
	return nil
}

// enterQuality enters the counts of a day as they are into the ledger log.
func enterQuality(ctx context.Context, tx *txn, day string) error {
	now, err := tx.readNow(ctx)
	if err != nil {
		return err
	}
	var rows []quality.Row
	err = now.counts(ctx, day, day+"~", "", func(row quality.Row) error {
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		return err
	}
	return tx.appendLeaf(ctx, ledger.QualityLeaf(day, rows))
}
