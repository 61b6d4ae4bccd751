package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/risposta/gateway/metering/ledger"
)

// What an administrator does as root leaves every file to the service's own user, also those that
// SQLite makes beside an open one. Where the tests are not root's, nobody's files change hands.
func TestCommandsOfRootTakeNoFileAway(t *testing.T) {
	service := os.Geteuid()
	dir := t.TempDir()
	if service == 0 {
		service = 65534
		if err := os.Chown(dir, service, service); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.NewReplacer("{file: ledger.db}", "{file: "+filepath.Join(dir, "ledger.db")+"}").
		Replace(readConfig)
	file := filepath.Join(t.TempDir(), "gw.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, secret := range testSecrets {
		name, value, _ := strings.Cut(secret, "=")
		t.Setenv(name, value)
	}
	command := func(args ...string) {
		t.Helper()
		var out strings.Builder
		if code := run(t.Context(), append(args, "--config", file), os.Environ(), &out, &out); code != 0 {
			t.Fatalf("%v: exit %d: %s", args, code, &out)
		}
	}
	command("exempt", "init")
	l, err := ledger.Open(t.Context(), filepath.Join(dir, "ledger.db"), ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	sign(t, l, filepath.Join(dir, "ledger.db"))
	command("exempt", "add", "--from", "2026-01-01", "--number-on-command-line", "+390612345678")
	command("key", "rotate")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 5 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if got := int(info.Sys().(*syscall.Stat_t).Uid); got != service {
			t.Errorf("%s belongs to %d, want %d", e.Name(), got, service)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
