package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/metering/ledger"
)

// dumps are the entries of each table, of the log $1, and where it is wholeLog of all nodes' open
// calls. What other stores keep as text is text here, too.
var dumps = map[string]string{
	"node": `
		SELECT node, watermark, checkpoint, last_batch FROM node
		WHERE $1 IN ('', node)
			AND (watermark IS NOT NULL OR checkpoint IS NOT NULL OR last_batch IS NOT NULL)
		ORDER BY node`,
	"open_call": `
		SELECT seq, call, node, service, arrived_at, encrypted_caller FROM open_call
		WHERE $1 IN ('', node) ORDER BY seq`,
	"open_evidence": `
		SELECT e.call * 16777216 + row_number() OVER (PARTITION BY e.call ORDER BY e.id) - 1, e.frames
		FROM open_evidence e JOIN open_call o ON o.seq = e.call
		WHERE $1 IN ('', o.node) ORDER BY 1`,
	"record": `
		SELECT seq, record, call, version::bigint, service, arrived_at, json, erased_at FROM record
		WHERE log = $1 ORDER BY seq`,
	"evidence": `
		SELECT e.seq, e.frames FROM evidence e JOIN record r ON r.seq = e.seq
		WHERE r.log = $1 ORDER BY e.seq`,
	"erased": `
		SELECT 1::bigint, erased_before FROM node WHERE node = $1 AND erased_before IS NOT NULL`,
	"quality": `
		SELECT day, hour::bigint, service, queue, operator, counts FROM quality
		WHERE log = $1 ORDER BY day, hour, service, queue, operator`,
	"quality_counted": `SELECT 1::bigint, counted FROM node WHERE node = $1 AND counted > 0`,
	"quality_closed":  `SELECT 1::bigint, closed_day FROM node WHERE node = $1 AND closed_day <> ''`,
	"quality_repeats": `SELECT 1::bigint, repeats_day FROM node WHERE node = $1 AND repeats_day <> ''`,
	"pending_record": `
		SELECT call, arrived_at, encrypted_caller FROM pending_record WHERE log = $1 ORDER BY call`,
	"reject": `
		SELECT seq, node, at, bytes, type, sha256, error FROM reject WHERE log = $1 ORDER BY seq`,
	"leaf":      `SELECT n, record, text FROM leaf WHERE log = $1 ORDER BY n`,
	"leaf_hash": `SELECT i, hash FROM leaf_hash WHERE log = $1 ORDER BY i`,
	"head":      `SELECT seq, n, at, note FROM head WHERE log = $1 ORDER BY seq`,
	"dispute": `
		SELECT call, opened_at, closed_at, note FROM dispute WHERE log = $1 ORDER BY call`,
	"noted_register": `SELECT 1::bigint, register FROM node WHERE node = $1 AND register IS NOT NULL`,
	"payer": `
		SELECT call, encrypted_caller, sealed FROM payer WHERE log = $1 ORDER BY call`,
	"payers_kept": `SELECT 1::bigint FROM node WHERE node = $1 AND payers_kept`,
	"delivery":    `SELECT sink, next, until FROM delivery WHERE log = $1 ORDER BY sink`,
	"dead_letter": `
		SELECT sink, position, record, at, tries, why, state FROM dead_letter
		WHERE log = $1 ORDER BY sink, position`,
}

// texts are the columns that are bytes here, and text elsewhere: they are not always UTF-8.
var texts = map[string][]string{
	"reject": {"type", "error"}, "dispute": {"note"}, "dead_letter": {"why"},
}

// Dump implements ledger.Dumper.
func (s *Store) Dump(ctx context.Context, f func(ledger.Entry) error) error {
	return s.snapshot(ctx, func(r reads) error { return r.dump(ctx, f) })
}

// errMany says that a cluster is no one ledger.
var errMany = errors.New("it has a log for each node: copy it with pg_dump")

func (r reads) dump(ctx context.Context, f func(ledger.Entry) error) error {
	if r.all {
		logs, err := r.Logs(ctx)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(logs, func(log string) bool { return log != wholeLog }) {
			return fmt.Errorf("copying the ledger: %w", errMany)
		}
	}
	for _, t := range ledger.Tables {
		if err := r.dumpTable(ctx, t, f); err != nil {
			return err
		}
	}
	return nil
}

// dumpRows is how many rows are written at once.
const dumpRows = 500

func (r reads) dumpTable(
	ctx context.Context, t ledger.Table, f func(ledger.Entry) error,
) error {
	rows, err := r.q.Query(ctx, dumps[t.Name], r.log)
	if err != nil {
		return fmt.Errorf("copying %s: %w", t.Name, hide(err))
	}
	defer rows.Close()
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return fmt.Errorf("copying %s: %w", t.Name, hide(err))
		}
		for _, column := range texts[t.Name] {
			i := slices.Index(t.Columns, column)
			values[i] = string(values[i].([]byte))
		}
		if err := f(ledger.Entry{Table: t.Name, Values: values}); err != nil {
			return err
		}
	}
	return hide(rows.Err())
}

