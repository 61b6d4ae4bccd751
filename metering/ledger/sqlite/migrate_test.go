package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/risposta/gateway/internal/sqlitefile"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// A ledger of the first schema keeps its evidence: that of ended calls, and of open ones.
func TestAnOlderLedgerKeepsItsEvidence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	const first = "migrations/00001_first.sql"
	text, err := migrations.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlitefile.Open(t.Context(), path, fstest.MapFS{first: {Data: text}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		`INSERT INTO record VALUES (5, 'r-1', 'ended', 1, 'help', 7, CAST('{}' AS BLOB), NULL)`,
		`INSERT INTO open_call VALUES (2, 'open', 'pbx', 'help', 7, NULL)`,
		fmt.Sprintf(`INSERT INTO evidence VALUES (5, x'%x')`, ledger.Compress([]byte("ended\n"))),
		fmt.Sprintf(`INSERT INTO open_evidence VALUES (2 << 24, x'%x')`, ledger.Compress([]byte("open\n"))),
	} {
		if _, err := db.Exec(query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), path, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []metering.CallID{"ended", "open"} {
		frames, err := l.Evidence(t.Context(), call)
		if err != nil || len(frames) != 1 || string(frames[0]) != string(call) {
			t.Errorf("%s: %q, %v", call, frames, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// What a newer release has made of a ledger this one neither writes nor reads.
func TestALedgerOfANewerReleaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	newer := fstest.MapFS{"migrations/99999_newer.sql": {Data: []byte("-- +goose Up\nSELECT 1;\n")}}
	for _, name := range []string{"migrations/00001_first.sql", "migrations/00002_frames.sql"} {
		text, err := migrations.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		newer[name] = &fstest.MapFile{Data: text}
	}
	db, err := sqlitefile.Open(t.Context(), path, newer, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []ledger.Mode{ledger.Exclusive, ledger.ReadWrite, ledger.ReadOnly} {
		l, err := ledger.Open(t.Context(), path, mode)
		if err == nil {
			err = errors.Join(errors.New("it was opened"), l.Close())
		}
		if !strings.Contains(err.Error(), "its schema has version 99999, and this release knows version 2") {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
}
