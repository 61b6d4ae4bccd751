package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// secret stands for a caller's detail; it is long enough to be on pages of its own.
var secret = []byte(strings.Repeat("Maria Rossi ", 500))

// left are the ledger's files that still have the secret, or the name of its call.
func left(t *testing.T, path string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, secret[:40]) || bytes.Contains(text, []byte("the-call-of-maria")) {
			names = append(names, filepath.Base(file))
		}
	}
	return names
}

// eraseOne commits a call with the secret, and erases it.
func eraseOne(t *testing.T, l ledger.Store) {
	t.Helper()
	const call = "the-call-of-maria"
	r := metering.Record{
		Record: "r-1", Version: 1, Call: call, ArrivedAt: metering.Time{Time: noon}, Charge: tariff.Zero(nil),
	}
	for _, b := range []ledger.Batch{
		{Opened: []ledger.OpenCall{{Call: call, ArrivedAt: noon, EncryptedCaller: secret}}},
		{Evidence: []ledger.Evidence{{Call: call, Frame: secret}, {Call: call, Frame: secret}}},
		{Records: []metering.Record{r}},
	} {
		if err := l.Commit(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
	gone := ledger.Supersession{Call: call, After: 1, Erased: []metering.Record{r.Erased("e-1")}, At: noon}
	if err := l.Supersede(t.Context(), &gone); err != nil {
		t.Fatal(err)
	}
}

// What was erased is in none of the ledger's files while the ledger stays open, also after a reader
// that kept the write-ahead log from being cut.
func TestErasedBytesAreGoneWhileTheLedgerIsOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(t.Context(), path, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	eraseOne(t, l)
	if len(left(t, path)) == 0 {
		t.Fatal("nothing is left before the ledger is scrubbed: the test shows nothing")
	}
	err = l.Snapshot(t.Context(), func(ledger.Snapshot) error {
		if done, err := l.Scrub(t.Context()); err != nil || done {
			t.Errorf("scrubbed beside a reader: %v, %v", done, err)
		}
		// A commit does not wait for that reader.
		return l.Commit(t.Context(), &ledger.Batch{Node: "pbx", Watermark: noon})
	})
	if err != nil {
		t.Fatal(err)
	}
	if done, err := l.Scrub(t.Context()); err != nil || !done {
		t.Fatalf("scrubbed: %v, %v", done, err)
	}
	if files := left(t, path); len(files) != 0 {
		t.Errorf("erased bytes are left in %q", files)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// toErase names the ledger in which the process that is killed erases.
const toErase = "RISPOSTA_TEST_ERASE"

// A process that is killed after it has erased leaves the write-ahead log as it is. The next one cuts
// it.
func TestErasedBytesAreGoneAfterAKill(t *testing.T) {
	if path := os.Getenv(toErase); path != "" { // the process that is killed
		l, err := ledger.Open(t.Context(), path, ledger.Exclusive)
		if err != nil {
			t.Fatal(err)
		}
		eraseOne(t, l)
		fmt.Println("erased")
		select {}
	}
	killed := filepath.Join(t.TempDir(), "ledger.db")
	p := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
	p.Env = append(os.Environ(), toErase+"="+killed)
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err := errors.Join(err, p.Process.Kill()); err != nil || line != "erased\n" {
		t.Fatalf("%q, %v; want that it has erased", line, err)
	}
	if err := p.Wait(); err == nil {
		t.Fatal("the process was not killed")
	}
	if len(left(t, killed)) == 0 {
		t.Fatal("nothing is left by the kill: the test shows nothing")
	}
	next, err := ledger.Open(context.WithoutCancel(t.Context()), killed, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	if done, err := next.Scrub(t.Context()); err != nil || !done {
		t.Errorf("scrubbed: %v, %v", done, err)
	}
	if files := left(t, killed); len(files) != 0 {
		t.Errorf("erased bytes are left in %q", files)
	}
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
}
