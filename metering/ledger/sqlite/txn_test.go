package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// Whatever many goroutines change at once, statements are prepared once, and no transaction waits
// for one that waits for it.
func TestStatementsArePreparedOnce(t *testing.T) {
	opened, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	l := opened.(*store)
	var all sync.WaitGroup
	errs := make([]error, 8)
	for g := range errs {
		all.Go(func() {
			for i := range 20 {
				call := metering.CallID(fmt.Sprint(g, "-", i))
				errs[g] = errors.Join(errs[g], l.Commit(t.Context(), &ledger.Batch{
					Opened:   []ledger.OpenCall{{Call: call}},
					Evidence: []ledger.Evidence{{Call: call, Frame: []byte("1")}},
				}))
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	prepared := len(l.statements.prepared)
	if prepared == 0 || len(l.statements.wanted) != 0 {
		t.Errorf("%d are prepared, %d are wanted", prepared, len(l.statements.wanted))
	}
	b := ledger.Batch{Opened: []ledger.OpenCall{{Call: "last"}}}
	if err := l.Commit(t.Context(), &b); err != nil || len(l.statements.prepared) != prepared {
		t.Errorf("%d are prepared, %v; want %d", len(l.statements.prepared), err, prepared)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
