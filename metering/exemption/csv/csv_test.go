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

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLookup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "exempt.csv")
	write(t, path, "number,from,until,ref\n"+
		"+39 06 12345678,2026-01-01,2026-11-23,e-1\n"+
		"0612345679,,,e-2\n"+
		"+390612345680,2026-12-01,,e-3\n")
	f, err := csv.Open(path, "39")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		number, at string
		verdict    metering.Verdict
		ref        string
	}{
		"within":               {"+390612345678", "2026-11-23T10:00:00Z", metering.ExemptYes, "e-1"},
		"last second of a day": {"+390612345678", "2026-11-23T23:59:59Z", metering.ExemptYes, "e-1"},
		"the day after":        {"+390612345678", "2026-11-24T00:00:00Z", metering.ExemptNo, ""},
		"before":               {"+390612345678", "2025-12-31T23:59:59Z", metering.ExemptNo, ""},
		"no end":               {"+390612345679", "2030-01-01T00:00:00Z", metering.ExemptYes, "e-2"},
		"not yet":              {"+390612345680", "2026-11-30T23:59:59Z", metering.ExemptNo, ""},
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

func TestBadFileIsRefusedWithItsLine(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":           {"", ":1: the columns must be"},
		"a reason column": {"number,from,until,ref,why\n", ":1: the columns must be"},
		"no number":       {"number,from,until,ref\nmaria,,,e\n", ":2: number"},
		"bad day":         {"number,from,until,ref\n+390612345678,,,e\n+390612345679,23/11/2026,,e\n", ":3: from"},
		"until < from": {
			"number,from,until,ref\n+390612345678,2026-02-01,2026-01-01,e\n", ":2: until: before from",
		},
		"a column short": {"number,from,until,ref\n+390612345678,,\n", ":2: wrong number of fields"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "exempt.csv")
			write(t, path, c.text)
			_, err := csv.Open(path, "39")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "+39") {
				t.Errorf("the error quotes a number: %v", err)
			}
		})
	}
}

func TestChangedFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "exempt.csv")
	write(t, path, "number,from,until,ref\n")
	f, err := csv.Open(path, "")
	if err != nil {
		t.Fatal(err)
	}
	n := metering.NewNumber("+390612345678")
	write(t, path, "number,from,until,ref\n+390612345678,,,e-1\n")
	got, err := f.Exempt(context.Background(), n, time.Now())
	if err != nil || got.Verdict != metering.ExemptYes {
		t.Errorf("after the change: %s, %v; want yes", got.Verdict, err)
	}
	write(t, path, "number,from,until,ref\n+390612345678,,,e-1\nbroken\n")
	for range 2 {
		if _, err := f.Exempt(context.Background(), n, time.Now()); err == nil {
			t.Error("a broken file still answers")
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Exempt(context.Background(), n, time.Now()); err == nil {
		t.Error("a file that is gone still answers")
	}
}
