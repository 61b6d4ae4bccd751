package registry

import (
	"context"
	"fmt"
	"os"

	"github.com/risposta/gateway/internal/sqlitefile"
)

// scrubbed is what had been deleted from a register when it was last scrubbed.
type scrubbed struct {
	file     os.FileInfo
	changes  int64 // entries of the log of changes, which other processes make, too
	erasures int64
}

// Scrub takes what was deleted out of the register's file and out of its write-ahead log, also where
// the register is refused. It does nothing where nothing was deleted since it was last done. It returns
// false where somebody who reads or writes keeps it from that; the caller tries again.
func (r *Registry) Scrub(ctx context.Context) (done bool, err error) {
	f, err := r.use(ctx)
	if err != nil {
		return false, err
	}
	state, _, err := f.state(ctx)
	if err != nil {
		return false, err
	}
	now := scrubbed{f.info, state.Changes, r.erasures.Load()}
	r.mu.Lock()
	last := r.scrubbed
	r.mu.Unlock()
	if last != nil && os.SameFile(last.file, now.file) && last.changes == now.changes &&
		last.erasures == now.erasures {
		return true, nil
	}
	if done, err = sqlitefile.Scrub(ctx, r.conf.Path); err != nil {
		return false, fmt.Errorf("taking deleted bytes out of the exemption register: %w", err)
	}
	if done {
		r.mu.Lock()
		r.scrubbed = &now
		r.mu.Unlock()
	}
	return done, nil
}

// scrubAfter scrubs after a deletion that is committed. A reader may keep it from that: a gateway that
// runs beside it tries again, or else the next one.
func (r *Registry) scrubAfter(ctx context.Context) error {
	if _, err := r.Scrub(ctx); err != nil {
		return fmt.Errorf("the deletion is done, and copies may be left in the file: %w", err)
	}
	return nil
}
