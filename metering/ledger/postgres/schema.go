package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var embedded embed.FS

// migrations are those of this release.
var migrations fs.FS = embedded

// knownVersion is the version of the schema that this release makes.
func knownVersion() (version int64, err error) {
	err = fs.WalkDir(migrations, "migrations", func(path string, f fs.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		n, err := goose.NumericComponent(path)
		version = max(version, n)
		return err
	})
	return version, err
}

// schemaVersion is the version of the schema that is there; 0: there is none yet.
func schemaVersion(ctx context.Context, q queries) (version int64, err error) {
	err = q.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&version)
	return version, hide(err)
}

// checkNotNewer refuses a schema that a newer release has made: what this one would write there, the
// newer one may read otherwise.
func checkNotNewer(has int64) error {
	known, err := knownVersion()
	if err == nil && has > known {
		err = fmt.Errorf("its schema has version %d, and this release knows version %d: install the "+
			"newer release here, too", has, known)
	}
	return err
}

// exists fails where no gateway has made the ledger, or one of another release.
func exists(ctx context.Context, db *pgxpool.Pool) error {
	var there bool
	err := db.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, schema+".dead_letter").Scan(&there)
	if err == nil && !there {
		err = fmt.Errorf("it has no ledger (a gateway makes it when it first runs): %w", fs.ErrNotExist)
	}
	if err != nil {
		return hide(err)
	}
	has, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	known, err := knownVersion()
	if err == nil && has < known {
		return fmt.Errorf("its schema has version %d, and this release needs %d: start a meter or the "+
			"gateway of this release first, which brings it up to date", has, known)
	}
	return errors.Join(err, checkNotNewer(has))
}

// migrate makes the schema, or brings it up to date. Only one process at a time does, and none beside
// meters or a gateway that go on with the former one. locked: this process is the one gateway.
func migrate(ctx context.Context, conf *pgxpool.Config, locked bool) (err error) {
	db := stdlib.OpenDB(*conf.ConnConfig, stdlib.OptionAfterConnect(checkServer))
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, `DO $$ BEGIN
		IF NOT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = '`+schema+`') THEN
			CREATE SCHEMA `+schema+`;
		END IF;
	EXCEPTION WHEN duplicate_schema OR unique_violation THEN -- another process was first
	END $$`)
	if err != nil {
		return fmt.Errorf("making the schema %s: %w", schema, hide(err))
	}
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, sub, goose.WithSessionLocker(locker))
	if err == nil {
		err = bring(ctx, p, db, conf, locked)
	}
	if err != nil {
		return fmt.Errorf("bringing the schema up to date: %w", hide(err))
	}
	return nil
}

func bring(
	ctx context.Context, p *goose.Provider, db *sql.DB, conf *pgxpool.Config, locked bool,
) error {
	has, known, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if has == 0 || has >= known {
		if err := checkNotNewer(has); err != nil {
			return err
		}
		_, err = p.Up(ctx)
		return err
	}
	if !locked {
		l, err := lockGateway(ctx, conf)
		if err != nil {
			return err
		}
		defer func() { _ = l.release() }() // its session ends with it
	}
	var alive string
	err = db.QueryRowContext(ctx, `
		SELECT coalesce(string_agg(meter, ', ' ORDER BY meter), '') FROM meter
		WHERE expires_at > clock_timestamp()`).Scan(&alive)
	if err == nil && alive != "" {
		err = fmt.Errorf("the schema has version %d, and this release has %d: stop the meters first: %s",
			has, known, alive)
	}
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return err
	}
	// Whoever is not alive may come back. No lease of the former release is good any more.
	_, err = db.ExecContext(ctx, `
		UPDATE node SET epoch = epoch + 1, meter = NULL, expires_at = NULL`)
	return err
}
