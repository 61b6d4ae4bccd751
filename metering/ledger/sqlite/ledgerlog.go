package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// querier is a database or a transaction of it.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// hashes reads the tree's hashes out of the file.
func hashes(ctx context.Context, q querier) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for k, i := range indexes {
			var b []byte
			if err := q.QueryRowContext(ctx, `SELECT hash FROM leaf_hash WHERE i = ?`, i).Scan(&b); err != nil {
				return nil, fmt.Errorf("reading hash %d of the log: %w", i, err)
			}
			if len(b) != tlog.HashSize {
				return nil, fmt.Errorf("hash %d of the log has %d bytes, want %d", i, len(b), tlog.HashSize)
			}
			out[k] = tlog.Hash(b)
		}
		return out, nil
	})
}

func leaves(ctx context.Context, q querier) (n int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT coalesce(max(n) + 1, 0) FROM leaf`).Scan(&n)
	return n, err
}

// appendLeaf adds a leaf to the log, in the transaction that does what it stands for.
func appendLeaf(ctx context.Context, tx *sql.Tx, leaf merkle.Leaf) error {
	n, err := leaves(ctx, tx)
	if err != nil {
		return fmt.Errorf("appending to the log: %w", err)
	}
	added, err := merkle.Hashes(n, leaf, hashes(ctx, tx))
	if err != nil {
		return fmt.Errorf("appending leaf %d to the log: %w", n, err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO leaf (n, record, text) VALUES (?, ?, ?)`, n, leaf.Record, leaf.Text()); err != nil {
		return fmt.Errorf("appending leaf %d to the log: %w", n, err)
	}
	for k, h := range added {
		if _, err := tx.ExecContext(ctx, `INSERT INTO leaf_hash (i, hash) VALUES (?, ?)`, merkle.Stored(n)+int64(k), h[:]); err != nil {
			return fmt.Errorf("appending leaf %d to the log: %w", n, err)
		}
	}
	return nil
}

// backfill gives records that are older than the log their leaves.
func (l *Ledger) backfill(ctx context.Context) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := backfill(ctx, tx); err != nil {
		return errors.Join(fmt.Errorf("entering older records into the log: %w", err), tx.Rollback())
	}
	return tx.Commit()
}

func backfill(ctx context.Context, tx *sql.Tx) error {
	if n, err := leaves(ctx, tx); err != nil || n > 0 {
		return err // a record without a leaf, once there is a log, was put there by somebody else: verify must find it
	}
	missing, err := unentered(ctx, tx)
	if err != nil {
		return err
	}
	for _, leaf := range missing {
		if err := appendLeaf(ctx, tx, leaf); err != nil {
			return err
		}
	}
	return nil
}

// unentered are the leaves of all records, in the order of committing.
func unentered(ctx context.Context, tx *sql.Tx) (missing []merkle.Leaf, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT record, json FROM record ORDER BY seq`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var record string
		var json []byte
		if err := rows.Scan(&record, &json); err != nil {
			return nil, err
		}
		missing = append(missing, merkle.NewLeaf(merkle.Record, record, json))
	}
	return missing, rows.Err()
}

// Encrypt signs the log as it is, and keeps the head. It returns false where the newest head already says as much.
func (l *Ledger) SignLog(ctx context.Context, at time.Time, signer note.Signer) (head merkle.Head, sealed bool, err error) {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return head, false, fmt.Errorf("sealing the log: %w", err)
	}
	n, err := leaves(ctx, tx)
	var last int64
	if err == nil {
		err = tx.QueryRowContext(ctx, `SELECT coalesce(max(n), 0) FROM head`).Scan(&last)
	}
	if err != nil || n == last {
		return head, false, errors.Join(err, tx.Rollback())
	}
	if head, err = merkle.Sign(n, hashes(ctx, tx), signer); err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO head (n, at, note) VALUES (?, ?, ?)`, n, millis(at), head.Note)
	}
	if err != nil {
		return head, false, errors.Join(fmt.Errorf("sealing the log at %d leaves: %w", n, err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return head, false, fmt.Errorf("sealing the log at %d leaves: %w", n, err)
	}
	return head, true, nil
}

// Heads returns the signed heads, oldest first.
func (l *Ledger) Heads(ctx context.Context) (notes [][]byte, err error) {
	return column(ctx, l.db, `SELECT note FROM head ORDER BY seq`)
}

func column(ctx context.Context, db *sql.DB, query string, args ...any) (values [][]byte, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var v []byte
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, rows.Err()
}

// Leaves calls f with each leaf of the log: its number, the record it names in the file, its text.
func (l *Ledger) Leaves(ctx context.Context, f func(n int64, record string, text []byte) error) (err error) {
	rows, err := l.db.QueryContext(ctx, `SELECT n, record, text FROM leaf ORDER BY n`)
	if err != nil {
		return fmt.Errorf("reading the log: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var n int64
		var record string
		var text []byte
		if err := rows.Scan(&n, &record, &text); err != nil {
			return fmt.Errorf("reading the log: %w", err)
		}
		if err := f(n, record, text); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Hashes calls f with each stored hash of the log's tree.
func (l *Ledger) Hashes(ctx context.Context, f func(i int64, hash []byte) error) (err error) {
	rows, err := l.db.QueryContext(ctx, `SELECT i, hash FROM leaf_hash ORDER BY i`)
	if err != nil {
		return fmt.Errorf("reading the log's hashes: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var i int64
		var hash []byte
		if err := rows.Scan(&i, &hash); err != nil {
			return fmt.Errorf("reading the log's hashes: %w", err)
		}
		if err := f(i, hash); err != nil {
			return err
		}
	}
	return rows.Err()
}

// InclusionProof writes the proof that a record's newest leaf is in the log of the newest head.
func (l *Ledger) InclusionProof(ctx context.Context, record string, key note.Verifier) ([]byte, error) {
	var n int64
	var text, signed []byte
	err := l.db.QueryRowContext(ctx, `SELECT n, text FROM leaf WHERE record = ? ORDER BY n DESC LIMIT 1`, record).Scan(&n, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("record %s is not in the log: %w", record, ledger.ErrNotFound)
	}
	if err == nil {
		err = l.db.QueryRowContext(ctx, `SELECT note FROM head WHERE n > ? ORDER BY seq DESC LIMIT 1`, n).Scan(&signed)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("record %s is not under a signed head yet: the gateway signs one at each seal.every, and when it ends", record)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the log for record %s: %w", record, err)
	}
	leaf, err := merkle.ParseLeaf(text)
	if err != nil {
		return nil, err
	}
	head, err := merkle.Open(signed, key)
	if err != nil {
		return nil, err
	}
	return merkle.InclusionProof(n, leaf, head, hashes(ctx, l.db))
}

// EveryRecord calls f with each record in the order of committing: the id under which the file keeps it, and its JSON.
func (l *Ledger) EveryRecord(ctx context.Context, f func(record string, json []byte) error) (err error) {
	rows, err := l.db.QueryContext(ctx, `SELECT record, json FROM record ORDER BY seq`)
	if err != nil {
		return fmt.Errorf("reading the records: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var record string
		var json []byte
		if err := rows.Scan(&record, &json); err != nil {
			return fmt.Errorf("reading the records: %w", err)
		}
		if err := f(record, json); err != nil {
			return err
		}
	}
	return rows.Err()
}
