package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/sqlitefile"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// full is an output that nobody reads, such as a pipe into a program that was stopped.
type full struct{ reached, closed chan struct{} }

func (f full) Write([]byte) (int, error) {
	select {
	case f.reached <- struct{}{}:
	case <-f.closed:
	}
	<-f.closed
	return 0, io.ErrClosedPipe
}

// grow commits 20 batches of a megabyte, which no compression makes less.
func grow(t *testing.T, l ledger.Store, name string) {
	t.Helper()
	frame := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(frame) // it never fails
	for i := range 20 {
		call := metering.CallID(fmt.Sprint(name, i))
		b := ledger.Batch{
			Opened:   []ledger.OpenCall{{Call: call, ArrivedAt: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}},
			Evidence: []ledger.Evidence{{Call: call, Frame: frame}},
		}
		if err := l.Commit(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
}

// fill commits records of calls that have ended: more than are read at once.
func fill(t *testing.T, l ledger.Store) {
	t.Helper()
	var opened, ended ledger.Batch
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for i := range 700 {
		call := metering.CallID(fmt.Sprint("c", i))
		opened.Opened = append(opened.Opened, ledger.OpenCall{Call: call, ArrivedAt: at})
		ended.Records = append(ended.Records, metering.Record{
			Record: fmt.Sprint("r-", i), Version: 1, Call: call, ArrivedAt: metering.Time{Time: at},
			Service: strings.Repeat("help", 10), Charge: tariff.Zero(nil),
		})
	}
	for _, b := range []*ledger.Batch{&opened, &ended} {
		if err := l.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

// A command whose output stands still, for however long, keeps no write-ahead log from being written
// over: that of the ledger stays below what one commit and SQLite's own checkpoints need.
func TestCommandWhoseOutputStandsStillGrowsNoLog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	file := filepath.Join(dir, "gw.yaml")
	text := strings.Replace(readConfig, "{file: ledger.db}", "{file: "+path+"}", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := append(os.Environ(), testSecrets...)
	var out strings.Builder
	if code := run(t.Context(), []string{"exempt", "init", "--config", file}, environ, &out, &out); code != 0 {
		t.Fatal(out.String())
	}
	list := "number,from,until,ref,category\n"
	for i := range 700 {
		list += fmt.Sprintf("06%08d,2026-01-01,,,%s\n", 12000000+i, strings.Repeat("x", 100))
	}
	people := filepath.Join(dir, "people.csv")
	if err := os.WriteFile(people, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := run(t.Context(), []string{"exempt", "import", "--config", file, people}, environ, &out, &out); code != 0 {
		t.Fatal(out.String())
	}
	l, err := ledger.Open(t.Context(), path, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	sign(t, l, path)
	fill(t, l)
	for _, args := range [][]string{
		{"records", "--config", file}, {"records", "--format", "csv", "--config", file},
		{"verify", "--config", file}, {"exempt", "list", "--category", "--config", file},
		{"exempt", "log", "--config", file},
	} {
		pipe := full{make(chan struct{}), make(chan struct{})}
		done := make(chan int, 1)
		go func() { done <- run(context.Background(), args, environ, pipe, io.Discard) }()
		<-pipe.reached
		grow(t, l, strings.Join(args, " "))
		const bound = 12 << 20 // SQLite's own checkpoint comes at 8 MiB, after the commit
		if bytes, err := sqlitefile.LogBytes(path); err != nil || bytes > bound {
			t.Errorf("%v: the log has %d bytes, %v", args, bytes, err)
		}
		for _, db := range []string{path, filepath.Join(dir, "exempt.db")} {
			if done, err := sqlitefile.Scrub(t.Context(), db); err != nil || !done {
				t.Errorf("%v: the log of %s is held: %v, %v", args, filepath.Base(db), done, err)
			}
		}
		close(pipe.closed)
		<-done
	}
}

// A reader that is not ours can hold the log. The test shows what the commands are spared.
func TestForeignReaderHoldsTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(t.Context(), path, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	shell, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	reading, err := shell.Begin()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reading.QueryRow(`SELECT count(*) FROM record`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	grow(t, l, "c")
	if bytes, err := sqlitefile.LogBytes(path); err != nil || bytes < 12<<20 {
		t.Errorf("beside a foreign reader the log has %d bytes, %v: the test shows nothing", bytes, err)
	}
	if err := errors.Join(reading.Rollback(), shell.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
}
