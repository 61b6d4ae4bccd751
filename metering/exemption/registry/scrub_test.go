package registry_test

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
	"github.com/risposta/gateway/metering/exemption/registry"
)

// bytesOf are the register's files, as one text.
func bytesOf(t *testing.T, path string) (all []byte) {
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
		all = append(all, text...)
	}
	return all
}

// raw is the file without the register.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func scrub(t *testing.T, r *registry.Registry) {
	t.Helper()
	if done, err := r.Scrub(ctx); err != nil || !done {
		t.Fatalf("scrubbed: %v, %v", done, err)
	}
}

func names(t *testing.T, n string) []string {
	t.Helper()
	pseudonyms, err := metering.ParseKeys(presentKey)
	if err != nil {
		t.Fatal(err)
	}
	return pseudonyms.RegisterNames(number(n))
}

// What was deleted from a register is in none of its files while it stays open, whichever entries
// went and in whatever order: neither category nor reference nor the callers' keyed names.
func TestDeletedBytesAreGoneWhileTheRegisterIsOpen(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	path := newFile(t)
	r := open(t, path, presentKey)
	type entry struct {
		n, category, ref string
		ends             time.Time
	}
	var entries []entry
	var grants []registry.Grant
	for i := range 600 {
		e := entry{
			n: fmt.Sprintf("06%08d", i), ref: fmt.Sprintf("e-ref%08d", i),
			category: fmt.Sprintf("why %08d %s", i, strings.Repeat("x", rnd.IntN(150))),
			ends:     day("2026-02-01").AddDate(0, rnd.IntN(6), 0),
		}
		g := grant(e.n, "2026-01-01", e.ends.Format(time.DateOnly), e.ref)
		g.Category = e.category
		entries, grants = append(entries, e), append(grants, g)
	}
	add(t, r, "2026-01-01", grants...) // of many at once the log of changes has no reference
	scrub(t, r)                        // into the database itself, where the deleted ones are to be overwritten
	for month := range 6 {
		before := day("2026-03-01").AddDate(0, month, 0)
		if _, err := r.Expire(ctx, author("2026-12-01"), before); err != nil {
			t.Fatal(err)
		}
		scrub(t, r)
		all := bytesOf(t, path)
		for _, e := range entries {
			gone := e.ends.Before(before)
			texts := append([]string{e.ref, e.category[:12]}, names(t, e.n)...)
			for i, text := range texts {
				if found := bytes.Contains(all, []byte(text)); found && gone {
					t.Fatalf("month %d: text %d of %s, which is deleted, is in the files", month, i, e.ref)
				} else if !found && !gone && i < 2 {
					t.Fatalf("month %d: %s is not in the files: the test shows nothing", month, e.ref)
				}
			}
		}
	}
}

// A number that was kept until its calls were credited is gone once they are, also where the process
// was killed right afterwards; and a reader who stands still keeps nothing for ever.
func TestProcessedNumbersAreGoneFromTheRegister(t *testing.T) {
	path := newFile(t)
	r := open(t, path, presentKey)
	add(t, r, "2026-06-01", grant("0612345678", "2026-01-01", "", "e-1"))
	scrub(t, r)
	var encrypted []byte
	if err := raw(t, path).QueryRow(`SELECT encrypted_number FROM entitlement`).Scan(&encrypted); err != nil {
		t.Fatal(err)
	}
	if len(encrypted) < 8 || !bytes.Contains(bytesOf(t, path), encrypted) {
		t.Fatal("there is no encrypted number: the test shows nothing")
	}
	backdated, err := r.Backdated(ctx, 0, 10)
	if err != nil || len(backdated) != 1 {
		t.Fatalf("%v, %v", backdated, err)
	}
	reader, err := raw(t, path).Begin()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRow(`SELECT count(*) FROM entitlement`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if err := r.MarkProcessed(ctx, []int64{backdated[0].ID}, day("2026-06-01")); err != nil {
		t.Fatal(err)
	}
	if done, err := r.Scrub(ctx); err != nil || done {
		t.Errorf("scrubbed beside a reader: %v, %v", done, err)
	}
	killed := filepath.Join(t.TempDir(), "exempt.db")
	for _, suffix := range []string{"", "-wal"} { // as a kill leaves them
		text, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(killed+suffix, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	next := open(t, killed, presentKey)
	for file, of := range map[string]*registry.Registry{path: r, killed: next} {
		if !bytes.Contains(bytesOf(t, file), encrypted) {
			t.Errorf("%s: nothing is left before it is scrubbed: the test shows nothing", filepath.Base(file))
		}
		scrub(t, of)
		if bytes.Contains(bytesOf(t, file), encrypted) {
			t.Errorf("the encrypted number is left in %s", file)
		}
	}
}

func TestScrubOfAMissingRegister(t *testing.T) {
	r := with(t, config(t, newFile(t), presentKey))
	if _, err := r.Scrub(ctx); !errors.Is(err, registry.ErrMissing) {
		t.Errorf("got %v", err)
	}
}
