//go:build live

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/integration/lab"
	"github.com/risposta/gateway/metering/ledger"
)

// startPostgres starts a server with an empty database.
func startPostgres(t *testing.T) *lab.Postgres {
	t.Helper()
	pg, err := lab.StartPostgres(context.WithoutCancel(t.Context()), "fsync=on")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	return pg
}

// inPostgres is the configuration of home, with its ledger in PostgreSQL.
func inPostgres(t *testing.T, h home, dsn string) {
	t.Helper()
	for name, text := range map[string]string{
		"dsn": dsn + "\n",
		"gw.yaml": strings.ReplaceAll(readConfig, "{file: ledger.db}", "{postgres: {dsn_file: "+
			h.path("dsn")+"}, key_file: "+h.path("ledger.db.key")+"}\nexemption: {registry: "+
			h.path("exempt.db")+"}"),
	} {
		if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A ledger that was copied into PostgreSQL gives the same answers as its file did, and comes back from
// a backup; it is not copied beside a running gateway, nor over another ledger.
func TestLiveLedgerCopy(t *testing.T) {
	written, head := signedLedger(t)
	h, pg := newHome(t, testKey), startPostgres(t)
	for _, name := range []string{"ledger.db", "ledger.db.key", "ledger.db.key.pub"} {
		if err := os.Rename(filepath.Join(filepath.Dir(written), name), h.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	h.command(0, "exempt", "init")
	records := h.command(0, "records")
	call := between(records, `"call":"`, `"`)
	h.command(0, "dispute", "open", "--note", "case 7", call)
	asked := [][]string{
		{"verify", "--head", head}, {"records"}, {"explain", call}, {"exempt", "keys"},
		{"dispute", "list"}, {"report", "--period", "2026"},
	}
	var want []string
	for _, command := range asked {
		want = append(want, h.command(0, command...))
	}
	inPostgres(t, h, pg.DSN())
	copies := []string{"ledger", "copy", "--from", h.path("ledger.db"), "--to", h.path("dsn")}
	running, err := ledger.Open(t.Context(), h.path("ledger.db"), ledger.Exclusive) // as a gateway has it
	if err != nil {
		t.Fatal(err)
	}
	if out, code := cli(t, copies...); code == 0 || !strings.Contains(out, ledger.ErrLocked.Error()) {
		t.Errorf("beside a running gateway: exit %d: %s", code, out)
	}
	if err := running.Close(); err != nil {
		t.Fatal(err)
	}
	out, code := cli(t, copies...)
	if code != 0 || !containsAll(out, "copied, and read back the same: 2 records, ", "1 disputes",
		"2 records: 2 replayed from their evidence to the same bytes, 0 erased") {
		t.Errorf("exit %d: %s", code, out)
	}
	t.Log(out)
	if out, code := cli(t, copies...); code == 0 || !strings.Contains(out, ledger.ErrNotEmpty.Error()) {
		t.Errorf("a second time: exit %d: %s", code, out)
	}
	if err := os.Rename(h.path("ledger.db"), h.path("former.db")); err != nil {
		t.Fatal(err)
	}
	for i, command := range asked {
		if got := h.command(0, command...); got != want[i] {
			t.Errorf("%v from PostgreSQL:\n%s\nfrom the file:\n%s", command, got, want[i])
		}
	}
	h.command(0, "backup", "--into", h.path("backup"))
	again := newHome(t, testKey)
	inPostgres(t, again, startPostgres(t).DSN())
	again.command(0, "restore", "--from", h.path("backup"))
	for i, command := range asked {
		if got := again.command(0, command...); got != want[i] {
			t.Errorf("%v of the restored ledger:\n%s\nfrom the file:\n%s", command, got, want[i])
		}
	}
}
