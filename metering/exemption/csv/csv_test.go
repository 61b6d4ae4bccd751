package csv_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/exemption/csv"
)

var _ exemption.Lookup = (*csv.File)(nil)

// write writes a list that has stood still.
func write(t *testing.T, path, text string) {
	t.Helper()
	writing(t, path, text)
	hourAgo := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, hourAgo, hourAgo); err != nil {
		t.Fatal(err)
	}
}

// writing writes a list that may still be half-written.
func writing(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(path string) (*csv.File, error) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		return nil, err
	}
	return csv.Open(context.Background(), path, "39", rome)
}

func TestLookup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "exempt.csv")
	write(t, path, "number,from,until,ref\n"+
		"+39 06 12345678,2026-01-01,2026-11-23,e-1\n"+
		"0612345679,,,e-2\n"+
		"+390612345680,2026-12-01,,e-3\n")
	f, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		number, at string
		verdict    metering.Verdict
		ref        string
	}{
		"within":               {"+390612345678", "2026-11-23T10:00:00Z", metering.ExemptYes, "e-1"},
		"last second of a day": {"+390612345678", "2026-11-23T22:59:59Z", metering.ExemptYes, "e-1"},
		"the day after":        {"+390612345678", "2026-11-23T23:00:00Z", metering.ExemptNo, ""},
		"first of the days":    {"+390612345678", "2025-12-31T23:00:00Z", metering.ExemptYes, "e-1"},
		"before":               {"+390612345678", "2025-12-31T22:59:59Z", metering.ExemptNo, ""},
		"no end":               {"+390612345679", "2030-01-01T00:00:00Z", metering.ExemptYes, "e-2"},
		"not yet":              {"+390612345680", "2026-11-30T22:59:59Z", metering.ExemptNo, ""},
		"not listed":           {"+390612345681", "2026-11-23T10:00:00Z", metering.ExemptNo, ""},
		"withheld":             {"", "2026-11-23T10:00:00Z", metering.ExemptUnknown, ""},
	} {
		t.Run(name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, c.at)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Exempt(context.Background(), metering.NewNumber(c.number), at)
			if err != nil || got.Verdict != c.verdict || got.Ref != c.ref {
				t.Errorf("got %s %q, %v; want %s %q", got.Verdict, got.Ref, err, c.verdict, c.ref)
			}
		})
	}
}

func TestBadListIsRefusedWithItsLine(t *testing.T) {
	const head = "number,from,until,ref\n"
	const row = "+390612345678,,,e-1\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":            {"", ":1: the columns must be"},
		"a reason column":  {"number,from,until,ref,why\n", ":1: the columns must be"},
		"no number":        {head + "maria,,,e\n", ":2: number"},
		"a number too few": {head + row + "+3906,,,e\n", ":3: number"},
		"bad day":          {head + row + "+390612345679,23/11/2026,,e\n", ":3: from"},
		"until < from": {
			head + "+390612345678,2026-02-01,2026-01-01,e\n", ":2: until: before from",
		},
		"a column short": {head + "+390612345678,,\n", ":2: 3 fields, want 4"},
		"a ref that says why": {
			head + "+390612345678,,,\"RSSMRA50A01H501U - invalidita civile 100%\"\n", ":2: ref: not at most 64",
		},
		"a ref too long": {head + "+390612345678,,," + strings.Repeat("x", 65) + "\n", ":2: ref"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "exempt.csv")
			write(t, path, c.text)
			_, err := open(path)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q in it", err, c.want)
			}
			for _, cell := range []string{"+3906", "maria", "RSSMRA", "23/11", "xxx"} {
				if strings.Contains(err.Error(), cell) {
					t.Errorf("the error quotes a cell: %v", err)
				}
			}
		})
	}
}

// ask is the verdict about a number now, and whether the lookup failed.
func ask(t *testing.T, f *csv.File, number string) string {
	t.Helper()
	got, err := f.Exempt(t.Context(), metering.NewNumber(number), time.Now())
	if err != nil {
		return "failed"
	}
	return got.Verdict.String()
}

func TestChangedListIsReadAgain(t *testing.T) {
	const head, stays, comes = "number,from,until,ref\n", "+390612345678", "+390612345679"
	path := filepath.Join(t.TempDir(), "exempt.csv")
	write(t, path, head+stays+",,,e-1\n")
	f, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	expect := func(when, wantStays, wantComes string) {
		t.Helper()
		if a, b := ask(t, f, stays), ask(t, f, comes); a != wantStays || b != wantComes {
			t.Errorf("%s: %s and %s, want %s and %s", when, a, b, wantStays, wantComes)
		}
	}
	expect("at first", "yes", "no")
	both := head + stays + ",,,e-1\n" + comes + ",,,e-2\n"
	writing(t, path, head)
	expect("while a half is there", "yes", "failed")
	write(t, path, both)
	expect("when it has stood still", "yes", "yes")
	writing(t, path, head+comes+",,,e-2\ntotal,1,,\n")
	expect("at once with a total", "no", "yes")
	writing(t, path, head+stays+",,,e-1\ntotal,2,,\n")
	expect("with a wrong total", "failed", "yes")
	write(t, path, head+stays+",,,e-1\ntotal,2,,\n")
	expect("with a wrong total that stands still", "failed", "yes")
	write(t, path, both+"broken\n")
	expect("while it cannot be read", "failed", "yes")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	expect("while it is gone", "failed", "yes")
	write(t, path, both)
	expect("when it is back", "yes", "yes")
}
