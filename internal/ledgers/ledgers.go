// Package ledgers opens the ledger that a configuration names.
//
// In: the section of the configuration. Out: an open ledger, in a file or in PostgreSQL. It prints
// no connection string.
package ledgers

import (
	"context"
	"errors"
	"io/fs"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/metering/ledger"
	_ "github.com/risposta/gateway/metering/ledger/postgres" // the store of ledger.postgres
	_ "github.com/risposta/gateway/metering/ledger/sqlite"   // the store of ledger.file
)

// Open opens the ledger.
func Open(ctx context.Context, c config.Ledger, mode ledger.Mode) (ledger.Store, error) {
	return ledger.Open(ctx, place(c), mode)
}

func place(c config.Ledger) string {
	if c.File != "" {
		return c.File
	}
	return "postgres:" + c.Postgres.DSN.Reveal()
}

// IsNone reports whether an error of Open says that there is no ledger yet: no gateway has run.
func IsNone(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// Each calls f with the ledger of each log: of each node where it has several, else with itself.
// name is "" where it is no node's.
func Each(ctx context.Context, l ledger.Store, f func(name string, l ledger.Store) error) error {
	many, ok := l.(ledger.Logs)
	if !ok {
		return f("", l)
	}
	names, err := many.Logs(ctx)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return f("", l)
	}
	for _, name := range names {
		if err := f(name, many.Log(name)); err != nil {
			return err
		}
	}
	return nil
}
