package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
func (l *Ledger) Held(ctx context.Context) (held []ledger.Held, err error) {
	rows, err := l.db.QueryContext(ctx, `SELECT call, arrived_at, sealed FROM held ORDER BY arrived_at, call`)
	if err != nil {
		return nil, fmt.Errorf("reading the held calls: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var h ledger.Held
		var at int64
		if err := rows.Scan(&h.Call, &at, &h.Sealed); err != nil {
			return nil, fmt.Errorf("reading the held calls: %w", err)
		}
		h.ArrivedAt = instant(at)
		held = append(held, h)
	}
	return held, rows.Err()
}

// CallsOf returns the calls of a caller, known under one of some pseudonyms, that arrived from one instant up to another.
func (l *Ledger) CallsOf(ctx context.Context, pseudonyms []string, from, until time.Time) (calls []metering.CallID, err error) {
	err = l.Records(ctx, ledger.Query{Since: from, Until: until}, func(text []byte) error {
		var r metering.Record
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("reading a record: %w", err)
		}
		if !r.DetailErased && slices.Contains(pseudonyms, r.Caller) {
			calls = append(calls, r.Call)
		}
		return nil
	})
	return calls, err
}
