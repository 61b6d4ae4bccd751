package sqlite_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/ledgertest"
	_ "github.com/risposta/gateway/metering/ledger/sqlite"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestLedger(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) ledgertest.Store {
		path := filepath.Join(t.TempDir(), "ledger.db")
		return ledgertest.Store{
			Open: func(mode ledger.Mode) (ledger.Store, error) {
				return ledger.Open(context.WithoutCancel(t.Context()), "sqlite:"+path, mode)
			},
			Copy: func(file string) (ledger.Store, error) {
				return ledger.Open(context.WithoutCancel(t.Context()), file, ledger.ReadOnly)
			},
		}
	})
}

// Positions are of meters that share a ledger: one that a file would forget is not taken.
func TestAFileKeepsNoPositions(t *testing.T) {
	l := ledgertest.New(t)
	b := ledger.Batch{Node: "pbx", Watermark: noon, Advance: &ledger.Advance{}}
	if err := l.Commit(t.Context(), &b); err == nil {
		t.Error("a batch with a position was kept")
	}
	if at, err := l.Watermark(t.Context(), "pbx"); err != nil || !at.IsZero() {
		t.Errorf("the watermark is %s, %v; want none", at, err)
	}
}

// The file, its lock and its copies are the owner's alone.
func TestFilesAreReadableByTheirOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Open(t.Context(), filepath.Join(dir, "ledger.db"), ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(t.Context(), &ledger.Batch{Node: "pbx", Watermark: noon}); err != nil {
		t.Fatal(err)
	}
	if err := l.Backup(t.Context(), filepath.Join(dir, "copy.db")); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v, %v; want 0600", f.Name(), info.Mode(), err)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkCommit(b *testing.B) {
	for _, frames := range []int{1, 64, 1024} {
		b.Run(strconv.Itoa(frames), func(b *testing.B) {
			ctx := context.Background()
			l, err := ledger.Open(ctx, filepath.Join(b.TempDir(), "ledger.db"), ledger.Exclusive)
			if err != nil {
				b.Fatal(err)
			}
			frame := make([]byte, 300)
			open := ledger.Batch{Opened: []ledger.OpenCall{{Call: "a", Node: "pbx", ArrivedAt: noon}}}
			if err := l.Commit(ctx, &open); err != nil {
				b.Fatal(err)
			}
			batch := ledger.Batch{Node: "pbx", Watermark: noon}
			for range frames {
				batch.Evidence = append(batch.Evidence, ledger.Evidence{Call: "a", Frame: frame})
			}
			for b.Loop() {
				if err := l.Commit(ctx, &batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*frames)/b.Elapsed().Seconds(), "frames/s")
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// Trouble of the whole file is not one call's: no batch can be committed any more.
func TestADamagedFileIsErrDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(t.Context(), path, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	b := ledger.Batch{
		Opened:   []ledger.OpenCall{{Call: "a", Node: "pbx", ArrivedAt: noon}},
		Evidence: []ledger.Evidence{{Call: "a", Frame: []byte("1")}},
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	overwriteTable(t, path, "open_evidence")
	if l, err = ledger.Open(t.Context(), path, ledger.Exclusive); err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(t.Context(), &b); !errors.Is(err, ledger.ErrDamaged) ||
		errors.Is(err, ledger.ErrBroken) {
		t.Errorf("%v, want ErrDamaged alone", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// overwriteTable makes a table's first page unreadable.
func overwriteTable(t *testing.T, path, table string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	var page, size int64
	err = db.QueryRow(`SELECT rootpage, (SELECT page_size FROM pragma_page_size)
		FROM sqlite_master WHERE name = ?`, table).Scan(&page, &size)
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{0xff}, int(size)), (page-1)*size)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// A second gateway is kept out in another process, too, by whatever name it has for the file.
func TestNoOtherNameLetsASecondGatewayIn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	if os.Getenv("OPEN_LEDGER") != "" { // the other process
		_, err := ledger.Open(t.Context(), os.Getenv("OPEN_LEDGER"), ledger.Exclusive)
		if !errors.Is(err, ledger.ErrLocked) {
			t.Fatalf("%v, want ErrLocked", err)
		}
		return
	}
	l, err := ledger.Open(t.Context(), path, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	symlink, hardlink := filepath.Join(dir, "symlink"), filepath.Join(dir, "hardlink")
	if err := errors.Join(os.Symlink(path, symlink), os.Link(path, hardlink)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, symlink, hardlink, dir + "/../" + filepath.Base(dir) + "/ledger.db"} {
		if _, err := ledger.Open(t.Context(), name, ledger.Exclusive); !errors.Is(err, ledger.ErrLocked) {
			t.Errorf("%s: %v, want ErrLocked", name, err)
		}
		other := exec.Command(os.Args[0], "-test.run", "^TestNoOtherNameLetsASecondGatewayIn$")
		other.Env = append(os.Environ(), "OPEN_LEDGER="+name)
		if out, err := other.CombinedOutput(); err != nil {
			t.Errorf("another process with %s: %v\n%s", name, err, out)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = ledger.Open(t.Context(), symlink, ledger.Exclusive); err != nil {
		t.Fatalf("afterwards: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// A log that has lost leaves of its newest head, or has other ones, is never signed.
func TestALogThatLostLeavesIsNotSigned(t *testing.T) {
	private, _, err := note.GenerateKey(rand.Reader, "test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]string{
		"fewer leaves":   `DELETE FROM leaf WHERE n > 0`,
		"another hash":   `UPDATE leaf_hash SET hash = zeroblob(32) WHERE i = 2`,
		"a hash missing": `DELETE FROM leaf_hash WHERE i = 2`,
		"a broken head":  `UPDATE head SET note = CAST('x' AS BLOB)`,
	} {
		path := filepath.Join(t.TempDir(), "ledger.db")
		l, err := ledger.Open(t.Context(), path, ledger.Exclusive)
		if err != nil {
			t.Fatal(err)
		}
		for _, state := range []string{"one", "two", "three"} {
			if err := l.NoteRegister(t.Context(), []byte(state)); err != nil {
				t.Fatal(err)
			}
		}
		if _, signed, err := l.SignLog(t.Context(), noon, signer); err != nil || !signed {
			t.Fatalf("%s: signed: %v, %v", name, signed, err)
		}
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(change); err != nil {
			t.Fatal(err)
		}
		_, signed, err := l.SignLog(t.Context(), noon, signer)
		if signed || !errors.Is(err, ledger.ErrDamaged) {
			t.Errorf("%s: signed: %v, %v; want ErrDamaged", name, signed, err)
		}
		if err := errors.Join(db.Close(), l.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
