package sqlite

import (
	"context"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// checkParts compares the part of each call in a batch with what the ledger holds, before anything
// is written. It returns a ledger.Contradiction that names every call that does not fit.
func checkParts(ctx context.Context, tx txn, b *ledger.Batch) error {
	parts := b.Parts()
	var found ledger.Contradiction
	for _, p := range parts {
		var seq int64
		var recorded bool
		err := tx.QueryRowContext(ctx, `
			SELECT coalesce((SELECT seq FROM open_call WHERE call = ?1), 0),
				EXISTS (SELECT 1 FROM record WHERE call = ?1)
				OR EXISTS (SELECT 1 FROM record WHERE record = ?2)`,
			string(p.Call), p.RecordID()).Scan(&seq, &recorded)
		if err != nil {
			return fmt.Errorf("checking the part of call %s: %w", p.Call, err)
		}
		tx.known.seqs[p.Call] = seq
		if why := p.Contradiction(seq != 0, recorded); why != "" {
			c := ledger.ContradictingCall{Call: p.Call, Why: why, Recorded: recorded}
			found.Calls = append(found.Calls, c)
		}
	}
	if len(found.Calls) > 0 {
		return &found
	}
	return nil
}

// about marks what a constraint of the schema refuses of one call.
func about(call metering.CallID, err error) error {
	if !refused(err) {
		return err
	}
	return &ledger.Contradiction{Calls: []ledger.ContradictingCall{{Call: call, Why: err.Error()}}}
}

// contradiction marks what a constraint of the schema refuses of a change of one call.
func contradiction(err error) error {
	if refused(err) {
		return fmt.Errorf("%w: %w", ledger.ErrBroken, err)
	}
	return err
}

func refused(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_CONSTRAINT
}

// damaged marks what SQLite says of a file that it cannot use any more.
func damaged(err error) error {
	var e *driver.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return fmt.Errorf("%w: %w", ledger.ErrDamaged, err)
		}
	}
	return err
}
