package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/risposta/gateway/metering/ledger"
	_ "github.com/risposta/gateway/metering/ledger/sqlite" // the store of a backup
)

// Backup implements ledger.Backup: it copies the log's ledger into an SQLite file, which the
// commands read, and `risposta ledger copy` brings back. The whole ledger of a cluster is more than
// one: it is backed up with the database's own tools, or node by node.
func (s *Store) Backup(ctx context.Context, into string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("backing up the ledger: %w", err)
		}
	}()
	if _, err := os.Lstat(into); err == nil {
		return fmt.Errorf("%s exists", into)
	}
	dir, err := os.MkdirTemp(filepath.Dir(into), ".backup-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	l, err := ledger.Open(ctx, filepath.Join(dir, "ledger.db"), ledger.Exclusive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	loader, ok := l.(ledger.Loader)
	if !ok {
		return errors.New("the store of a file cannot be filled")
	}
	if _, err := loader.Load(ctx, s.Dump); err != nil {
		return err
	}
	return l.Backup(ctx, into)
}
