package sqlite

import (
	"context"
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
	prepared := len(l.write.prepared)
	b := ledger.Batch{Opened: []ledger.OpenCall{{Call: "last"}}}
	if err := l.Commit(t.Context(), &b); err != nil || prepared == 0 || len(l.write.prepared) != prepared {
		t.Errorf("%d are prepared, %v; want %d", len(l.write.prepared), err, prepared)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// However a transaction fails, it keeps nothing, and the next one works.
func TestATransactionThatFailsKeepsNothing(t *testing.T) {
	opened, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	l := opened.(*store)
	commit := func(ctx context.Context, call metering.CallID) error {
		return l.Commit(ctx, &ledger.Batch{Opened: []ledger.OpenCall{{Call: call}}})
	}
	insert := func(ctx context.Context, tx txn) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO erased (one, before) VALUES (1, 7)`)
		return err
	}
	wrong := errors.New("wrong")
	for name, fail := range map[string]func() error{
		"its function fails": func() error {
			return l.change(t.Context(), func(tx txn) error { return errors.Join(insert(t.Context(), tx), wrong) })
		},
		"its context ends": func() error {
			ctx, cancel := context.WithCancel(t.Context())
			return l.change(ctx, func(tx txn) error {
				err := insert(ctx, tx)
				cancel()
				return err
			})
		},
		"SQLite has rolled it back": func() error {
			return l.change(t.Context(), func(tx txn) error {
				_, err := tx.ExecContext(t.Context(), `ROLLBACK`)
				return errors.Join(err, wrong)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := fail(); err == nil {
				t.Error("no error")
			}
			if err := commit(t.Context(), metering.CallID(name)); err != nil {
				t.Fatalf("the next one: %v", err)
			}
			var kept int
			err := l.read.QueryRow(`SELECT count(*) FROM erased`).Scan(&kept)
			if err != nil || kept != 0 {
				t.Errorf("%d rows are kept, %v", kept, err)
			}
		})
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
