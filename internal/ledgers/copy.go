package ledgers

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/metering/ledger"
)

// Copy copies the whole ledger of a file into an empty one in PostgreSQL, in one transaction, which
// reads everything back before it commits. Both are locked meanwhile: no gateway may run on either.
func Copy(
	ctx context.Context, file string, into config.LedgerPostgres,
) (sum ledger.Sum, err error) {
	if _, err := os.Stat(file); err != nil { // a gateway would make it
		return sum, fmt.Errorf("copying the ledger: %w", err)
	}
	from, err := ledger.Open(ctx, file, ledger.Exclusive)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := Open(ctx, config.Ledger{Postgres: into}, ledger.Exclusive)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	dumper, ok1 := from.(ledger.Dumper)
	loader, ok2 := to.(ledger.Loader)
	if !ok1 || !ok2 {
		return sum, fmt.Errorf("copying the ledger: the store of %s cannot be copied", file)
	}
	return load(ctx, from, dumper, loader)
}

// load fails where a command changes the ledger beside what copies it: the copy would lack that.
func load(
	ctx context.Context, from ledger.Feed, dumper ledger.Dumper, into ledger.Loader,
) (ledger.Sum, error) {
	return into.Load(ctx, func(ctx context.Context, f func(ledger.Entry) error) error {
		before, err := from.EndOfLog(ctx)
		if err == nil {
			err = dumper.Dump(ctx, f)
		}
		if err != nil {
			return err
		}
		after, err := from.EndOfLog(ctx)
		if err == nil && after != before {
			err = errors.New("the file was changed while it was copied, by a command such as `dispute " +
				"open`: nothing was copied; copy it again")
		}
		return err
	})
}
