package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

var errNoHash = errors.New("it is missing, or of another length")

// hashes reads hashes of the log's tree.
func (r reads) hashes(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		rows, err := r.q.Query(ctx, `
			SELECT i, hash FROM leaf_hash WHERE log = $1 AND i = ANY($2)`, r.log, indexes)
		if err != nil {
			return nil, fmt.Errorf("reading hashes of the log: %w", hide(err))
		}
		found := map[int64]tlog.Hash{}
		var i int64
		var hash []byte
		_, err = pgx.ForEachRow(rows, []any{&i, &hash}, func() error {
			if len(hash) != tlog.HashSize {
				return nil // as if it were missing
			}
			found[i] = tlog.Hash(hash)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("reading hashes of the log: %w", hide(err))
		}
		out := make([]tlog.Hash, len(indexes))
		for k, i := range indexes {
			h, ok := found[i]
			if !ok {
				return nil, fmt.Errorf("reading hash %d of the log: %w", i, errNoHash)
			}
			out[k] = h
		}
		return out, nil
	})
}

// ReadHashes implements tlog.HashReader with what the transaction knows.
func (t *txn) readHashes(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var unknown []int64
		for _, i := range indexes {
			if _, ok := t.hashes[i]; !ok {
				unknown = append(unknown, i)
			}
		}
		if len(unknown) > 0 {
			read, err := (reads{q: t, log: t.log}).hashes(ctx).ReadHashes(unknown)
			if err != nil {
				return nil, err
			}
			for k, i := range unknown {
				t.hashes[i] = read[k]
			}
		}
		out := make([]tlog.Hash, len(indexes))
		for k, i := range indexes {
			out[k] = t.hashes[i]
		}
		return out, nil
	})
}

// appendLeaf adds a leaf to the log, in the transaction that does what the leaf stands for.
func (t *txn) appendLeaf(ctx context.Context, leaf merkle.Leaf) error {
	n := t.leaves
	added, err := merkle.Hashes(n, leaf, t.readHashes(ctx))
	if err != nil {
		return fmt.Errorf("appending leaf %d to the log: %w", n, err)
	}
	t.added.n = append(t.added.n, n)
	t.added.records = append(t.added.records, leaf.Record)
	t.added.texts = append(t.added.texts, leaf.Text())
	for k, h := range added {
		i := merkle.Stored(n) + int64(k)
		t.hashes[i] = h
		t.added.i = append(t.added.i, i)
		t.added.hashes = append(t.added.hashes, h[:])
	}
	t.leaves++
	return nil
}

// SignLog implements ledger.LogSigner: it signs the log of the store's node.
func (s *Store) SignLog(
	ctx context.Context, at time.Time, signer note.Signer,
) (head merkle.Head, signed bool, err error) {
	err = s.change(ctx, s.log, func(tx *txn) error {
		if err := closeDays(ctx, tx, at); err != nil {
			return err
		}
		covered, err := newestHead(ctx, tx)
		if err != nil || covered == tx.leaves-1 { // the newest head's own leaf
			return err
		}
		if head, err = merkle.Sign(tx.log, tx.leaves, tx.readHashes(ctx), signer); err != nil {
			return err
		}
		signed = true
		tx.queue(`INSERT INTO head (log, n, at, note) VALUES ($1, $2, $3, $4)`,
			tx.log, tx.leaves, millis(at), head.Note)
		return tx.appendLeaf(ctx, merkle.NewLeaf(merkle.Signed, "", head.Note))
	})
	if err != nil {
		return merkle.Head{}, false, fmt.Errorf("signing the ledger log: %w", err)
	}
	return head, signed, nil
}

// noHead is how many leaves a head covers that does not exist.
const noHead = -2

// newestHead returns how many leaves the newest head covers, noHead without one, and checks that
// the log still begins with them.
func newestHead(ctx context.Context, tx *txn) (covered int64, err error) {
	var text []byte
	var n int64
	err = tx.QueryRow(ctx, `SELECT coalesce(max(n) + 1, 0) FROM leaf WHERE log = $1`, tx.log).Scan(&n)
	if err != nil {
		return 0, hide(err)
	}
	if n += int64(len(tx.added.n)); n != tx.leaves {
		return 0, fmt.Errorf("%w: the log has %d leaves, and had %d", ledger.ErrDamaged, n, tx.leaves)
	}
	err = tx.QueryRow(ctx, `
		SELECT note FROM head WHERE log = $1 ORDER BY seq DESC LIMIT 1`, tx.log).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return noHead, nil
	}
	if err != nil {
		return 0, hide(err)
	}
	newest, err := merkle.Unverified(text)
	if err != nil {
		return 0, fmt.Errorf("%w: the newest head: %w", ledger.ErrDamaged, err)
	}
	if agrees, err := agree(tx.log, tx.leaves, newest, tx.readHashes(ctx)); err != nil || !agrees {
		return 0, errors.Join(fmt.Errorf("%w: the log, of %d leaves, is not the one whose head was "+
			"signed at %d", ledger.ErrDamaged, tx.leaves, newest.N), err)
	}
	return newest.N, nil
}

