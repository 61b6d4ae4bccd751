//go:build live

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/integration/lab"
	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/postgres"
	"github.com/risposta/gateway/metering/tariff"
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

// A ledger that was copied into PostgreSQL gives the same answers as its file did, and comes back
// from a backup; it is not copied beside a running gateway, nor over another ledger.
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
	running, err := ledger.Open(t.Context(), h.path("ledger.db"), ledger.Exclusive)
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
	out, code = cli(t, copies...)
	if code == 0 || !strings.Contains(out, ledger.ErrNotEmpty.Error()) {
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

// signedNode commits a call of a node as its meter does, and signs the node's log.
func signedNode(t *testing.T, c *postgres.Cluster, node, key string) (head []byte) {
	t.Helper()
	if err := c.AddNode(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	lease, err := c.Take(t.Context(), node)
	if err != nil {
		t.Fatal(err)
	}
	l := c.Open(lease)
	record := metering.Record{
		Record: "r-" + node, Version: 1, Node: node, Call: metering.CallID(node), Charge: tariff.Zero(nil),
	}
	for _, b := range []ledger.Batch{
		{Node: node, Opened: []ledger.OpenCall{{Call: record.Call, Node: node}}},
		{Node: node, Records: []metering.Record{record}},
	} {
		if err := l.Commit(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
	signer, err := audit.Signer(key, false)
	if err != nil {
		t.Fatal(err)
	}
	h, _, err := l.SignLog(t.Context(), time.Now(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return h.Note
}

// Each node's log is verified alone, with the heads that agree with it; a head that agrees with
// none is a problem.
func TestLiveVerifyOfEachNode(t *testing.T) {
	h, pg := newHome(t, testKey), startPostgres(t)
	inPostgres(t, h, pg.DSN())
	h.command(0, "exempt", "init")
	c, err := postgres.OpenCluster(t.Context(), pg.DSN(), "meter")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	verify := []string{"verify"}
	for _, node := range []string{"pbx1", "pbx2"} {
		head := h.path(node + ".head")
		note := signedNode(t, c, node, h.path("ledger.db.key"))
		if err := os.WriteFile(head, note, 0o600); err != nil {
			t.Fatal(err)
		}
		verify = append(verify, "--head", head)
	}
	out := h.command(0, verify...)
	if strings.Count(out, "it agrees with 2 signed heads; 0 leaves since the newest") != 2 ||
		!containsAll(out, "node pbx1:\n", "node pbx2:\n") {
		t.Errorf("got\n%s", out)
	}
	if out := h.command(0, "records"); strings.Count(out, "\n") != 2 {
		t.Errorf("records of both nodes:\n%s", out)
	}
	conn, err := pgx.Connect(t.Context(), pg.DSN())
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), `DELETE FROM risposta.leaf WHERE log = 'pbx2'`)
	if err = errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	out = h.command(1, verify...)
	if !containsAll(out, "the log has 0 leaves, and a head was signed at 2", "FAIL  r-pbx2") {
		t.Errorf("leaves of pbx2 are gone:\n%s", out)
	}
}
