package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering/ledger"
)

// A backup is written beside a running gateway, and is a ledger that can be read and verified by
// itself.
func TestBackupIsALedger(t *testing.T) {
	path, head := signedLedger(t)
	running, err := ledger.Open(t.Context(), path, ledger.Exclusive) // as the gateway has it
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := running.Close(); err != nil {
			t.Error(err)
		}
	}()
	into := filepath.Join(t.TempDir(), "copy.db")
	if out, code := cli(t, "backup", "--ledger", path, "--into", into); code != 0 ||
		!strings.Contains(out, "copied into "+into) {
		t.Fatalf("exit %d: %s", code, out)
	}
	if info, err := os.Stat(into); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has the mode %v, %v; want 0600", info.Mode(), err)
	}
	out, code := cli(t, "verify", "--ledger", into, "--key", path+".key.pub", "--head", head)
	if code != 0 || !strings.Contains(out, "2 records: 2 replayed") {
		t.Errorf("exit %d: %s", code, out)
	}
	original, _ := cli(t, "records", "--ledger", path)
	if copied, code := cli(t, "records", "--ledger", into); code != 0 || copied != original {
		t.Errorf("exit %d: the copy has other records:\n%s", code, copied)
	}
	if out, code := cli(t, "backup", "--ledger", path, "--into", into); code != exitFailed ||
		!strings.Contains(out, "file exists") {
		t.Errorf("over a file that exists: exit %d: %s", code, out)
	}
}
