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

// hashes reads the tree's hashes out of the file.
func hashes(ctx context.Context, q queries) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for k, i := range indexes {
			var b []byte
			err := q.QueryRowContext(ctx, `SELECT hash FROM leaf_hash WHERE i = ?`, i).Scan(&b)
			if err != nil {
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

func countLeaves(ctx context.Context, q queries) (n int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT coalesce(max(n) + 1, 0) FROM leaf`).Scan(&n)
	return n, err
}

// appendLeaf adds a leaf to the log, in the transaction that does what the leaf stands for.
func appendLeaf(ctx context.Context, tx *sql.Tx, leaf merkle.Leaf) error {
	n, err := countLeaves(ctx, tx)
	if err != nil {
		return fmt.Errorf("appending to the log: %w", err)
	}
	added, err := merkle.Hashes(n, leaf, hashes(ctx, tx))
	if err != nil {
		return fmt.Errorf("appending leaf %d to the log: %w", n, err)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO leaf (n, record, text) VALUES (?, ?, ?)`, n, leaf.Record, leaf.Text()); err != nil {
		return fmt.Errorf("appending leaf %d to the log: %w", n, err)
	}
	for k, h := range added {
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO leaf_hash (i, hash) VALUES (?, ?)`, merkle.Stored(n)+int64(k), h[:]); err != nil {
			return fmt.Errorf("appending leaf %d to the log: %w", n, err)
		}
	}
	return nil
}

// SignLog implements ledger.LogSigner.
func (l *store) SignLog(
	ctx context.Context, at time.Time, signer note.Signer,
) (head merkle.Head, signed bool, err error) {
	err = l.change(ctx, func(tx *sql.Tx) error {
		n, err := countLeaves(ctx, tx)
		if err != nil {
			return err
		}
		var last int64
		err = tx.QueryRowContext(ctx, `SELECT coalesce(max(n), 0) FROM head`).Scan(&last)
		if err != nil || n == last {
			return err
		}
		if head, err = merkle.Sign(n, hashes(ctx, tx), signer); err != nil {
			return err
		}
		signed = true
		_, err = tx.ExecContext(ctx, `
			INSERT INTO head (n, at, note) VALUES (?, ?, ?)`, n, millis(at), head.Note)
		return err
	})
	if err != nil {
		return merkle.Head{}, false, fmt.Errorf("signing the ledger log: %w", err)
	}
	return head, signed, nil
}

// Heads implements ledger.Log.
func (r reads) Heads(ctx context.Context) ([][]byte, error) {
	notes, err := column(ctx, r.q, `SELECT note FROM head ORDER BY seq`)
	if err != nil {
		return nil, fmt.Errorf("reading the signed heads: %w", err)
	}
	return notes, nil
}

// Leaves implements ledger.Log.
func (r reads) Leaves(
	ctx context.Context, f func(n int64, record string, text []byte) error,
) (err error) {
	rows, err := r.q.QueryContext(ctx, `SELECT n, record, text FROM leaf ORDER BY n`)
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

// Hashes implements ledger.Log.
func (r reads) Hashes(ctx context.Context, f func(i int64, hash []byte) error) (err error) {
	rows, err := r.q.QueryContext(ctx, `SELECT i, hash FROM leaf_hash ORDER BY i`)
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

// InclusionProof implements ledger.Log.
func (r reads) InclusionProof(
	ctx context.Context, record string, key note.Verifier,
) ([]byte, error) {
	var n int64
	var text, signed []byte
	err := r.q.QueryRowContext(ctx, `
		SELECT n, text FROM leaf WHERE record = ? ORDER BY n DESC LIMIT 1`, record).Scan(&n, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("record %s in the ledger log: %w", record, ledger.ErrNotFound)
	}
	if err == nil {
		err = r.q.QueryRowContext(ctx, `
			SELECT note FROM head WHERE n > ? ORDER BY seq DESC LIMIT 1`, n).Scan(&signed)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("record %s is not under a signed head yet: the gateway signs one "+
				"every ledger.sign_every, and when it ends", record)
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
	return merkle.InclusionProof(n, leaf, head, hashes(ctx, r.q))
}

// EveryRecord implements ledger.Log.
func (r reads) EveryRecord(
	ctx context.Context, f func(record string, json []byte) error,
) (err error) {
	rows, err := r.q.QueryContext(ctx, `SELECT record, json FROM record ORDER BY seq`)
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
