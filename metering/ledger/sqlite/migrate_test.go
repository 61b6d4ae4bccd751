package sqlite

import (
	"fmt"
	"path/filepath"
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
