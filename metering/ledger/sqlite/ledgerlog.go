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
func appendLeaf(ctx context.Context, tx txn, leaf merkle.Leaf) (err error) {
	if tx.known.leaves < 0 {
		if tx.known.leaves, err = countLeaves(ctx, tx); err != nil {
			return fmt.Errorf("appending to the log: %w", err)
		}
	}
	n := tx.known.leaves
	added, err := merkle.Hashes(n, leaf, tx.known.hashReader(hashes(ctx, tx)))
	if err != nil {
		return fmt.Errorf("appending leaf %d to the log: %w", n, err)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO leaf (n, record, text) VALUES (?, ?, ?)`, n, leaf.Record, packLeaf(leaf)); err != nil {
		return fmt.Errorf("appending leaf %d to the log: %w", n, err)
	}
	for k, h := range added {
		i := merkle.Stored(n) + int64(k)
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO leaf_hash (i, hash) VALUES (?, ?)`, i, h[:]); err != nil {
			return fmt.Errorf("appending leaf %d to the log: %w", n, err)
		}
		tx.known.hashes[i] = h
	}
	tx.known.leaves++
	return nil
}

// hashReader reads the hashes that the transaction does not know yet.
func (k *known) hashReader(file tlog.HashReader) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for at, i := range indexes {
			h, ok := k.hashes[i]
			if !ok {
				read, err := file.ReadHashes([]int64{i})
				if err != nil {
					return nil, err
				}
				h = read[0]
				k.hashes[i] = h
			}
			out[at] = h
		}
		return out, nil
	})
}

// SignLog implements ledger.LogSigner.
func (l *store) SignLog(
	ctx context.Context, at time.Time, signer note.Signer,
) (head merkle.Head, signed bool, err error) {
	l.recent.mu.Lock()
	defer l.recent.mu.Unlock()
	err = l.change(ctx, func(tx txn) error {
		if err := closeDays(ctx, tx, &l.recent, at); err != nil {
			return err
		}
		n, err := countLeaves(ctx, tx)
		if err != nil {
			return err
		}
		covered, err := newestHead(ctx, tx, n)
		if err != nil || covered == n-1 { // the newest head's own leaf
			return err
		}
		if head, err = merkle.Sign("", n, hashes(ctx, tx), signer); err != nil {
			return err
		}
		signed = true
		if _, err = tx.ExecContext(ctx, `
			INSERT INTO head (n, at, note) VALUES (?, ?, ?)`, n, millis(at), head.Note); err != nil {
			return err
		}
		return appendLeaf(ctx, tx, merkle.NewLeaf(merkle.Signed, "", head.Note))
	})
	if err != nil {
		return merkle.Head{}, false, fmt.Errorf("signing the ledger log: %w", err)
	}
	return head, signed, nil
}

// noHead is how many leaves a head covers that does not exist.
const noHead = -2

// newestHead returns how many leaves the newest head covers, noHead without one, and checks that the
// log of n leaves still begins with them.
func newestHead(ctx context.Context, tx txn, n int64) (covered int64, err error) {
	var text []byte
	err = tx.QueryRowContext(ctx, `SELECT note FROM head ORDER BY seq DESC LIMIT 1`).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return noHead, nil
	}
	if err != nil {
		return 0, err
	}
	newest, err := merkle.Unverified(text)
	if err != nil {
		return 0, fmt.Errorf("%w: the newest head: %w", ledger.ErrDamaged, err)
	}
	if agrees, err := (reads{tx}).Agrees(ctx, newest); err != nil || !agrees {
		return 0, errors.Join(fmt.Errorf("%w: the log, of %d leaves, is not the one whose head was "+
			"signed at %d", ledger.ErrDamaged, n, newest.N), err)
	}
	return newest.N, nil
}

// Agrees implements ledger.Log. The log is of no node.
func (r reads) Agrees(ctx context.Context, head merkle.Head) (bool, error) {
	n, err := countLeaves(ctx, r.q)
	if err != nil || head.N > n || head.Node != "" {
		return false, err
	}
	root, err := tlog.TreeHash(head.N, hashes(ctx, r.q))
	if err != nil {
		return false, fmt.Errorf("computing the root of %d leaves: %w", head.N, err)
	}
	return root == head.Hash, nil
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
		if err := f(n, record, leafText(record, text)); err != nil {
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
	ctx context.Context, record string, keys note.Verifiers,
) ([]byte, error) {
	n, leaf, err := r.recordLeaf(ctx, record)
	var signed []byte
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
	head, err := merkle.Open(signed, keys)
	if err != nil {
		return nil, err
	}
	return merkle.InclusionProof(n, leaf, head, hashes(ctx, r.q))
}

// recordLeaf returns the newest leaf about the content of a record.
func (r reads) recordLeaf(
	ctx context.Context, record string,
) (n int64, newest merkle.Leaf, err error) {
	err = r.leavesOf(ctx, record, func(at int64, text []byte) error {
		leaf, err := merkle.ParseLeaf(text)
		if leaf.Kind == merkle.Record || leaf.Kind == merkle.Erasure {
			n, newest = at, leaf
		}
		return err
	})
	if err == nil && newest.Kind == "" {
		err = ledger.ErrNotFound
	}
	return n, newest, err
}

// LeavesOf implements ledger.Log.
func (r reads) LeavesOf(
	ctx context.Context, record string, f func(text []byte) error,
) error {
	return r.leavesOf(ctx, record, func(_ int64, text []byte) error { return f(text) })
}

func (r reads) leavesOf(
	ctx context.Context, record string, f func(n int64, text []byte) error,
) (err error) {
	rows, err := r.q.QueryContext(ctx, `
		SELECT n, text FROM leaf WHERE record = ? ORDER BY n`, record)
	if err != nil {
		return fmt.Errorf("reading the log for record %s: %w", record, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var n int64
		var text []byte
		if err := rows.Scan(&n, &text); err != nil {
			return fmt.Errorf("reading the log for record %s: %w", record, err)
		}
		if err := f(n, leafText(record, text)); err != nil {
			return err
		}
	}
	return rows.Err()
}
