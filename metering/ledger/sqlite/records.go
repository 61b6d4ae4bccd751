package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/risposta/gateway/metering/ledger"
)

// pageRecords bounds what is read at once. Between two pages no transaction is open: a reader whose
// output stands still keeps the write-ahead log from nothing.
const pageRecords = 256

// newestVersions selects the newest versions as of the beginning of the reading, which is the record
// ?5, of a service ?3.
const newestVersions = `
	SELECT arrived_at, seq, json FROM record
	WHERE (?3 = '' OR service = ?3) AND seq <= ?5
	AND NOT EXISTS (
		SELECT 1 FROM record newer
		WHERE newer.call = record.call AND newer.version > record.version AND newer.seq <= ?5)`

// pageQuery selects the ?4 next ones after the place ?1, ?2, before ?6. Its two halves make SQLite
// begin at the place: all erased records of a day have one instant.
const pageQuery = newestVersions + ` AND arrived_at = ?1 AND seq > ?2
	UNION ALL ` + newestVersions + ` AND arrived_at > ?1 AND arrived_at < ?6
	ORDER BY 1, 2 LIMIT ?4`

// Records implements ledger.Reader.
func (r reads) Records(ctx context.Context, q ledger.Query, f func([]byte) error) error {
	since, until := int64(-1<<62), int64(1<<62)
	if !q.Since.IsZero() {
		since = millis(q.Since)
	}
	if !q.Until.IsZero() {
		until = millis(q.Until)
	}
	var newest int64
	err := r.q.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM record`).Scan(&newest)
	if err != nil {
		return fmt.Errorf("reading the records: %w", err)
	}
	p := page{arrived: since - 1, seq: newest}
	for more := true; more; {
		rows, err := r.q.QueryContext(ctx, pageQuery,
			p.arrived, p.seq, q.Service, pageRecords, newest, until)
		if err == nil {
			err = p.read(rows)
		}
		if err != nil {
			return fmt.Errorf("reading the records: %w", err)
		}
		for _, text := range p.texts {
			if err := f(text); err != nil {
				return err
			}
		}
		more = len(p.texts) == pageRecords
	}
	return nil
}

// page is one page of records, and the place of its last one.
type page struct {
	texts        [][]byte
	arrived, seq int64
}

func (p *page) read(rows *sql.Rows) (err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	p.texts = p.texts[:0]
	for rows.Next() {
		var text []byte
		if err := rows.Scan(&p.arrived, &p.seq, &text); err != nil {
			return err
		}
		p.texts = append(p.texts, text)
	}
	return rows.Err()
}

// EveryRecord implements ledger.Log.
func (r reads) EveryRecord(ctx context.Context, f func(ledger.Row) error) (err error) {
	rows, err := r.q.QueryContext(ctx, `
		SELECT record, call, version, service, arrived_at, erased_at IS NOT NULL, json
		FROM record ORDER BY seq`)
	if err != nil {
		return fmt.Errorf("reading the records: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var row ledger.Row
		var arrived int64
		if err := rows.Scan(&row.Record, &row.Call, &row.Version, &row.Service, &arrived, &row.Erased,
			&row.JSON); err != nil {
			return fmt.Errorf("reading the records: %w", err)
		}
		row.ArrivedAt = instant(arrived)
		if err := f(row); err != nil {
			return err
		}
	}
	return rows.Err()
}
