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

// Log is the ledger of one log. Node is whose it is, "" where it is no node's alone.
type Log struct {
	ledger.Store
	Node string
}

// Logs are the logs of a ledger: of each node where it has several, else the ledger itself.
func Logs(ctx context.Context, l ledger.Store) ([]Log, error) {
	many, ok := l.(ledger.Logs)
	if !ok {
		return []Log{{Store: l}}, nil
	}
	names, err := many.Logs(ctx)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return []Log{{Store: l}}, nil
	}
	var logs []Log
	for _, name := range names {
		logs = append(logs, Log{many.Log(name), name})
	}
	return logs, nil
}
