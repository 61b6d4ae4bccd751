package sqlite

import (
	"context"
	"fmt"

	"github.com/risposta/gateway/internal/sqlitefile"
)

// Scrub implements ledger.Eraser: it cuts the write-ahead log.
func (l *store) Scrub(ctx context.Context) (done bool, err error) {
	if l.write == nil {
		return false, errReadOnly
	}
	if done, err = sqlitefile.Scrub(ctx, l.path); err != nil {
		return false, fmt.Errorf("scrubbing the ledger: %w", err)
	}
	return done, nil
}
