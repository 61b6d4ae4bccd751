package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering/ledger"
)

// home is a folder with the configuration of a gateway that keeps its files in it, and how its
// commands are run.
type home struct {
	t    *testing.T
	dir  string
	keys string
}

func newHome(t *testing.T, keys string) home {
	t.Helper()
	h := home{t: t, dir: t.TempDir(), keys: keys}
	text := strings.ReplaceAll(readConfig, "{file: ledger.db}", "{file: "+h.path("ledger.db")+"}")
	if err := os.WriteFile(h.path("gw.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h home) path(name string) string { return filepath.Join(h.dir, name) }

// command runs a command with this configuration, and wants an exit code.
func (h home) command(code int, args ...string) string {
	h.t.Helper()
	environ := []string{"RISPOSTA_PBX_0_PASSWORD=x", "RISPOSTA_CALLERS_KEY=" + h.keys}
	var out strings.Builder
	got := run(h.t.Context(), append(args, "--config", h.path("gw.yaml")), environ, &out, &out)
	if got != code {
		h.t.Errorf("%v: exit %d, want %d: %s", args, got, code, &out)
	}
	return out.String()
}

// A backup that is written beside a running gateway is put in place elsewhere: the same records, the
// same exempt callers, verified with the head that was kept.
func TestBackupAndRestore(t *testing.T) {
	written, head := signedLedger(t)
	from := newHome(t, testKey)
	for _, name := range []string{"ledger.db", "ledger.db.key", "ledger.db.key.pub"} {
		if err := os.Rename(filepath.Join(filepath.Dir(written), name), from.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	from.command(0, "exempt", "init")
	from.command(0, "exempt", "add", "--from", "2026-01-01", "--number-on-command-line", "+390612345678")
	running, err := ledger.Open(t.Context(), from.path("ledger.db"), ledger.Exclusive) // as the gateway has it
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := running.Close(); err != nil {
			t.Error(err)
		}
	}()
	into := filepath.Join(t.TempDir(), "backup")
	if out := from.command(0, "backup", "--into", into); !strings.Contains(out, "not part of it") {
		t.Errorf("the keys are not spoken of: %s", out)
	}
	wantPrivate(t, into)
	if out := from.command(exitFailed, "backup", "--into", into); !strings.Contains(out, "file exists") {
		t.Errorf("over a folder that exists: %s", out)
	}

	to := newHome(t, testKey)
	to.command(0, "restore", "--from", into)
	out := to.command(0, "verify", "--head", head)
	if !strings.Contains(out, "2 records: 2 replayed") || !strings.Contains(out, "exemption register") {
		t.Errorf("verified: %s", out)
	}
	for _, args := range [][]string{{"records"}, {"exempt", "list"}, {"exempt", "log"}} {
		if a, b := from.command(0, args...), to.command(0, args...); a != b || a == "" {
			t.Errorf("%v: %q, and after restoring %q", args, a, b)
		}
	}
	if out := to.command(exitFailed, "restore", "--from", into); !strings.Contains(out, "is there already") {
		t.Errorf("over files that exist: %s", out)
	}
}

// Without the keys that it needs nothing of a backup is put in place.
func TestRestoreNeedsTheKeysOfTheBackup(t *testing.T) {
	from := newHome(t, testKey)
	from.command(0, "exempt", "init")
	l, err := ledger.Open(t.Context(), from.path("ledger.db"), ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	into := filepath.Join(t.TempDir(), "backup")
	from.command(0, "backup", "--into", into)
	other := strings.Repeat("fedcba9876543210", 4)
	to := newHome(t, other)
	if out := to.command(exitFailed, "restore", "--from", into); !strings.Contains(out, "needs keys") {
		t.Errorf("without the key: %s", out)
	}
	if files, err := os.ReadDir(to.dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v; want the configuration alone", files, err)
	}
	rotated := newHome(t, other+"\n"+testKey) // the needed key is a former one now
	rotated.command(0, "restore", "--from", into)
}

// A backup that fails leaves no folder.
func TestABackupThatFailsLeavesNothing(t *testing.T) {
	h := newHome(t, testKey)
	into := filepath.Join(t.TempDir(), "backup")
	h.command(exitFailed, "backup", "--into", into) // there is no ledger yet
	if _, err := os.Stat(into); !os.IsNotExist(err) {
		t.Errorf("a folder is left: %v", err)
	}
}

func wantPrivate(t *testing.T, folder string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 4 {
		t.Errorf("%v, %v; want ledger, register, public keys and manifest", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v, %v; want 0600", f.Name(), info.Mode(), err)
		}
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has the mode %v, %v; want 0700", info.Mode(), err)
	}
}
