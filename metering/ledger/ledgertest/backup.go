package ledgertest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// backupTests hold the contract of ledger.Backup.
var backupTests = map[string]func(*testing.T, Store){
	"A backup is a whole ledger, and replaces no file": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a", "b")...)
		file := filepath.Join(t.TempDir(), "copy")
		if err := l.Backup(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		commit(t, l, ended("later")...)
		copied := s.copied(t, file)
		wantEvidence(t, copied, "a", "1", "2")
		if got := newest(t, copied, ledger.Query{}); len(got) != 2 {
			t.Errorf("the copy holds %q", got)
		}
		if leaves := wantWholeLog(t, copied); len(leaves) != 2 {
			t.Errorf("the copy has %d leaves, want 2", len(leaves))
		}
		if err := l.Backup(t.Context(), file); err == nil {
			t.Error("a backup replaced a file")
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the copy has the mode %v, %v; want 0600", info.Mode(), err)
		}
	},
	"A backup that fails leaves no file": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a")...)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		file := filepath.Join(t.TempDir(), "copy")
		if err := l.Backup(ctx, file); err == nil {
			t.Error("a backup was made after its context had ended")
		}
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file: %v, want none", err)
		}
	},
	"A backup is of one state, while commits go on": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		const calls = 30
		first := make(chan struct{}) // closed when the first call has ended
		committed := make(chan error, 1)
		go func() {
			for i := range calls {
				for _, b := range ended(metering.CallID(rune('A' + i))) {
					if err := l.Commit(t.Context(), &b); err != nil {
						committed <- err
						return
					}
				}
				if i == 0 {
					close(first)
				}
			}
			committed <- nil
		}()
		select {
		case <-first:
		case err := <-committed:
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "copy")
		if err := s.open(t, ledger.ReadOnly).Backup(t.Context(), file); err != nil {
			t.Error(err)
		}
		if err := <-committed; err != nil {
			t.Fatal(err)
		}
		if leaves := wantWholeLog(t, l); len(leaves) != calls {
			t.Errorf("the ledger has %d leaves, want %d", len(leaves), calls)
		}
		copied := s.copied(t, file)
		records := newest(t, copied, ledger.Query{})
		if leaves := wantWholeLog(t, copied); len(leaves) == 0 || len(leaves) != len(records) {
			t.Errorf("the copy has %d leaves and %d records", len(leaves), len(records))
		}
		for i := range records {
			wantEvidence(t, copied, metering.CallID(rune('A'+i)), "1", "2")
		}
	},
}

// copied opens a backup for reading.
func (s Store) copied(t *testing.T, file string) ledger.Store {
	t.Helper()
	l, err := s.Copy(file)
	return closing(t, l, err)
}
