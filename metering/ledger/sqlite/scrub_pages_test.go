package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// Whichever calls are erased, in whatever order, nothing of their detail is in the file: neither where
// it stood nor where SQLite had moved it to while the pages around it were balanced.
func TestNoErasedBytesStayInAnyPage(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(t.Context(), path, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	const calls, frames = 200, 8
	detail := func(call int) string { return fmt.Sprintf("detail-of-call-%06d", call) }
	var b ledger.Batch
	for range frames {
		for i := range calls { // of many calls at once, so that the frames of one lie apart
			long := 400
			if rnd.IntN(50) == 0 {
				long = 10_000 // pages of its own
			}
			text := detail(i) + strings.Repeat("-", rnd.IntN(long)) + detail(i)
			b.Evidence = append(b.Evidence, ledger.Evidence{Call: metering.CallID(detail(i)), Frame: []byte(text)})
		}
	}
	for i := range calls {
		call := metering.CallID(detail(i))
		b.Opened = append(b.Opened, ledger.OpenCall{Call: call, ArrivedAt: noon, EncryptedCaller: []byte(detail(i))})
		b.Records = append(b.Records, metering.Record{
			Record: fmt.Sprint("r-", i), Version: 1, Call: call, Caller: detail(i), Charge: tariff.Zero(nil),
			ArrivedAt: metering.Time{Time: noon.Add(time.Duration(rnd.IntN(1000)) * time.Second)},
		})
	}
	for _, part := range []ledger.Batch{
		{Opened: b.Opened}, {Evidence: b.Evidence}, {Records: b.Records},
	} {
		if err := l.Commit(t.Context(), &part); err != nil {
			t.Fatal(err)
		}
	}
	order := rnd.Perm(calls)
	for n, i := range order {
		r := b.Records[i]
		gone := ledger.Supersession{
			Call: r.Call, After: 1, Erased: []metering.Record{r.Erased(metering.CallID(fmt.Sprint("e-", i)))}, At: noon,
		}
		if err := l.Supersede(t.Context(), &gone); err != nil {
			t.Fatal(err)
		}
		if n%40 != 39 {
			continue
		}
		if done, err := l.Scrub(t.Context()); err != nil || !done {
			t.Fatalf("scrubbed: %v, %v", done, err)
		}
		text := filesOf(t, path)
		for _, i := range order[:n+1] {
			if bytes.Contains(text, []byte(detail(i))) {
				t.Fatalf("after %d erasures call %d is still in the files", n+1, i)
			}
		}
		for _, i := range order[n+1:] {
			if !bytes.Contains(text, []byte(detail(i))) {
				t.Fatalf("after %d erasures call %d is not in the files: the test shows nothing", n+1, i)
			}
		}
	}
	wantIntact(t, path)
}

// wantIntact checks the file's structure by SQLite's own means.
func wantIntact(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	var verdict string
	err = db.QueryRow(`PRAGMA integrity_check`).Scan(&verdict)
	if err = errors.Join(err, db.Close()); err != nil || verdict != "ok" {
		t.Errorf("integrity_check: %q, %v", verdict, err)
	}
}

func filesOf(t *testing.T, path string) (all []byte) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(path + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}