// agree reports whether a head is of a log of n leaves.
func agree(log string, n int64, head merkle.Head, hashes tlog.HashReader) (bool, error) {
	if head.N > n || head.Node != log {
		return false, nil
	}
	root, err := tlog.TreeHash(head.N, hashes)
	if err != nil {
		return false, fmt.Errorf("computing the root of %d leaves: %w", head.N, err)
	}
	return root == head.Hash, nil
}

// Agrees implements ledger.Log.
func (r reads) Agrees(ctx context.Context, head merkle.Head) (bool, error) {
	n, err := r.EndOfLog(ctx)
	if err != nil {
		return false, err
	}
	agrees, err := agree(r.log, n, head, r.hashes(ctx))
	if errors.Is(err, errNoHash) {
		return false, nil
	}
	return agrees, err
}

// CountedLeaves implements ledger.LeafCounter: what the row of the node says.
func (r reads) CountedLeaves(ctx context.Context) (int64, error) {
	n, err := ofNode[int64](ctx, r.q, "the number of leaves", `
		SELECT leaves FROM node WHERE node = $1`, r.log)
	if err != nil || n == nil {
		return 0, err
	}
	return *n, nil
}

// Heads implements ledger.Log.
func (r reads) Heads(ctx context.Context) ([][]byte, error) {
	notes, err := list[[]byte](ctx, r.q, `SELECT note FROM head WHERE log = $1 ORDER BY seq`, r.log)
	if err != nil {
		return nil, fmt.Errorf("reading the signed heads: %w", err)
	}
	return notes, nil
}

// InclusionProof implements ledger.Log. It is of the log that has the record.
func (r reads) InclusionProof(
	ctx context.Context, record string, keys note.Verifiers,
) ([]byte, error) {
	r, n, leaf, err := r.recordLeaf(ctx, record)
	var signed []byte
	if err == nil {
		err = r.q.QueryRow(ctx, `
			SELECT note FROM head WHERE log = $1 AND n > $2 ORDER BY seq DESC LIMIT 1`, r.log, n).
			Scan(&signed)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, fmt.Errorf("record %s is not under a signed head yet: the gateway signs one "+
				"every ledger.sign_every, and when it ends", record)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the log for record %s: %w", record, hide(err))
	}
	head, err := merkle.Open(signed, keys)
	if err != nil {
		return nil, err
	}
	return merkle.InclusionProof(n, leaf, head, r.hashes(ctx))
}

// recordLeaf returns the newest leaf about the content of a record, and the log that it is in.
func (r reads) recordLeaf(
	ctx context.Context, record string,
) (in reads, n int64, newest merkle.Leaf, err error) {
	in = r
	err = r.leavesOf(ctx, record, func(log string, at int64, text []byte) error {
		leaf, err := merkle.ParseLeaf(text)
		if leaf.Kind == merkle.Record || leaf.Kind == merkle.Erasure {
			in.log, n, newest = log, at, leaf
		}
		return err
	})
	if err == nil && newest.Kind == "" {
		err = ledger.ErrNotFound
	}
	return in, n, newest, err
}

// LeavesOf implements ledger.Log.
func (r reads) LeavesOf(
	ctx context.Context, record string, f func(text []byte) error,
) error {
	return r.leavesOf(ctx, record, func(_ string, _ int64, text []byte) error { return f(text) })
}

type leafRow struct {
	Log    string
	N      int64
	Record string
	Text   []byte
}

func (r reads) leavesOf(
	ctx context.Context, record string, f func(log string, n int64, text []byte) error,
) error {
	rows, err := r.q.Query(ctx, `
		SELECT log, n, record, text FROM leaf
		WHERE record = $1 AND ($2::text IS NULL OR log = $2) ORDER BY log, n`, record, r.only())
	var all []leafRow
	if err == nil {
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[leafRow])
	}
	if err != nil {
		return fmt.Errorf("reading the log for record %s: %w", record, hide(err))
	}
	for _, leaf := range all {
		if err := f(leaf.Log, leaf.N, leaf.Text); err != nil {
			return err
		}
	}
	return nil
}
