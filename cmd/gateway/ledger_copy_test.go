//go:build live

package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/metering/ledger"
)

// copyTarget is a database that ledgers are copied into, one after the other.
type copyTarget struct {
	t    *testing.T
	home home
	conn *pgx.Conn
}

func newCopyTarget(t *testing.T) copyTarget {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	c := copyTarget{t: t, home: newHome(t, testKey)}
	dsn := startPostgres(t).DSN()
	inPostgres(t, c.home, dsn)
	conn, err := pgx.Connect(ctx, dsn+" search_path=risposta")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	c.conn = conn
	return c
}

func (c copyTarget) exec(statement string) {
	c.t.Helper()
	if _, err := c.conn.PgConn().Exec(c.t.Context(), statement).ReadAll(); err != nil {
		c.t.Fatalf("%s: %v", statement, err)
	}
}

// empty makes the database as one that has no ledger.
func (c copyTarget) empty() {
	c.t.Helper()
	c.exec(`DROP SCHEMA IF EXISTS risposta CASCADE`)
}

func (c copyTarget) copy(t *testing.T, file string) (out string, code int) {
	t.Helper()
	return cli(t, "ledger", "copy", "--from", file, "--to", c.home.path("dsn"))
}

// verify verifies what is in the database, with the key of the file.
func (c copyTarget) verify(file string, args ...string) (out string, code int) {
	c.t.Helper()
	return cli(c.t, append([]string{
		"verify", "--config", c.home.path("gw.yaml"), "--key", file + ".key.pub",
	}, args...)...)
}

// copiedForgeries are one for each way in which the two stores keep the same.
var copiedForgeries = []string{
	"a column says that the detail is erased", "a leaf is removed", "counts are changed",
	"evidence is damaged", "the ledger is put back to an older state",
	"the register's state is changed",
}

func forgeryNamed(t *testing.T, name string) forgery {
	t.Helper()
	for _, forgeries := range []map[string]forgery{recordForgeries, logForgeries, countForgeries} {
		if c, ok := forgeries[name]; ok {
			return c
		}
	}
	t.Fatalf("there is no forgery %q", name)
	return forgery{}
}

// No forgery of a file passes for whole in the copy: copying names it.
func TestLiveACopyHidesNoForgery(t *testing.T) {
	t.Parallel()
	target := newCopyTarget(t)
	for _, name := range copiedForgeries {
		c := forgeryNamed(t, name)
		t.Run(name, func(t *testing.T) {
			path, head := signedLedger(t)
			disputeAndRegister(t, path)
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			c.forge(forger{t, db})
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			target.empty()
			out, code := target.copy(t, path)
			if c.alone && (code != exitFailed || !strings.Contains(out, c.want)) {
				t.Errorf("exit %d, want %q:\n%s", code, c.want, out)
			}
			if c.alone {
				return
			}
			if code != 0 || !strings.Contains(out, "NO HEAD FROM OUTSIDE WAS GIVEN") {
				t.Errorf("nobody is told to compare the copy with a head: exit %d\n%s", code, out)
			}
			if out, code := target.verify(path, "--head", head); !strings.Contains(out, c.want) {
				t.Errorf("with a head: exit %d, want %q:\n%s", code, c.want, out)
			}
		})
	}
}

// A copy that is interrupted half way leaves nothing that passes for a ledger, and is made again.
func TestLiveAnInterruptedCopyLeavesNothing(t *testing.T) {
	t.Parallel()
	target := newCopyTarget(t)
	path, head := signedLedger(t)
	for _, c := range []struct {
		what, table string // of the first row of which
		interrupt   func(context.CancelFunc) error
	}{
		{"the file ends", "leaf", func(context.CancelFunc) error { return errors.New("the file ends") }},
		{"the process is told to end", "head", func(cancel context.CancelFunc) error {
			cancel()
			return nil
		}},
		{"the connection is cut", "leaf_hash", func(context.CancelFunc) error {
			target.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND application_name = 'risposta'`)
			return nil
		}},
	} {
		if err := copyUntil(t, path, target.home, c.table, c.interrupt); err == nil {
			t.Errorf("%s: the copy succeeds", c.what)
		}
		if out, code := target.verify(path); code != exitFailed || !strings.Contains(out, "0 records") {
			t.Errorf("%s: exit %d: %s", c.what, code, out)
		}
	}
	if out, code := target.copy(t, path); code != 0 {
		t.Fatalf("again: exit %d: %s", code, out)
	}
	if out, code := target.verify(path, "--head", head); code != 0 {
		t.Errorf("after it was made again: exit %d: %s", code, out)
	}
	if out, code := target.copy(t, path); code == 0 || !strings.Contains(out, ledger.ErrNotEmpty.Error()) {
		t.Errorf("a second time: exit %d: %s", code, out)
	}
}

// copyUntil copies a file until the first row of a table, and is then interrupted.
func copyUntil(
	t *testing.T, file string, into home, table string, interrupt func(context.CancelFunc) error,
) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	from, err := ledger.Open(ctx, file, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(into.dir, "gw.yaml")
	to, err := readFlags{configFlag: configFlag{Config: conf}}.openLedger(ctx, streams{}, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	done := false
	_, err = to.(ledger.Loader).Load(ctx, func(ctx context.Context, f func(ledger.Entry) error) error {
		return from.(ledger.Dumper).Dump(ctx, func(e ledger.Entry) error {
			if e.Table == table && !done {
				done = true
				if err := interrupt(cancel); err != nil {
					return err
				}
			}
			return f(e)
		})
	})
	if !done {
		t.Errorf("there is no row of %s", table)
	}
	if cerr := from.Close(); cerr != nil {
		t.Error(cerr)
	}
	_ = to.Close() // its connection may be cut
	return err
}
