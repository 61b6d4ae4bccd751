// Package sqlitefile opens SQLite files in the way that the ledger and the exemption register both
// need.
//
// In: a path, migrations. Out: a [sql.DB] whose commits are one fsync of the write-ahead log each
// (journal_mode=WAL, synchronous=FULL), whose transactions take the write lock as they begin, and
// which overwrites what it deletes. It knows no table.
package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/risposta/gateway/internal/fileowner"
)

// busyTimeout bounds how long a statement waits for the lock of another connection or process, such
// as a checkpoint or an import.
const busyTimeout = 5 * time.Second

// The more commits a checkpoint has, the fewer pages it writes for each: those that change with every
// commit are written once. The pages that one connection writes stay in its memory.
const (
	checkpointBytes = 8 << 20 // of the log
	writerCache     = 16 << 20
)

// pageBytes is the size of a page in a new file. A commit writes some hundred bytes into each of many
// pages, and all of each page: with SQLite's 4096 it writes more than twice as much.
const pageBytes = 1024

// Mode is what the connections may do.
type Mode string

// The modes. Both need a file that exists.
const (
	ReadOnly  Mode = "ro"
	ReadWrite Mode = "rw"
)

// Connect opens an existing file with at most so many connections; 0: no limit. It does not touch
// the file yet: a file that cannot be opened fails the first statement.
func Connect(path string, mode Mode, conns int) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	pragmas := []string{fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds())}
	q := url.Values{"mode": {string(mode)}}
	if mode == ReadWrite {
		pragmas = append(pragmas, fmt.Sprintf("page_size(%d)", pageBytes), "synchronous(FULL)", "foreign_keys(ON)",
			"secure_delete(ON)", fmt.Sprintf("wal_autocheckpoint(%d)", checkpointBytes/pageBytes),
			fmt.Sprintf("cache_size(-%d)", writerCache>>10))
		q.Set("_txlock", "immediate")
		q.Set("_journal_mode", "WAL") // behind the pragmas: it would make the file, whose pages it then has
	}
	q["_pragma"] = pragmas
	file := url.URL{Scheme: "file", Path: abs, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", file.String())
	if err == nil && conns > 0 {
		db.SetMaxOpenConns(conns)
		db.SetMaxIdleConns(conns)
	}
	return db, err
}

// Open opens a file for writing, makes it where there is none (mode 0600), and brings its schema up
// to date with the *.sql files in the folder "migrations" of migrations.
func Open(ctx context.Context, path string, migrations fs.FS, conns int) (*sql.DB, error) {
	if err := Create(path); err != nil {
		return nil, err
	}
	db, err := Connect(path, ReadWrite, conns)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, db, migrations); err != nil {
		return nil, errors.Join(fmt.Errorf("bringing the schema up to date: %w", err), db.Close())
	}
	return db, nil
}

// Create makes an empty file (mode 0600) where there is none. It opens none that is there: closing it
// would give up the locks that SQLite may have on it in this process (fcntl(2)).
func Create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // SQLite would make it 0644
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return err
	}
	// SQLite gives the files that it makes beside it to the owner of this one.
	return errors.Join(f.Close(), fileowner.AsFolder(path))
}

func migrate(ctx context.Context, db *sql.DB, migrations fs.FS) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, sub)
	if err != nil {
		return err
	}
	has, known, err := p.GetVersions(ctx)
	if err == nil {
		err = notNewer(has, known)
	}
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// CheckSchema refuses a file whose schema is not that of the migrations: what another release has made of
// it would be misread.
func CheckSchema(ctx context.Context, db *sql.DB, migrations fs.FS) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	var has, known int64
	for _, file := range files {
		n, err := goose.NumericComponent(file)
		if err != nil {
			return err
		}
		known = max(known, n)
	}
	err = db.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&has)
	if err != nil {
		return fmt.Errorf("reading the version of its schema: %w", err)
	}
	if has < known {
		return fmt.Errorf("its schema has version %d, and this release needs version %d: start the gateway "+
			"of this release first, which brings it up to date", has, known)
	}
	return notNewer(has, known)
}

func notNewer(has, known int64) error {
	if has <= known {
		return nil
	}
	return fmt.Errorf("its schema has version %d, and this release knows version %d: a newer release has "+
		"written it, install that one again", has, known)
}
