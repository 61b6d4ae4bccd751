package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/risposta/gateway/metering/ledger"
)

// somethingIn selects the rows of a table that say anything.
var somethingIn = map[string]string{
	"node": ` WHERE watermark IS NOT NULL OR checkpoint IS NOT NULL
		OR last_batch IS NOT NULL`,
	"quality_counted": ` WHERE seq > 0`,
}

// What is a table of its own elsewhere, or is packed here alone.
const (
	dumpEvidence = `SELECT seq, frames FROM record WHERE frames IS NOT NULL ORDER BY seq`
	loadEvidence = `UPDATE record SET frames = ?2 WHERE seq = ?1`
	leafTable    = "leaf"
)

// Dump implements ledger.Dumper.
func (l *store) Dump(ctx context.Context, f func(ledger.Entry) error) error {
	return l.Snapshot(ctx, func(s ledger.Snapshot) error { return s.(reads).dump(ctx, f) })
}

func (r reads) dump(ctx context.Context, f func(ledger.Entry) error) error {
	for _, t := range ledger.Tables {
		query := "SELECT " + strings.Join(t.Columns, ", ") + " FROM " + t.Name + somethingIn[t.Name] +
			" ORDER BY " + strings.Join(t.Columns[:t.Key], ", ")
		if t.Name == "evidence" {
			query = dumpEvidence
		}
		if err := r.dumpTable(ctx, t, query, f); err != nil {
			return fmt.Errorf("copying %s: %w", t.Name, err)
		}
	}
	return nil
}

func (r reads) dumpTable(
	ctx context.Context, t ledger.Table, query string, f func(ledger.Entry) error,
) (err error) {
	rows, err := r.q.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	places := make([]any, len(t.Columns))
	for rows.Next() {
		e := ledger.Entry{Table: t.Name, Values: make([]any, len(t.Columns))}
		for i := range places {
			places[i] = &e.Values[i]
		}
		if err := rows.Scan(places...); err != nil {
			return err
		}
		if t.Name == leafTable {
			record, text := e.Values[1].(string), e.Values[2].([]byte)
			e.Values[2] = leafText(record, text)
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Load implements ledger.Loader.
func (l *store) Load(
	ctx context.Context, dump func(context.Context, func(ledger.Entry) error) error,
) (sum ledger.Sum, err error) {
	l.recent.mu.Lock()
	defer l.recent.mu.Unlock()
	err = l.change(ctx, func(tx txn) error {
		there, written := ledger.NewSummer(), ledger.NewSummer()
		something := func(ledger.Entry) error { return ledger.ErrNotEmpty }
		if err := (reads{tx}).dump(ctx, something); err != nil {
			return err
		}
		inserts := map[string]string{}
		for _, t := range ledger.Tables {
			inserts[t.Name] = "INSERT INTO " + t.Name + " (" + strings.Join(t.Columns, ", ") +
				") VALUES (?" + strings.Repeat(", ?", len(t.Columns)-1) + ")"
		}
		inserts["evidence"] = loadEvidence
		err := dump(ctx, func(e ledger.Entry) error {
			written.Add(e)
			_, err := tx.ExecContext(ctx, inserts[e.Table], e.Values...)
			return err
		})
		if err == nil {
			err = (reads{tx}).dump(ctx, func(e ledger.Entry) error { there.Add(e); return nil })
		}
		sum = written.Sum()
		return errors.Join(err, sum.Compare(there.Sum()))
	})
	l.recent.forget()
	if err != nil {
		return ledger.Sum{}, fmt.Errorf("copying into the ledger %s: %w", l.path, err)
	}
	return sum, nil
}
