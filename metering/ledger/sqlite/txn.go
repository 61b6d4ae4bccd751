package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/metering"
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

// preparedQueries are those of the connections that read, each prepared at its first use: a start with
// many open calls asks the same for each.
type preparedQueries struct {
	*sql.DB

	mu       sync.Mutex
	prepared map[string]*sql.Stmt
}

// QueryContext is that of sql.DB.
func (p *preparedQueries) QueryContext(
	ctx context.Context, query string, args ...any,
) (*sql.Rows, error) {
	if stmt := p.of(ctx, query); stmt != nil { //nolint:sqlclosecheck // the database closes it
		return stmt.QueryContext(ctx, args...)
	}
	return p.DB.QueryContext(ctx, query, args...)
}

// QueryRowContext is that of sql.DB.
func (p *preparedQueries) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := p.of(ctx, query); stmt != nil { //nolint:sqlclosecheck // the database closes it
		return stmt.QueryRowContext(ctx, args...)
	}
	return p.DB.QueryRowContext(ctx, query, args...)
}

// of is the prepared statement of a query, nil where it cannot be prepared: executing it tells why.
func (p *preparedQueries) of(ctx context.Context, query string) *sql.Stmt {
	p.mu.Lock()
	stmt, full := p.prepared[query], len(p.prepared) >= maxStatements
	p.mu.Unlock()
	if stmt != nil || full {
		return stmt
	}
	stmt, err := p.PrepareContext(ctx, query) //nolint:sqlclosecheck // the database closes it
	if err != nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.prepared[query] == nil { // else it was prepared meanwhile, and the database closes this one
		p.prepared[query] = stmt
	}
	return p.prepared[query]
}

// txn is a transaction with prepared statements, and what it knows of the ledger by now: nobody else
// writes meanwhile.
type txn struct {
	tx         *sql.Tx
	statements *statements
	known      *known
}

// known is what a transaction has read or written.
type known struct {
	seqs    map[metering.CallID]int64 // of open calls; 0: it is not open
	nextSeq int64                     // of the next open call; 0: not known
	leaves  int64                     // in the ledger log; -1: not known
	hashes  map[int64]tlog.Hash
}

func newKnown() *known {
	return &known{seqs: map[metering.CallID]int64{}, leaves: -1, hashes: map[int64]tlog.Hash{}}
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
	if err := f(txn{tx, l.statements, newKnown()}); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
