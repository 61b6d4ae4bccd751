//go:build live

package postgres_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/integration/lab"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/ledgertest"
	_ "github.com/risposta/gateway/metering/ledger/postgres"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// server is the one of all tests that do not hurt it.
var server *lab.Postgres

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var err error
	if server, err = lab.StartPostgres(ctx, "fsync=on", "max_connections=300"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

var databases atomic.Int64

// newDatabase is the connection string of an empty database of the server.
func newDatabase(t testing.TB, on *lab.Postgres) string {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, on.DSN())
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprint("ledger_", databases.Add(1))
	_, err = conn.Exec(ctx, "CREATE DATABASE "+name)
	if err := conn.Close(ctx); err != nil {
		t.Error(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return on.DSN() + " dbname=" + name
}

func TestLiveLedger(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) ledgertest.Store {
		dsn := newDatabase(t, server)
		return ledgertest.Store{
			Open: func(mode ledger.Mode) (ledger.Store, error) {
				return ledger.Open(context.WithoutCancel(t.Context()), "postgres:"+dsn, mode)
			},
			Copy: func(file string) (ledger.Store, error) {
				return ledger.Open(context.WithoutCancel(t.Context()), file, ledger.ReadOnly)
			},
		}
	})
}
