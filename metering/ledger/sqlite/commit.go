package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Commit implements ledger.Writer: one transaction, one fsync.
func (l *store) Commit(ctx context.Context, b *ledger.Batch) error {
	err := l.change(ctx, func(tx *sql.Tx) error {
		if kept, err := isLast(ctx, tx, b); kept || err != nil {
			return err
		}
		if err := checkParts(ctx, tx, b); err != nil {
			return err
		}
		return writeBatch(ctx, tx, b)
	})
	if err = damaged(err); err != nil {
		return fmt.Errorf("committing %d frames and %d records: %w", len(b.Evidence), len(b.Records), err)
	}
	return nil
}

// isLast tells whether the batch has been kept already, by a commit that was reported failed. If
// not, it notes the batch as the last.
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

func writeBatch(ctx context.Context, tx *sql.Tx, b *ledger.Batch) error {
	for _, c := range b.Opened {
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO open_call (call, node, service, arrived_at, encrypted_caller)
			VALUES (?, ?, ?, ?, ?)`,
			string(c.Call), c.Node, c.Service, millis(c.ArrivedAt), c.EncryptedCaller); err != nil {
			return about(c.Call, fmt.Errorf("writing the open call %s: %w", c.Call, err))
		}
	}
	for _, c := range b.Identified {
		if _, err := tx.ExecContext(ctx, `UPDATE open_call SET encrypted_caller = ? WHERE call = ?`,
			c.EncryptedCaller, string(c.Call)); err != nil {
			return fmt.Errorf("writing the caller of the open call %s: %w", c.Call, err)
		}
	}
	if err := writeEvidence(ctx, tx, b.Evidence); err != nil {
		return err
	}
	for i := range b.Records {
		r := &b.Records[i]
		if err := closeCall(ctx, tx, r); err != nil {
			return about(r.Call, err)
		}
	}
	for _, call := range b.Closed {
		if _, err := tx.ExecContext(ctx, `
			DELETE FROM open_call WHERE call = ?1 AND EXISTS (SELECT 1 FROM record WHERE call = ?1)`,
			string(call)); err != nil {
			return fmt.Errorf("closing call %s, which has its record: %w", call, err)
		}
	}
	for i := range b.Pending {
		if err := writePending(ctx, tx, &b.Pending[i]); err != nil {
			return err
		}
	}
	for _, r := range b.Rejects {
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO reject (node, at, bytes, type, sha256, error) VALUES (?, ?, ?, ?, ?, ?)`,
			b.Node, millis(r.At), r.Bytes, r.Type, r.SHA256, r.Error); err != nil {
			return fmt.Errorf("writing a rejected frame: %w", err)
		}
	}
	return writePosition(ctx, tx, b)
}

// writePosition moves the watermark forward, or leaves it, and replaces the checkpoint, also by
// none.
func writePosition(ctx context.Context, tx *sql.Tx, b *ledger.Batch) error {
	watermark := sql.NullInt64{Int64: millis(b.Watermark), Valid: !b.Watermark.IsZero()}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO node (node, watermark, checkpoint) VALUES (?1, ?2, ?3)
		ON CONFLICT (node) DO UPDATE SET
			watermark = max(coalesce(watermark, ?2), coalesce(?2, watermark)), checkpoint = ?3`,
		b.Node, watermark, b.Checkpoint); err != nil {
		return fmt.Errorf("writing the watermark and the checkpoint of node %s: %w", b.Node, err)
	}
	return nil
}

func writePending(ctx context.Context, tx *sql.Tx, p *ledger.PendingRecord) error {
	if _, err := tx.ExecContext(ctx, `
		INSERT OR IGNORE INTO pending_record (call, arrived_at, encrypted_caller) VALUES (?, ?, ?)`,
		string(p.Call), millis(p.ArrivedAt), p.EncryptedCaller); err != nil {
		return fmt.Errorf("keeping call %s pending: %w", p.Call, err)
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

// closeCall keeps the record and closes its call, which is open.
func closeCall(ctx context.Context, tx *sql.Tx, r *metering.Record) error {
	if err := insertRecord(ctx, tx, r); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM open_call WHERE call = ?`, string(r.Call))
	if err != nil {
		return fmt.Errorf("closing call %s: %w", r.Call, err)
	}
	return nil
}

// insertRecord keeps the record, and enters it into the ledger log.
func insertRecord(ctx context.Context, tx *sql.Tx, r *metering.Record) error {
	text := r.JSON()
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO record (record, call, version, service, arrived_at, json) VALUES (?, ?, ?, ?, ?, ?)`,
		r.Record, string(r.Call), r.Version, r.Service, millis(r.ArrivedAt.Time), text); err != nil {
		return fmt.Errorf("writing the record of call %s: %w", r.Call, err)
	}
	return appendLeaf(ctx, tx, merkle.NewRecordLeaf(r.Record, text, r.Erased("").JSON()))
}
