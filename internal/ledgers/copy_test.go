package ledgers

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering/ledger"
)

// changing changes the ledger that is copied while its first row is.
type changing struct {
	ledger.Loader
	change func() error
}

// Load implements ledger.Loader.
func (c *changing) Load(
	ctx context.Context, dump func(context.Context, func(ledger.Entry) error) error,
) (ledger.Sum, error) {
	return c.Loader.Load(ctx, func(ctx context.Context, f func(ledger.Entry) error) error {
		return dump(ctx, func(e ledger.Entry) error {
			if change := c.change; change != nil {
				c.change = nil
				if err := change(); err != nil {
					return err
				}
			}
			return f(e)
		})
	})
}

// What a command changes in a file while it is copied is not lost without a word: nothing is copied,
// and it can be copied again.
func TestAFileThatChangesWhileItIsCopied(t *testing.T) {
	open := func(name string) ledger.Store {
		l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), name), ledger.Exclusive)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		return l
	}
	from, to := open("from.db"), open("to.db")
	note := func() error { return from.NoteRegister(t.Context(), []byte("newer")) }
	if err := from.NoteRegister(t.Context(), []byte("older")); err != nil {
		t.Fatal(err)
	}
	dumper, into := from.(ledger.Dumper), &changing{to.(ledger.Loader), note}
	_, err := load(t.Context(), from, dumper, into)
	if err == nil || !strings.Contains(err.Error(), "was changed while it was copied") {
		t.Errorf("the copy: %v", err)
	}
	sum, err := load(t.Context(), from, dumper, into)
	if err != nil || sum.Rows["leaf"] != 2 {
		t.Errorf("again: %d leaves, %v", sum.Rows["leaf"], err)
	}
}
