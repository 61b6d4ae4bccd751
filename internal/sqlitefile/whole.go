package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/risposta/gateway/internal/fileowner"
)

// CreateWhole makes a new file with its schema and what fill writes into it: all of it, durably, or
// nothing, also where the disk is full or the machine crashes. It replaces no file.
func CreateWhole(
	ctx context.Context, path string, migrations fs.FS, fill func(*sql.DB) error,
) (err error) {
	folder, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+"-new-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if err := fileowner.AsFolder(folder); err != nil {
		return err
	}
	made := filepath.Join(folder, filepath.Base(path))
	db, err := Open(ctx, made, migrations, 1)
	if err != nil {
		return err
	}
	err = fill(db)
	if err == nil {
		err = intoOneFile(ctx, db)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := sync(made); err != nil {
		return err
	}
	if err := os.Link(made, path); err != nil { // unlike a renaming it replaces nothing
		return err
	}
	return sync(filepath.Dir(path))
}

// intoOneFile moves the write-ahead log into the file. Closing would do so, and report no failure.
func intoOneFile(ctx context.Context, db *sql.DB) error {
	done, err := cutLog(ctx, db)
	if err == nil && !done {
		err = errors.New("the write-ahead log of a new file is in use")
	}
	return err
}
