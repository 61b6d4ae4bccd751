package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// ErrOpen says that a call has not ended for the gateway.
var ErrOpen = errors.New("the call is still open")

// Supersede adds records of calls that have ended, and the evidence that they were made from: later versions, or the first one of a call that the gateway
// never knew. It fails with ErrOpen where the gateway still has the call.
func (l *Ledger) Supersede(ctx context.Context, b *ledger.Batch) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("superseding: %w", err)
	}
	if err := supersede(ctx, tx, b); err != nil {
		return errors.Join(fmt.Errorf("superseding: %w", err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("superseding: %w", err)
	}
	return nil
}

func supersede(ctx context.Context, tx *sql.Tx, b *ledger.Batch) error {
	for i := range b.Records {
		var open int
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM open_call WHERE call = ?`, string(b.Records[i].Call)).Scan(&open)
		if err == nil && open > 0 {
			err = ErrOpen
		}
		if err == nil {
			err = insertRecord(ctx, tx, &b.Records[i])
		}
		if err != nil {
			return fmt.Errorf("call %s: %w", b.Records[i].Call, err)
		}
	}
	if err := writeHeld(ctx, tx, b); err != nil {
		return err
	}
	return writeEvidence(ctx, tx, b.Evidence)
}

// Held returns the calls that wait for an answer about their caller, in the order of their arrival.
func (l *Ledger) PendingRecords(ctx context.Context) (held []ledger.PendingRecord, err error) {
	rows, err := l.db.QueryContext(ctx, `SELECT call, arrived_at, sealed FROM held ORDER BY arrived_at, call`)
	if err != nil {
		return nil, fmt.Errorf("reading the held calls: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var h ledger.PendingRecord
		var at int64
		if err := rows.Scan(&h.Call, &at, &h.EncryptedCaller); err != nil {
			return nil, fmt.Errorf("reading the held calls: %w", err)
		}
		h.ArrivedAt = instant(at)
		held = append(held, h)
	}
	return held, rows.Err()
}

// Callers calls f with each selected call that has ended: its id, the caller's pseudonym, when it arrived. Erased calls have no caller any more.
func (l *Ledger) Callers(ctx context.Context, q ledger.Query, f func(call metering.CallID, caller string, arrived time.Time) error) error {
	return l.Records(ctx, q, func(text []byte) error {
		var r struct {
			Call      metering.CallID `json:"call"`
			Caller    string          `json:"caller"`
			ArrivedAt time.Time       `json:"arrived_at"`
		}
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("reading a record: %w", err)
		}
		if r.Caller == "" {
			return nil
		}
		return f(r.Call, r.Caller, r.ArrivedAt)
	})
}
