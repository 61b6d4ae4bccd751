// Package sqlite keeps the ledger in one SQLite file (modernc.org/sqlite: no C compiler needed).
//
// Durability: journal_mode=WAL and synchronous=FULL, so each commit is one fsync of the write-ahead log, and a batch is on disk when
// Commit returns. One process writes, held to that by a lock on FILE.lock; any number may read meanwhile. The file must never be
// restored from a copy while a gateway has written past it: records would be announced twice under other contents.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/risposta/gateway/internal/sqlitefile"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrLocked says that another gateway writes this ledger.
var ErrLocked = errors.New("another gateway is writing this ledger")

// Ledger is an open file. A Ledger from OpenReader only reads.
type Ledger struct {
	db   *sql.DB
	lock *os.File
}

var (
	_ ledger.Writer = (*Ledger)(nil)
	_ ledger.Reader = (*Ledger)(nil)
)

// Open opens the ledger for writing, makes it where there is none (mode 0600), and brings its schema up to date.
// It fails with ErrLocked while another gateway has it.
func Open(ctx context.Context, path string) (*Ledger, error) {
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	l := &Ledger{lock: lock}
	if err := l.open(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the ledger %s: %w", path, err), l.Close())
	}
	return l, nil
}

func (l *Ledger) open(ctx context.Context, path string) (err error) {
	if l.db, err = sqlitefile.Open(ctx, path, migrations, 1); err != nil { // one writer
		return err
	}
	return l.backfill(ctx)
}

// OpenReader opens an existing ledger for reading only.
func OpenReader(ctx context.Context, path string) (*Ledger, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("opening the ledger: %w (a gateway makes it when it first runs)", err)
	}
	db, err := sqlitefile.Connect(path, sqlitefile.ReadOnly, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the ledger %s: %w", path, err)
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the ledger %s: %w", path, err), db.Close())
	}
	return &Ledger{db: db}, nil
}

func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the ledger: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
	}
	return f, nil
}

// Close gives the file back. What was committed stays.
func (l *Ledger) Close() error {
	var errs []error
	if l.db != nil {
		errs = append(errs, l.db.Close())
	}
	if l.lock != nil {
		errs = append(errs, l.lock.Close())
	}
	return errors.Join(errs...)
}

func millis(t time.Time) int64 { return t.UnixMilli() }

func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// OpenCalls implements ledger.Writer.
func (l *Ledger) OpenCalls(ctx context.Context, node string) (calls []ledger.OpenCall, err error) {
	rows, err := l.db.QueryContext(ctx, `SELECT call, node, service, arrived_at, sealed FROM open_call WHERE ? IN (node, '') ORDER BY seq`, node)
	if err != nil {
		return nil, fmt.Errorf("reading the open calls of node %s: %w", node, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c ledger.OpenCall
		var at int64
		if err := rows.Scan(&c.Call, &c.Node, &c.Service, &at, &c.EncryptedCaller); err != nil {
			return nil, fmt.Errorf("reading the open calls of node %s: %w", node, err)
		}
		c.ArrivedAt = instant(at)
		calls = append(calls, c)
	}
	return calls, rows.Err()
}

// Sure implements ledger.Writer.
func (l *Ledger) Watermark(ctx context.Context, node string) (time.Time, error) {
	var at int64
	err := l.db.QueryRowContext(ctx, `SELECT sure_at FROM node WHERE node = ?`, node).Scan(&at)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, fmt.Errorf("reading how far node %s was seen: %w", node, err)
	}
	return instant(at), nil
}

// Checkpoint implements ledger.Writer.
func (l *Ledger) Checkpoint(ctx context.Context, node string) (checkpoint []byte, err error) {
	err = l.db.QueryRowContext(ctx, `SELECT checkpoint FROM node WHERE node = ?`, node).Scan(&checkpoint)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("reading the checkpoint of node %s: %w", node, err)
	}
	return checkpoint, nil
}

// Evidence implements ledger.Reader.
func (l *Ledger) Evidence(ctx context.Context, call metering.CallID) (frames [][]byte, err error) {
	rows, err := l.db.QueryContext(ctx, `SELECT frame FROM evidence WHERE call = ? ORDER BY seq`, string(call))
	if err != nil {
		return nil, fmt.Errorf("reading the evidence of call %s: %w", call, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var frame []byte
		if err := rows.Scan(&frame); err != nil {
			return nil, fmt.Errorf("reading the evidence of call %s: %w", call, err)
		}
		frames = append(frames, frame)
	}
	return frames, rows.Err()
}

// Records implements ledger.Reader.
func (l *Ledger) Records(ctx context.Context, q ledger.Query, f func([]byte) error) (err error) {
	since, until := int64(-1<<62), int64(1<<62)
	if !q.Since.IsZero() {
		since = millis(q.Since)
	}
	if !q.Until.IsZero() {
		until = millis(q.Until)
	}
	rows, err := l.db.QueryContext(ctx, `
		SELECT json FROM record
		WHERE arrived_at >= ? AND arrived_at < ? AND (? = '' OR service = ?)
		AND NOT EXISTS (SELECT 1 FROM record newer WHERE newer.call = record.call AND newer.version > record.version)
		ORDER BY arrived_at, seq`, since, until, q.Service, q.Service)
	if err != nil {
		return fmt.Errorf("reading the records: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var rec []byte
		if err := rows.Scan(&rec); err != nil {
			return fmt.Errorf("reading the records: %w", err)
		}
		if err := f(rec); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Record implements ledger.Reader.
func (l *Ledger) Record(ctx context.Context, call metering.CallID) ([]byte, error) {
	var rec []byte
	err := l.db.QueryRowContext(ctx, `SELECT json FROM record WHERE call = ? ORDER BY version DESC LIMIT 1`, string(call)).Scan(&rec)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("call %s: %w", call, ledger.ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("reading the record of call %s: %w", call, err)
	}
	return rec, nil
}
