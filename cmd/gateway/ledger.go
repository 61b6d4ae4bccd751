package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/ledgers"
	"github.com/risposta/gateway/metering/ledger"
)

type ledgerCommand struct {
	Copy ledgerCopy `cmd:"" help:"Move the ledger of a file into PostgreSQL."`
}

type ledgerCopy struct {
	keyFlag
	From string `help:"The ledger's file, on which no gateway runs." type:"path" required:"" placeholder:"FILE"`
	To   string `help:"The file of the connection string, as dsn_file." type:"path" required:"" placeholder:"FILE"`
}

// Help says what is left to do.
func (ledgerCopy) Help() string {
	return "All of it is copied or nothing, into a PostgreSQL that has no ledger yet. The file " +
		"stays as it is. Then set ledger.postgres.dsn_file and ledger.key_file in place of ledger.file."
}

// Run copies, and verifies the copy as `verify` does.
func (c ledgerCopy) Run(ctx context.Context, io streams) (err error) {
	keys, err := c.verifiers(readFlags{Ledger: c.From}, io)
	if err != nil {
		return err
	}
	dsn, err := os.ReadFile(c.To)
	if err != nil {
		return usage{fmt.Errorf("--to: %w", err)}
	}
	into := config.LedgerPostgres{DSN: config.NewSecret(strings.TrimSpace(string(dsn)))}
	sum, err := ledgers.Copy(ctx, c.From, into)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.stdout, "copied, and read back the same: %d records, %d leaves, %d signed heads, "+
		"%d open calls, %d disputes, %d cursors of deliveries (SHA-256 %x)\n", sum.Rows["record"],
		sum.Rows["leaf"], sum.Rows["head"], sum.Rows["open_call"], sum.Rows["dispute"],
		sum.Rows["delivery"], sum.Hash)
	l, err := ledgers.Open(ctx, config.Ledger{Postgres: into}, ledger.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	report, err := audit.Verify(ctx, l, audit.Options{Keys: keys})
	if err != nil {
		return err
	}
	printReport(io, report)
	fmt.Fprint(io.stdout, withoutHead)
	if n := len(report.Problems); n > 0 {
		return fmt.Errorf("%w: %s, in the copy as in the file", errVerify, problemsFound(n))
	}
	return nil
}
