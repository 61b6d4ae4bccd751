package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Commit implements ledger.Writer: one transaction, one fsync.
func (l *Ledger) Commit(ctx context.Context, b *ledger.Batch) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning a commit: %w", err)
	}
	if kept, err := isLast(ctx, tx, b); kept || err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := write(ctx, tx, b); err != nil {
		var refused *driver.Error
		if errors.As(err, &refused) && refused.Code()&0xff == sqlite3.SQLITE_CONSTRAINT {
			err = fmt.Errorf("%w: %w", ledger.ErrBroken, err)
		}
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("committing %d frames and %d records: %w", len(b.Evidence), len(b.Records), err)
	}
	return nil
}

// isLast tells whether the batch has been kept already, by a commit that was reported failed; if not, it notes the batch as the last.
func isLast(ctx context.Context, tx *sql.Tx, b *ledger.Batch) (bool, error) {
	if b.ID == "" {
		return false, nil
	}
	res, err := tx.ExecContext(ctx, `
		INSERT INTO last_batch (node, id) VALUES (?1, ?2)
		ON CONFLICT (node) DO UPDATE SET id = ?2 WHERE id <> ?2`, b.Node, b.ID)
	if err != nil {
		return false, fmt.Errorf("noting batch %s: %w", b.ID, err)
	}
	n, err := res.RowsAffected()
	return n == 0, err
}

func write(ctx context.Context, tx *sql.Tx, b *ledger.Batch) error {
	for _, c := range b.Opened {
		if _, err := tx.ExecContext(ctx, `INSERT INTO open_call (call, node, service, arrived_at, sealed) VALUES (?, ?, ?, ?, ?)`,
			string(c.Call), c.Node, c.Service, millis(c.ArrivedAt), c.EncryptedCaller); err != nil {
			return fmt.Errorf("writing the open call %s: %w", c.Call, err)
		}
	}
	if err := writeEvidence(ctx, tx, b.Evidence); err != nil {
		return err
	}
	for i := range b.Records {
		if err := writeRecord(ctx, tx, &b.Records[i]); err != nil {
			return err
		}
	}
	if err := writeHeld(ctx, tx, b); err != nil {
		return err
	}
	for _, r := range b.Rejects {
		if _, err := tx.ExecContext(ctx, `INSERT INTO reject (node, at, bytes, type, sha256, error) VALUES (?, ?, ?, ?, ?, ?)`,
			b.Node, millis(r.At), r.Bytes, r.Type, r.SHA256, r.Error); err != nil {
			return fmt.Errorf("writing a rejected frame: %w", err)
		}
	}
	if !b.Watermark.IsZero() {
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO node (node, sure_at) VALUES (?, ?)
			ON CONFLICT (node) DO UPDATE SET sure_at = max(sure_at, excluded.sure_at)`, b.Node, millis(b.Watermark)); err != nil {
			return fmt.Errorf("writing how far node %s was seen: %w", b.Node, err)
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE node SET checkpoint = ?1 WHERE node = ?2 AND (checkpoint IS NOT NULL OR ?1 IS NOT NULL)`,
		b.Checkpoint, b.Node); err != nil {
		return fmt.Errorf("writing the checkpoint of node %s: %w", b.Node, err)
	}
	return nil
}

func writeHeld(ctx context.Context, tx *sql.Tx, b *ledger.Batch) error {
	for _, h := range b.Pending {
		if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO held (call, arrived_at, sealed) VALUES (?, ?, ?)`, string(h.Call), millis(h.ArrivedAt), h.EncryptedCaller); err != nil {
			return fmt.Errorf("holding call %s: %w", h.Call, err)
		}
	}
	for _, call := range b.Resolved {
		if _, err := tx.ExecContext(ctx, `DELETE FROM held WHERE call = ?`, string(call)); err != nil {
			return fmt.Errorf("settling call %s: %w", call, err)
		}
	}
	return nil
}

func writeEvidence(ctx context.Context, tx *sql.Tx, frames []ledger.Evidence) (err error) {
	if len(frames) == 0 {
		return nil
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO evidence (call, frame) VALUES (?, ?)`)
	if err != nil {
		return fmt.Errorf("preparing to write evidence: %w", err)
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	for _, e := range frames {
		if _, err := insert.ExecContext(ctx, string(e.Call), e.Frame); err != nil {
			return fmt.Errorf("writing evidence of call %s: %w", e.Call, err)
		}
	}
	return nil
}

// writeRecord keeps the record and closes its call. A call of which nobody knew that it was open is a broken invariant: the
// transaction must not pass.
func writeRecord(ctx context.Context, tx *sql.Tx, r *metering.Record) error {
	if err := insertRecord(ctx, tx, r); err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, `DELETE FROM open_call WHERE call = ?`, string(r.Call))
	if err != nil {
		return fmt.Errorf("closing call %s: %w", r.Call, err)
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		err = fmt.Errorf("%w: %d open calls of that name, want 1", ledger.ErrBroken, n)
	}
	if err != nil {
		return fmt.Errorf("closing call %s: %w", r.Call, err)
	}
	return nil
}

// insertRecord keeps the record, and enters it into the log.
func insertRecord(ctx context.Context, tx *sql.Tx, r *metering.Record) error {
	text := r.JSON()
	if _, err := tx.ExecContext(ctx, `INSERT INTO record (record, call, version, service, arrived_at, json) VALUES (?, ?, ?, ?, ?, ?)`,
		r.Record, string(r.Call), r.Version, r.Service, millis(r.ArrivedAt.Time), text); err != nil {
		return fmt.Errorf("writing the record of call %s: %w", r.Call, err)
	}
	return appendLeaf(ctx, tx, merkle.NewLeaf(merkle.Record, r.Record, text))
}
