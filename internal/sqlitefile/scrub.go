package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
)

// Scrub takes what was deleted out of a file, which may be open elsewhere, and out of its write-ahead
// log. Deleted content is overwritten in the file (secure_delete); copies of it may be left in the
// gaps of pages, and older pages in the log until that is cut. It returns false where a reader or a
// writer keeps it from cutting the log; the caller tries again. A commit never waits for a reader, and
// for at most some pages of ours.
func Scrub(ctx context.Context, path string) (done bool, err error) {
	db, err := Connect(path, ReadWrite, 1)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if done, err = cutLog(ctx, db); err == nil && done {
		if err = zeroGaps(ctx, db); err == nil {
			done, err = cutLog(ctx, db)
		}
	}
	if err != nil {
		return false, fmt.Errorf("scrubbing %s: %w", path, err)
	}
	return done, nil
}

// CutLog moves the write-ahead log of a file, which may be open elsewhere, into the file and cuts it. It
// returns false where a reader or a writer keeps it from that, and waits for neither.
func CutLog(ctx context.Context, path string) (done bool, err error) {
	db, err := Connect(path, ReadWrite, 1)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if done, err = cutLog(ctx, db); err != nil {
		return false, fmt.Errorf("cutting the write-ahead log of %s: %w", path, err)
	}
	return done, nil
}

// cutLog moves the write-ahead log into the file and cuts it. A first checkpoint moves what it can
// beside the commits; the second finds little left to move. Neither waits: a checkpoint that waited for
// a reader would make commits wait, too.
func cutLog(ctx context.Context, db *sql.DB) (done bool, err error) {
	if err := setBusyTimeout(ctx, db, 0); err != nil {
		return false, err
	}
	for _, mode := range []string{"PASSIVE", "TRUNCATE"} {
		var busy, pages, moved int
		err := db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(`+mode+`)`).Scan(&busy, &pages, &moved)
		if err != nil {
			return false, err
		}
		done = busy == 0
	}
	return done, setBusyTimeout(ctx, db, busyTimeout.Milliseconds())
}

func setBusyTimeout(ctx context.Context, db *sql.DB, ms int64) error {
	_, err := db.ExecContext(ctx, fmt.Sprintf(`PRAGMA busy_timeout = %d`, ms))
	return err
}

// LogBytes is the size of a file's write-ahead log, 0 where there is none.
func LogBytes(path string) (int64, error) {
	info, err := os.Stat(path + "-wal")
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("measuring the write-ahead log: %w", err)
	}
	return info.Size(), nil
}
