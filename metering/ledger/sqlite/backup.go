package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Backup implements ledger.Backup: VACUUM INTO reads in one transaction of a reader's connection,
// and leaves erased bytes behind.
func (l *store) Backup(ctx context.Context, into string) error {
	into, err := filepath.Abs(into) // VACUUM would read "file:..." as a URL
	if err != nil {
		return fmt.Errorf("backing up the ledger: %w", err)
	}
	f, err := os.OpenFile(into, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // SQLite would make it 0644
	if err != nil {
		return fmt.Errorf("backing up the ledger into a new file: %w", err)
	}
	err = f.Close()
	if err == nil {
		_, err = l.read.ExecContext(ctx, `VACUUM INTO ?`, into)
	}
	if err == nil {
		err = syncFile(into)
	}
	if err == nil {
		err = syncFile(filepath.Dir(into)) // the name, too
	}
	if err != nil {
		return errors.Join(fmt.Errorf("backing up the ledger into %s: %w", into, err), os.Remove(into))
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
