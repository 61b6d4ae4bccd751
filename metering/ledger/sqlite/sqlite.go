// Package sqlite keeps the ledger in one SQLite file (modernc.org/sqlite: no C compiler needed).
//
// Durability: journal_mode=WAL and synchronous=FULL, so each commit is one fsync of the write-ahead
// log, and a batch is on disk when Commit returns. One connection writes, which serialises all
// changes of a process; readers have connections of their own, and a long read delays no commit.
// One gateway at a time, held to that by a lock on the file; other processes may read and make
// short changes meanwhile. Never restore the file from a copy that is older than what a gateway has
// written: records would be reported twice with different contents.
//
// The package registers itself as the store "sqlite" of [ledger.Open].
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/risposta/gateway/internal/sqlitefile"
	"github.com/risposta/gateway/metering/ledger"
)

//go:embed migrations/*.sql
var migrations embed.FS

func init() {
	ledger.Register("sqlite", open)
}

// store is an open file.
type store struct {
	reads
	read   *sql.DB // that of reads
	write  *writer // nil when opened for reading only
	recent recent
	lock   *fileLock // nil unless opened exclusively
	path   string
}

var _ ledger.Store = (*store)(nil)

// maxReaders bounds the connections of one process that read.
const maxReaders = 8

func open(ctx context.Context, path string, mode ledger.Mode) (ledger.Store, error) {
	l := &store{path: path}
	if err := l.open(ctx, path, mode); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the ledger %s: %w", path, err), l.Close())
	}
	return l, nil
}

func (l *store) open(ctx context.Context, path string, mode ledger.Mode) (err error) {
	var db *sql.DB // that writes
	if mode == ledger.Exclusive {
		if l.lock, err = lockFile(path); err != nil {
			return err
		}
		db, err = sqlitefile.Open(ctx, path, migrations, 1)
	} else {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("%w (a gateway makes it when it first runs)", err)
		}
		if mode == ledger.ReadWrite {
			db, err = sqlitefile.Connect(path, sqlitefile.ReadWrite, 1)
		}
	}
	if err != nil {
		return err
	}
	if db != nil {
		l.write = newWriter(db)
	}
	if l.read, err = sqlitefile.Connect(path, sqlitefile.ReadOnly, maxReaders); err != nil {
		return err
	}
	l.reads = reads{&preparedQueries{DB: l.read, prepared: map[string]*sql.Stmt{}}}
	if err := l.read.PingContext(ctx); err != nil {
		return err
	}
	return sqlitefile.CheckSchema(ctx, l.read, migrations)
}

// Close implements ledger.Store.
func (l *store) Close() error {
	var errs []error
	if l.read != nil {
		errs = append(errs, l.read.Close())
	}
	if l.write != nil {
		errs = append(errs, l.write.close())
	}
	if l.lock != nil {
		errs = append(errs, l.lock.unlock())
	}
	return errors.Join(errs...)
}

var errReadOnly = errors.New("the ledger was opened for reading only")

func millis(t time.Time) int64 { return t.UnixMilli() }

func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
