package registry

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/risposta/gateway/internal/sqlitefile"
)

//go:embed migrations/*.sql
var migrations embed.FS

// maxConns bounds the connections, so that lookups run side by side.
const maxConns = 4

// file is an open register file.
type file struct {
	conf    Config
	info    os.FileInfo
	db      *sql.DB
	lookup  *sql.Stmt
	refused error // why it cannot answer no; wraps ErrRefused
}

// Create makes a new, empty register, whole or not at all. It fails where there is a file.
func Create(ctx context.Context, conf Config, by Author) error {
	if _, err := os.Stat(conf.Path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("making the exemption register %s: there is a file", conf.Path), err)
	}
	err := sqlitefile.CreateWhole(ctx, conf.Path, migrations, func(db *sql.DB) error {
		f := &file{conf: conf, db: db}
		return f.inTransaction(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO register (one, id, country_code) VALUES (1, ?, ?)`,
				strings.ToLower(rand.Text()), conf.CountryCode)
			if err != nil {
				return err
			}
			return enter(ctx, tx, by, Entry{What: "created"})
		})
	})
	if err != nil {
		return fmt.Errorf("making the exemption register %s: %w", conf.Path, err)
	}
	return nil
}

func openFile(ctx context.Context, conf Config, info os.FileInfo) (f *file, err error) {
	f = &file{conf: conf, info: info}
	if f.db, err = sqlitefile.Connect(conf.Path, sqlitefile.ReadWrite, maxConns); err != nil {
		return nil, err
	}
	query := lookupQuery(len(conf.Pseudonyms.KeyIDs()))
	if f.lookup, err = f.db.PrepareContext(ctx, query); err == nil {
		err = f.judge(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// judge finds out whether the register is the one that is known.
func (f *file) judge(ctx context.Context) error {
	state, country, err := f.state(ctx)
	if err != nil {
		return err
	}
	refuse := func(format string, args ...any) {
		f.refused = fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
	}
	known := State{}
	if f.conf.Known != nil {
		if known, err = f.conf.Known(ctx); err != nil {
			return fmt.Errorf("reading what the ledger knows of it: %w", err)
		}
	}
	if known.Changes > 0 {
		head, err := headOf(ctx, f.db, known.Changes)
		switch {
		case err != nil:
			return err
		case known.ID != state.ID:
			refuse("it is another one than the ledger knows: put that one back; " +
				"`risposta exempt init` accepts this one")
			return nil
		case head != known.Head:
			refuse("the ledger knows a later state of it: put that one back; " +
				"`risposta exempt init` accepts this one")
			return nil
		}
	}
	if country != f.conf.CountryCode {
		refuse("it was made under callers.country_code %q, which is now %q: set it back, or let "+
			"`risposta exempt init` accept the present one", country, f.conf.CountryCode)
		return nil
	}
	lost, err := f.underOtherKeys(ctx)
	if err == nil && lost > 0 {
		refuse("%d entitlements are under keys that callers.key_file does not have: put those keys "+
			"back, behind the present one", lost)
	}
	return err
}

// underOtherKeys counts the entitlements that no key of the file finds.
func (f *file) underOtherKeys(ctx context.Context) (n int64, err error) {
	ids := f.conf.Pseudonyms.KeyIDs()
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	in := "(?" + strings.Repeat(", ?", len(ids)-1) + ")"
	err = f.db.QueryRowContext(ctx, `SELECT count(*) FROM known_key WHERE id NOT IN `+in,
		args...).Scan(&n)
	if err != nil || n == 0 { // all keys that it knows are there: there is no need to count
		return 0, err
	}
	err = f.db.QueryRowContext(ctx, `SELECT count(*) FROM entitlement e WHERE NOT EXISTS
		(SELECT 1 FROM alias a WHERE a.entitlement = e.id AND a.key IN `+in+`)`, args...).Scan(&n)
	return n, err
}

func (f *file) close() error {
	var errs []error
	if f.lookup != nil {
		errs = append(errs, f.lookup.Close())
	}
	return errors.Join(append(errs, f.db.Close())...)
}

func (f *file) inTransaction(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// aliasTimeout bounds how long a lookup waits to write an alias: an import may hold the file.
const aliasTimeout = 50 * time.Millisecond

// addAlias makes an entitlement that was found under a former key known under the present one. So
// former keys fall out of use as callers call.
func (f *file) addAlias(ctx context.Context, entitlement int64, name, key string) {
	ctx, cancel := context.WithTimeout(ctx, aliasTimeout)
	defer cancel()
	err := f.inTransaction(ctx, func(tx *sql.Tx) error {
		if err := knowKeys(ctx, tx, key); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx,
			`INSERT OR IGNORE INTO alias (name, entitlement, key) VALUES (?, ?, ?)`,
			name, entitlement, key)
		return err
	})
	_ = err // the answer is the same without the alias, and the next call tries again
}

func knowKeys(ctx context.Context, tx *sql.Tx, ids ...string) error {
	for _, id := range ids {
		_, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO known_key (id) VALUES (?)`, id)
		if err != nil {
			return err
		}
	}
	return nil
}
