package gateway

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap/zapcore"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/risposta/gateway/internal/config"
)

// A log that a foreign reader holds is reported once when it grows over its bound, and is cut and
// reported once the reader ends.
func TestLogThatAForeignReaderHoldsIsReported(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger.db")
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE TABLE a (x BLOB)`)
	var text strings.Builder
	log, err := NewLogger(config.Log{Format: "json", Level: "info"}, zapcore.AddSync(&text))
	if err != nil {
		t.Fatal(err)
	}
	const bound = 1 << 20
	w := logWatch{file: file, bound: bound, log: log}
	want := func(when, event string) {
		t.Helper()
		text.Reset()
		w.look(t.Context())
		got := text.String()
		if strings.Contains(got, "wal_") != (event != "") || !strings.Contains(got, event) {
			t.Errorf("%s: %q, want %q", when, got, event)
		}
	}
	grow := func() { exec(`INSERT INTO a VALUES (?)`, make([]byte, 2*bound)) }
	grow()
	want("without a reader", "")
	for range 2 {
		reading, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := reading.QueryRow(`SELECT count(*) FROM a`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		want("beside a reader", "")
		grow()
		want("over the bound", `"event":"ledger.wal_long","file":"`+file+`"`)
		grow()
		want("the same", "")
		if err := reading.Rollback(); err != nil {
			t.Fatal(err)
		}
		want("after the reader", "ledger.wal_cut")
		want("the same", "")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
