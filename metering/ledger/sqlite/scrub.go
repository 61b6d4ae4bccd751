package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/risposta/gateway/internal/sqlitefile"
)

// Scrub implements ledger.Eraser. Deleted content is overwritten in the file (secure_delete), but
// older pages stay in the write-ahead log until it is cut. A first checkpoint moves what it can
// beside the commits; the second finds little left to move, and cuts the log.
func (l *store) Scrub(ctx context.Context) (done bool, err error) {
	if l.write == nil {
		return false, errReadOnly
	}
	db, err := sqlitefile.Connect(l.path, sqlitefile.ReadWrite, 1)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// A checkpoint that waited for a reader would make commits wait, too.
	if _, err := db.ExecContext(ctx, `PRAGMA busy_timeout = 0`); err != nil {
		return false, fmt.Errorf("scrubbing the ledger: %w", err)
	}
	for _, mode := range []string{"PASSIVE", "TRUNCATE"} {
		var busy, pages, moved int
		err := db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(`+mode+`)`).Scan(&busy, &pages, &moved)
		if err != nil {
			return false, fmt.Errorf("scrubbing the ledger: %w", err)
		}
		done = busy == 0
	}
	return done, nil
}