// Load implements ledger.Loader: into the log of the store.
func (s *Store) Load(
	ctx context.Context, dump func(context.Context, func(ledger.Entry) error) error,
) (sum ledger.Sum, err error) {
	if s.write == nil {
		return sum, errReadOnly
	}
	err = pgx.BeginFunc(ctx, s.write, func(tx pgx.Tx) error {
		// However long it takes.
		for _, name := range []string{"statement_timeout", "idle_in_transaction_session_timeout"} {
			if _, err := tx.Exec(ctx, `SELECT set_config($1, '0', true)`, name); err != nil {
				return err
			}
		}
		if err := isEmpty(ctx, tx); err != nil {
			return err
		}
		state, err := lockLog(ctx, tx, s.log)
		if err != nil {
			return err
		}
		if state.epoch != s.epoch {
			return ledger.ErrFenced
		}
		l := loading{tx: tx, log: s.log, sum: ledger.NewSummer(), rows: map[string][][]any{}}
		if err := dump(ctx, func(e ledger.Entry) error { return l.add(ctx, e) }); err != nil {
			return err
		}
		if err := l.finish(ctx); err != nil {
			return err
		}
		there := ledger.NewSummer()
		back := reads{q: tx, log: s.log}
		if err := back.dump(ctx, func(e ledger.Entry) error { there.Add(e); return nil }); err != nil {
			return err
		}
		sum = l.sum.Sum()
		return sum.Compare(there.Sum())
	})
	if err != nil {
		return ledger.Sum{}, fmt.Errorf("copying into the ledger in PostgreSQL: %w", hide(err))
	}
	return sum, nil
}

// isEmpty fails with ErrNotEmpty where the ledger has anything, of whichever node.
func isEmpty(ctx context.Context, tx pgx.Tx) error {
	var something bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM open_call) OR EXISTS (SELECT 1 FROM record)
			OR EXISTS (SELECT 1 FROM leaf) OR EXISTS (SELECT 1 FROM reject)
			OR EXISTS (SELECT 1 FROM delivery) OR EXISTS (SELECT 1 FROM dead_letter)
			OR EXISTS (SELECT 1 FROM node WHERE watermark IS NOT NULL OR checkpoint IS NOT NULL
				OR last_batch IS NOT NULL OR seq <> 0)`).Scan(&something)
	if err == nil && something {
		err = ledger.ErrNotEmpty
	}
	return err
}

// loading writes entries, some of a table at a time.
type loading struct {
	tx   pgx.Tx
	log  string
	sum  *ledger.Summer
	rows map[string][][]any
}

// ofNodes sets what is kept of a log in the row of its node.
var ofNodes = map[string]string{
	"erased":          `UPDATE node SET erased_before = $3 WHERE node = $1 AND $2 = 1`,
	"quality_counted": `UPDATE node SET counted = $3 WHERE node = $1 AND $2 = 1`,
	"quality_closed":  `UPDATE node SET closed_day = $3 WHERE node = $1 AND $2 = 1`,
	"quality_repeats": `UPDATE node SET repeats_day = $3 WHERE node = $1 AND $2 = 1`,
	"noted_register":  `UPDATE node SET register = $3 WHERE node = $1 AND $2 = 1`,
	"payers_kept":     `UPDATE node SET payers_kept = true WHERE node = $1 AND $2 = 1`,
}

// logless are the tables whose rows are of a node or of a record, and so of its log.
var logless = []string{"open_call", "open_evidence", "evidence"}

func (l *loading) add(ctx context.Context, e ledger.Entry) error {
	l.sum.Add(e)
	if query, ok := ofNodes[e.Table]; ok {
		_, err := l.tx.Exec(ctx, query, append([]any{l.log}, e.Values...)...)
		return err
	}
	if e.Table == "node" {
		_, err := l.tx.Exec(ctx, `
			INSERT INTO node (node, watermark, checkpoint, last_batch) VALUES ($1, $2, $3, $4)
			ON CONFLICT (node) DO UPDATE SET watermark = excluded.watermark,
				checkpoint = excluded.checkpoint, last_batch = excluded.last_batch`, e.Values...)
		return err
	}
	row := slices.Clone(e.Values)
	for _, column := range texts[e.Table] {
		i := columnOf(e.Table, column)
		row[i] = []byte(row[i].(string))
	}
	if e.Table == "open_evidence" {
		row[0] = row[0].(int64) / ledger.RowsOfACall
	}
	if !slices.Contains(logless, e.Table) {
		row = append(row, l.log)
	}
	if l.rows[e.Table] = append(l.rows[e.Table], row); len(l.rows[e.Table]) >= dumpRows {
		return l.write(ctx, e.Table)
	}
	return nil
}

func columnOf(table, column string) int {
	for _, t := range ledger.Tables {
		if t.Name == table {
			return slices.Index(t.Columns, column)
		}
	}
	return -1
}

// write writes the rows of a table.
func (l *loading) write(ctx context.Context, table string) error {
	i := slices.IndexFunc(ledger.Tables, func(t ledger.Table) bool { return t.Name == table })
	columns := slices.Clone(ledger.Tables[i].Columns)
	if table == "open_evidence" {
		columns[0] = "call"
	}
	if !slices.Contains(logless, table) {
		columns = append(columns, "log")
	}
	_, err := l.tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(l.rows[table]))
	l.rows[table] = nil
	if err != nil {
		return fmt.Errorf("writing %s: %w", table, hide(err))
	}
	return nil
}

// finish writes what is left, and what follows from it.
func (l *loading) finish(ctx context.Context) error {
	for _, t := range ledger.Tables {
		if len(l.rows[t.Name]) > 0 {
			if err := l.write(ctx, t.Name); err != nil {
				return err
			}
		}
	}
	for _, table := range []string{"open_call", "record", "reject", "head"} {
		_, err := l.tx.Exec(ctx, `
			SELECT setval(pg_get_serial_sequence('`+table+`', 'seq'), max(seq)) FROM `+table)
		if err != nil {
			return err
		}
	}
	_, err := l.tx.Exec(ctx, `
		UPDATE node SET leaves = (SELECT coalesce(max(n) + 1, 0) FROM leaf WHERE log = node),
			uncounted = (SELECT count(*) FROM record WHERE log = node AND seq > counted)
		WHERE node = $1`, l.log)
	return err
}
