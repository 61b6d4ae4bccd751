package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/internal/sqlitefile"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// OpenClerk opens an existing ledger to open and close disputes, to erase and to supersede, beside the gateway that writes it: each is one
// short transaction, for which the gateway's commits wait.
func OpenClerk(ctx context.Context, path string) (*Ledger, error) {
	r, err := OpenReader(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	db, err := sqlitefile.Connect(path, sqlitefile.ReadWrite, 1)
	if err != nil {
		return nil, fmt.Errorf("opening the ledger %s: %w", path, err)
	}
	return &Ledger{db: db}, nil
}

// Dispute is a contest of one call.
type Dispute struct {
	Call     metering.CallID
	OpenedAt time.Time
	ClosedAt time.Time // zero while open
	Note     string
}

// OpenDispute holds the detail of a call that has a record. Opening it again reopens it.
func (l *Ledger) OpenDispute(ctx context.Context, call metering.CallID, at time.Time, remark string) error {
	if _, err := l.Record(ctx, call); err != nil {
		return err
	}
	_, err := l.db.ExecContext(ctx, `
		INSERT INTO dispute (call, opened_at, note) VALUES (?, ?, ?)
		ON CONFLICT (call) DO UPDATE SET closed_at = NULL, note = excluded.note`, string(call), millis(at), remark)
	if err != nil {
		return fmt.Errorf("opening the dispute of call %s: %w", call, err)
	}
	return nil
}

// CloseDispute lets the call's detail go when its time comes.
func (l *Ledger) CloseDispute(ctx context.Context, call metering.CallID, at time.Time) error {
	res, err := l.db.ExecContext(ctx, `UPDATE dispute SET closed_at = ? WHERE call = ? AND closed_at IS NULL`, millis(at), string(call))
	if err != nil {
		return fmt.Errorf("closing the dispute of call %s: %w", call, err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(fmt.Errorf("call %s has no open dispute: %w", call, ledger.ErrNotFound), err)
	}
	return nil
}

// Disputes lists the contests, oldest first.
func (l *Ledger) Disputes(ctx context.Context) (all []Dispute, err error) {
	rows, err := l.db.QueryContext(ctx, `SELECT call, opened_at, coalesce(closed_at, 0), note FROM dispute ORDER BY opened_at, call`)
	if err != nil {
		return nil, fmt.Errorf("reading the disputes: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var d Dispute
		var opened, closed int64
		if err := rows.Scan(&d.Call, &opened, &closed, &d.Note); err != nil {
			return nil, fmt.Errorf("reading the disputes: %w", err)
		}
		d.OpenedAt = instant(opened)
		if closed != 0 {
			d.ClosedAt = instant(closed)
		}
		all = append(all, d)
	}
	return all, rows.Err()
}

// Erase takes the callers' detail out of up to limit records of calls that arrived before an instant and are not disputed: their evidence goes, and
// the record is left as metering.Record.Erased says, which the log notes. It returns how many it has erased.
func (l *Ledger) Erase(ctx context.Context, before, now time.Time, limit int) (n int, err error) {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("erasing: %w", err)
	}
	if n, err = erase(ctx, tx, before, now, limit); err != nil {
		return 0, errors.Join(fmt.Errorf("erasing: %w", err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return 0, fmt.Errorf("erasing %d records: %w", n, err)
	}
	return n, nil
}

// old is a record whose time has come.
type old struct {
	seq          int64
	record, call string
	json         []byte
}

func olds(ctx context.Context, tx *sql.Tx, before time.Time, limit int) (all []old, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT seq, record, call, json FROM record
		WHERE arrived_at < ? AND erased_at IS NULL AND call NOT IN (SELECT call FROM dispute WHERE closed_at IS NULL)
		ORDER BY arrived_at, seq LIMIT ?`, millis(before), limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var o old
		if err := rows.Scan(&o.seq, &o.record, &o.call, &o.json); err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, rows.Err()
}

func erase(ctx context.Context, tx *sql.Tx, before, now time.Time, limit int) (int, error) {
	all, err := olds(ctx, tx, before, limit)
	if err != nil {
		return 0, err
	}
	for _, o := range all {
		var rec metering.Record
		if err := json.Unmarshal(o.json, &rec); err != nil {
			return 0, fmt.Errorf("record %s: %w", o.record, err)
		}
		rec = rec.Erased()
		text := rec.JSON()
		// The call's id names its second, and the PBX's own logs name the caller of that: it goes, too.
		if _, err := tx.ExecContext(ctx, `UPDATE record SET json = ?, call = record, arrived_at = ?, erased_at = ? WHERE seq = ?`,
			text, millis(rec.ArrivedAt.Time), millis(now), o.seq); err != nil {
			return 0, fmt.Errorf("record %s: %w", o.record, err)
		}
		for _, query := range []string{`DELETE FROM evidence WHERE call = ?`, `DELETE FROM dispute WHERE call = ?`, `DELETE FROM held WHERE call = ?`} {
			if _, err := tx.ExecContext(ctx, query, o.call); err != nil {
				return 0, fmt.Errorf("record %s: %w", o.record, err)
			}
		}
		if err := appendLeaf(ctx, tx, merkle.NewLeaf(merkle.Erasure, o.record, text)); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}
