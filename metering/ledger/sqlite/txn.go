package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// statements are those of the transactions, prepared once: SQLite takes longer to read most of them
// than to execute them. They are prepared between two transactions, because the one connection is a
// transaction's while there is one. So the first use of each is not prepared.
type statements struct {
	mu       sync.Mutex
	prepared map[string]*sql.Stmt
	wanted   map[string]bool
}

// maxStatements bounds them. The package has fewer: their texts are constants.
const maxStatements = 100

func newStatements() *statements {
	return &statements{prepared: map[string]*sql.Stmt{}, wanted: map[string]bool{}}
}

// prepare prepares what the transactions so far have wanted. It waits for the connection, and so
// holds no lock that a transaction needs.
func (s *statements) prepare(ctx context.Context, db *sql.DB) error {
	for _, query := range s.takeWanted() {
		stmt, err := db.PrepareContext(ctx, query) //nolint:sqlclosecheck // the database closes it
		if err != nil {
			return fmt.Errorf("preparing a statement: %w", err)
		}
		s.mu.Lock()
		s.prepared[query] = stmt
		s.mu.Unlock()
	}
	return nil
}

func (s *statements) takeWanted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	queries := slices.Collect(maps.Keys(s.wanted))
	clear(s.wanted)
	return queries
}

// of is the prepared statement of a query, nil where there is none yet.
func (s *statements) of(query string) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	stmt := s.prepared[query]
	if stmt == nil && len(s.prepared)+len(s.wanted) < maxStatements {
		s.wanted[query] = true
	}
	return stmt
}

// txn is a transaction with prepared statements.
type txn struct {
	tx         *sql.Tx
	statements *statements
}

// ExecContext is that of sql.Tx.
func (t txn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if stmt := t.statements.of(query); stmt != nil {
		return t.tx.StmtContext(ctx, stmt).ExecContext(ctx, args...) //nolint:sqlclosecheck // the transaction does
	}
	return t.tx.ExecContext(ctx, query, args...)
}

// QueryContext is that of sql.Tx.
func (t txn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := t.statements.of(query); stmt != nil {
		return t.tx.StmtContext(ctx, stmt).QueryContext(ctx, args...) //nolint:sqlclosecheck // the transaction does
	}
	return t.tx.QueryContext(ctx, query, args...)
}

// QueryRowContext is that of sql.Tx.
func (t txn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := t.statements.of(query); stmt != nil {
		return t.tx.StmtContext(ctx, stmt).QueryRowContext(ctx, args...) //nolint:sqlclosecheck // the transaction does
	}
	return t.tx.QueryRowContext(ctx, query, args...)
}

// change runs f in one transaction. Transactions follow each other: there is one connection.
func (l *store) change(ctx context.Context, f func(txn) error) error {
	if l.write == nil {
		return errReadOnly
	}
	if err := l.statements.prepare(ctx, l.write); err != nil {
		return err
	}
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	if err := f(txn{tx, l.statements}); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
