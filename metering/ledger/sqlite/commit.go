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
	if b.Advance != nil {
		return errors.New("committing: a ledger in a file keeps no positions")
	}
	l.recent.mu.Lock()
	defer l.recent.mu.Unlock()
	err := l.change(ctx, func(tx txn) error {
		if kept, err := isLast(ctx, tx, b); kept || err != nil {
			return err
		}
		if err := checkParts(ctx, tx, b); err != nil {
			return err
		}
		if err := writeBatch(ctx, tx, b); err != nil {
			return err
		}
		return l.countLater(ctx, tx, b.Records)
	})
	if err != nil {
		l.recent.forget()
	}
	if err = damaged(err); err != nil {
		return fmt.Errorf("committing %d frames and %d records: %w", len(b.Evidence), len(b.Records), err)
	}
	return nil
}

// isLast tells whether the batch has been kept already, by a commit that was reported failed.
func isLast(ctx context.Context, tx txn, b *ledger.Batch) (bool, error) {
	if b.ID == "" {
		return false, nil
	}
	var last bool
	err := tx.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM node WHERE node = ? AND last_batch = ?)`, b.Node, b.ID).Scan(&last)
	if err != nil {
		return false, fmt.Errorf("looking for batch %s: %w", b.ID, err)
	}
	return last, nil
}

func writeBatch(ctx context.Context, tx txn, b *ledger.Batch) error {
	for i := range b.Opened {
		if err := openCall(ctx, tx, &b.Opened[i]); err != nil {
			return about(b.Opened[i].Call, err)
		}
	}
	for _, c := range b.Identified {
		if _, err := tx.ExecContext(ctx, `UPDATE open_call SET encrypted_caller = ? WHERE call = ?`,
			c.EncryptedCaller, string(c.Call)); err != nil {
			return fmt.Errorf("writing the caller of the open call %s: %w", c.Call, err)
		}
	}
	if err := writeCalls(ctx, tx, b); err != nil {
		return err
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

// openCall keeps an open call after all others, and after whatever evidence is left of one that is
// no longer there.
func openCall(ctx context.Context, tx txn, c *ledger.OpenCall) error {
	if tx.known.nextSeq == 0 {
		err := tx.QueryRowContext(ctx, `
			SELECT 1 + max(coalesce((SELECT max(seq) FROM open_call), 0),
				coalesce((SELECT max(id) / ? FROM open_evidence), 0))`,
			rowsOfACall).Scan(&tx.known.nextSeq)
		if err != nil {
			return fmt.Errorf("writing the open call %s: %w", c.Call, err)
		}
	}
	seq := tx.known.nextSeq
	_, err := tx.ExecContext(ctx, `
		INSERT INTO open_call (seq, call, node, service, arrived_at, encrypted_caller)
		VALUES (?, ?, ?, ?, ?, ?)`,
		seq, string(c.Call), c.Node, c.Service, millis(c.ArrivedAt), c.EncryptedCaller)
	if err != nil {
		return fmt.Errorf("writing the open call %s: %w", c.Call, err)
	}
	tx.known.seqs[c.Call], tx.known.nextSeq = seq, seq+1
	return nil
}

// writeCalls writes evidence and records. The evidence of a call that the batch closes is written
// once, beside its record.
func writeCalls(ctx context.Context, tx txn, b *ledger.Batch) error {
	lines := linesOf(b.Evidence)
	for i := range b.Records {
		r := &b.Records[i]
		text, err := endOpen(ctx, tx, r.Call, lines.of[r.Call])
		if err != nil {
			return err
		}
		if err := writeEnded(ctx, tx, r, text); err != nil {
			return err
		}
		delete(lines.of, r.Call)
	}
	for _, call := range lines.calls {
		if more, ok := lines.of[call]; ok {
			if err := appendOpen(ctx, tx, call, more); err != nil {
				return err
			}
		}
	}
	for _, call := range b.Closed {
		if err := closeRecorded(ctx, tx, call); err != nil {
			return fmt.Errorf("closing call %s, which has its record: %w", call, err)
		}
	}
	return nil
}

// writeEnded writes the record of a call that ends, and the call's evidence: beside its first record.
func writeEnded(ctx context.Context, tx txn, r *metering.Record, text []byte) error {
	beside, behind := text, []byte(nil)
	if r.Version != metering.RecordVersion {
		beside, behind = behind, beside
	}
	if err := insertRecord(ctx, tx, r, beside); err != nil {
		return about(r.Call, err)
	}
	if err := keepPayer(ctx, tx, r, payerOfOpenCall); err != nil {
		return err
	}
	if err := appendClosed(ctx, tx, r.Call, behind); err != nil {
		return err
	}
	return deleteOpen(ctx, tx, r.Call)
}

// closeRecorded closes a call that was left open although it has its record. One that has none stays
// open.
func closeRecorded(ctx context.Context, tx txn, call metering.CallID) error {
	var recorded bool
	err := tx.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM record WHERE call = ?)`, string(call)).Scan(&recorded)
	if err != nil || !recorded {
		return err
	}
	text, err := endOpen(ctx, tx, call, nil)
	if err != nil {
		return err
	}
	if err := appendClosed(ctx, tx, call, text); err != nil {
		return err
	}
	return deleteOpen(ctx, tx, call)
}

// writePosition moves the watermark forward, or leaves it, replaces the checkpoint, also by none, and
// notes the batch as the last.
func writePosition(ctx context.Context, tx txn, b *ledger.Batch) error {
	watermark := sql.NullInt64{Int64: millis(b.Watermark), Valid: !b.Watermark.IsZero()}
	batch := sql.NullString{String: b.ID, Valid: b.ID != ""}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO node (node, watermark, checkpoint, last_batch) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (node) DO UPDATE SET
			watermark = max(coalesce(watermark, ?2), coalesce(?2, watermark)), checkpoint = ?3,
			last_batch = coalesce(?4, last_batch)`,
		b.Node, watermark, b.Checkpoint, batch); err != nil {
		return fmt.Errorf("writing the watermark and the checkpoint of node %s: %w", b.Node, err)
	}
	return nil
}

func writePending(ctx context.Context, tx txn, p *ledger.PendingRecord) error {
	if _, err := tx.ExecContext(ctx, `
		INSERT OR IGNORE INTO pending_record (call, arrived_at, encrypted_caller) VALUES (?, ?, ?)`,
		string(p.Call), millis(p.ArrivedAt), p.EncryptedCaller); err != nil {
		return fmt.Errorf("keeping call %s pending: %w", p.Call, err)
	}
	return nil
}

// insertRecord keeps the record, with the frames of the call or nil, and enters it into the ledger log.
func insertRecord(ctx context.Context, tx txn, r *metering.Record, frames []byte) error {
	text := r.JSON()
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO record (record, call, version, service, arrived_at, json, frames)
		VALUES (?, ?, ?, ?, ?, ?, ?)`,
		r.Record, string(r.Call), r.Version, r.Service, millis(r.ArrivedAt.Time), text, frames); err != nil {
		return fmt.Errorf("writing the record of call %s: %w", r.Call, err)
	}
	return appendLeaf(ctx, tx, merkle.NewRecordLeaf(r.Record, text, r.Erased("").JSON()))
}
