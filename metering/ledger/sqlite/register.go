package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/risposta/gateway/metering/ledger/merkle"
)

// NoteRegister implements ledger.Registers.
func (l *store) NoteRegister(ctx context.Context, state []byte) error {
	err := l.change(ctx, func(tx txn) error {
		had, err := reads{tx}.NotedRegister(ctx)
		if err != nil || bytes.Equal(had, state) {
			return err
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO noted_register (one, state) VALUES (1, ?)
			ON CONFLICT (one) DO UPDATE SET state = excluded.state`, state); err != nil {
			return err
		}
		return appendLeaf(ctx, tx, merkle.NewLeaf(merkle.Register, "", state))
	})
	if err != nil {
		return fmt.Errorf("noting the exemption register in the ledger: %w", err)
	}
	return nil
}

// NotedRegister implements ledger.Registers.
func (r reads) NotedRegister(ctx context.Context) (state []byte, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT state FROM noted_register`).Scan(&state)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading what the ledger knows of the exemption register: %w", err)
	}
	return state, nil
}
