package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/risposta/gateway/metering/ledger"
)

// A ledger that was closed is one file: what was committed is not in a write-ahead log beside it.
func TestAClosedLedgerIsOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	for range 2 {
		l, err := ledger.Open(t.Context(), path, ledger.Exclusive)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Commit(t.Context(), &ledger.Batch{Node: "pbx", Checkpoint: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a write-ahead log is left: %v", err)
		}
	}
}
