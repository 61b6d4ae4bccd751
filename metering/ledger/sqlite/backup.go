package sqlite

import (
	"context"
	"fmt"

	"github.com/risposta/gateway/internal/sqlitefile"
)

// Backup implements ledger.Backup.
func (l *store) Backup(ctx context.Context, into string) error {
	if err := sqlitefile.CopyInto(ctx, l.read, into); err != nil {
		return fmt.Errorf("backing up the ledger: %w", err)
	}
	return nil
}
