package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// CopyInto writes a consistent copy of an open file into a new one (mode 0600), while others write.
// VACUUM INTO reads in one transaction, and leaves erased bytes behind. When it returns nil the copy
// is durable. It fails where the file exists, and leaves none where it fails later.
func CopyInto(ctx context.Context, db *sql.DB, into string) error {
	into, err := filepath.Abs(into) // VACUUM would read "file:..." as a URL
	if err != nil {
		return err
	}
	f, err := os.OpenFile(into, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // SQLite would make it 0644
	if err != nil {
		return fmt.Errorf("copying into a new file: %w", err)
	}
	err = f.Close()
	if err == nil {
		_, err = db.ExecContext(ctx, `VACUUM INTO ?`, into)
	}
	if err == nil {
		err = sync(into)
	}
	if err == nil {
		err = sync(filepath.Dir(into)) // the name, too
	}
	if err != nil {
		return errors.Join(fmt.Errorf("copying into %s: %w", into, err), os.Remove(into))
	}
	return nil
}

func sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
