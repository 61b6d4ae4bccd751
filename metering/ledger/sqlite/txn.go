package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/metering"
)

// maxStatements bounds those that are prepared. The package has fewer: their texts are constants.
const maxStatements = 100

// writer is the one connection that writes, and its statements, each prepared at its first use: SQLite
// takes longer to read most of them than to execute them. It begins and ends transactions itself: those
// of package sql wake a goroutine for each and for each query, which costs a small commit more than what
// it writes.
type writer struct {
	db       *sql.DB
	free     chan struct{} // holds a token while there is no transaction
	conn     *sql.Conn     // nil before the first transaction, and after one that could not be ended
	prepared map[string]*sql.Stmt
}

func newWriter(db *sql.DB) *writer {
	w := &writer{db: db, free: make(chan struct{}, 1)}
	w.free <- struct{}{}
	return w
}

// close gives the connection back, once no transaction is under way.
func (w *writer) close() error {
	<-w.free
	var err error
	if w.conn != nil {
		err = errors.Join(w.closeStatements(), w.conn.Close())
	}
	return errors.Join(err, w.db.Close())
}

// closeStatements closes what package sql does not close with a connection. SQLite would keep the
// connection, with its lock, until its last statement is closed.
func (w *writer) closeStatements() (err error) {
	for _, stmt := range w.prepared {
		err = errors.Join(err, stmt.Close())
	}
	w.prepared = nil
	return err
}

// transact runs f in one transaction.
func (w *writer) transact(ctx context.Context, f func(txn) error) (err error) {
	select {
	case <-w.free:
		defer func() { w.free <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if w.conn == nil {
		if w.conn, err = w.db.Conn(ctx); err != nil {
			return fmt.Errorf("opening the connection that writes: %w", err)
		}
		w.prepared = map[string]*sql.Stmt{}
	}
	tx := txn{w, newKnown()}
	if _, err := tx.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		w.drop() // it may be broken
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	err = errors.Join(f(tx), ctx.Err())
	ctx = context.WithoutCancel(ctx)
	if err == nil {
		_, err = tx.ExecContext(ctx, `COMMIT`)
	}
	if err != nil {
		if _, bad := tx.ExecContext(ctx, `ROLLBACK`); bad != nil {
			w.drop() // SQLite has rolled it back, or does so now
		}
	}
	return err
}

// drop closes the connection. What was not committed is rolled back. The driver never reports a
// connection bad while it is used, so its statements are still there.
func (w *writer) drop() {
	// What closing says is of no use: the transaction has failed already.
	_ = w.closeStatements()
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = w.conn.Close()
	w.conn = nil
}

// of is the prepared statement of a query, nil where it cannot be prepared: executing it tells why.
func (w *writer) of(ctx context.Context, query string) *sql.Stmt {
	stmt := w.prepared[query]
	if stmt != nil || len(w.prepared) >= maxStatements {
		return stmt
	}
	stmt, err := w.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil
	}
	w.prepared[query] = stmt
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

// txn is a transaction, and what it knows of the ledger by now: nobody else writes meanwhile.
type txn struct {
	w     *writer
	known *known
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
	if stmt := t.w.of(ctx, query); stmt != nil { //nolint:sqlclosecheck // closeStatements does
		return stmt.ExecContext(ctx, args...)
	}
	return t.w.conn.ExecContext(ctx, query, args...)
}

// QueryContext is that of sql.Tx.
func (t txn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := t.w.of(ctx, query); stmt != nil { //nolint:sqlclosecheck // closeStatements does
		return stmt.QueryContext(ctx, args...)
	}
	return t.w.conn.QueryContext(ctx, query, args...)
}

// QueryRowContext is that of sql.Tx.
func (t txn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := t.w.of(ctx, query); stmt != nil { //nolint:sqlclosecheck // closeStatements does
		return stmt.QueryRowContext(ctx, args...)
	}
	return t.w.conn.QueryRowContext(ctx, query, args...)
}

// change runs f in one transaction. Transactions follow each other: there is one connection.
func (l *store) change(ctx context.Context, f func(txn) error) error {
	if l.write == nil {
		return errReadOnly
	}
	return l.write.transact(ctx, f)
}
