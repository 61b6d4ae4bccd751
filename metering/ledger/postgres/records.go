package postgres

import (
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// pageQuery selects the next newest versions after the place $1, $2 and before $3, of a service $4,
// as of the beginning of the reading: the records of each log up to the one that was its last.
// Those of a log are committed in the order of their seq; those of two logs are not.
const pageQuery = `
	WITH upto AS (SELECT * FROM unnest($5::text[], $6::bigint[]) AS u(log, seq))
	SELECT r.arrived_at, r.seq, r.json FROM record r JOIN upto u ON u.log = r.log
	WHERE (r.arrived_at, r.seq) > ($1, $2) AND r.arrived_at < $3 AND $4 IN (r.service, '')
		AND r.seq <= u.seq AND NOT EXISTS (
			SELECT 1 FROM record newer
			WHERE newer.call = r.call AND newer.version > r.version AND newer.seq <= u.seq)
	ORDER BY r.arrived_at, r.seq LIMIT 256`

type pageRow struct {
	ArrivedAt, Seq int64
	JSON           []byte
}

// Records implements ledger.Reader. Between two pages no transaction is open: a reader whose output
// stands still keeps the server from nothing.
func (r reads) Records(ctx context.Context, q ledger.Query, f func([]byte) error) error {
	logs, seqs, err := r.lastRecords(ctx)
	if err != nil {
		return fmt.Errorf("reading the records: %w", err)
	}
	since, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !q.Since.IsZero() {
		since = millis(q.Since)
	}
	if !q.Until.IsZero() {
		until = millis(q.Until)
	}
	args := func(arrived, seq int64) []any {
		return []any{arrived, seq, until, q.Service, logs, seqs}
	}
	return paged(ctx, r.q, "the records", pageQuery, args(since, 0),
		func(last pageRow) []any { return args(last.ArrivedAt, last.Seq) },
		func(row pageRow) error { return f(row.JSON) })
}

// lastRecords is the last record of each log that is read.
func (r reads) lastRecords(ctx context.Context) (logs []string, seqs []int64, err error) {
	rows, err := r.q.Query(ctx, `
		SELECT node, coalesce((SELECT max(seq) FROM record WHERE log = node), 0) FROM node
		WHERE $1::text IS NULL OR node = $1`, r.only())
	if err != nil {
		return nil, nil, hide(err)
	}
	var log string
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{&log, &seq}, func() error {
		logs, seqs = append(logs, log), append(seqs, seq)
		return nil
	})
	return logs, seqs, hide(err)
}

type recordRow struct {
	Seq          int64
	Record, Call string
	Version      int
	Service      string
	ArrivedAt    int64
	Erased       bool
	JSON         []byte
}

// EveryRecord implements ledger.Log.
func (r reads) EveryRecord(ctx context.Context, f func(ledger.Row) error) error {
	return r.snapshot(ctx, func(r reads) error {
		return paged(ctx, r.q, "the records", `
			SELECT seq, record, call, version, service, arrived_at, erased_at IS NOT NULL, json
			FROM record WHERE log = $1 AND seq > $2 ORDER BY seq LIMIT 256`,
			[]any{r.log, int64(math.MinInt64)},
			func(last recordRow) []any { return []any{r.log, last.Seq} },
			func(row recordRow) error {
				return f(ledger.Row{
					Record: row.Record, Call: metering.CallID(row.Call), Version: row.Version,
					Service: row.Service, ArrivedAt: instant(row.ArrivedAt), Erased: row.Erased,
					JSON: row.JSON,
				})
			})
	})
}

// Leaves implements ledger.Log.
func (r reads) Leaves(
	ctx context.Context, f func(n int64, record string, text []byte) error,
) error {
	return r.snapshot(ctx, func(r reads) error {
		return paged(ctx, r.q, "the log", `
			SELECT log, n, record, text FROM leaf WHERE log = $1 AND n > $2 ORDER BY n LIMIT 256`,
			[]any{r.log, int64(math.MinInt64)},
			func(last leafRow) []any { return []any{r.log, last.N} },
			func(row leafRow) error { return f(row.N, row.Record, row.Text) })
	})
}

type hashRow struct {
	I    int64
	Hash []byte
}

// Hashes implements ledger.Log.
func (r reads) Hashes(ctx context.Context, f func(i int64, hash []byte) error) error {
	return r.snapshot(ctx, func(r reads) error {
		return paged(ctx, r.q, "the log's hashes", `
			SELECT i, hash FROM leaf_hash WHERE log = $1 AND i > $2 ORDER BY i LIMIT 256`,
			[]any{r.log, int64(math.MinInt64)},
			func(last hashRow) []any { return []any{r.log, last.I} },
			func(row hashRow) error { return f(row.I, row.Hash) })
	})
}
