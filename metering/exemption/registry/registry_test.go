package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption/registry"
)

var ctx = context.Background()

func names(t testing.TB, keys ...string) *metering.Pseudonyms {
	t.Helper()
	p, err := metering.ParseKeys(strings.Join(keys, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	oldKey = "the former key of the register, 32"
	newKey = "the present key of the register, 32"
)

func open(t testing.TB, path string, keys ...string) *registry.Registry {
	t.Helper()
	r, err := registry.Open(ctx, path, names(t, keys...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

func number(text string) metering.Number { return metering.NewNumber(text, "39") }

func TestEntitlementsAreDated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "exempt.db")
	r := open(t, path, newKey)
	grant := func(n, from, until, ref string) registry.Grant {
		g := registry.Grant{Number: number(n), Entitlement: registry.Entitlement{From: day(from), Ref: ref, Category: "unemployed"}}
		if until != "" {
			g.Until = day(until)
		}
		return g
	}
	if _, err := r.Add(ctx, day("2026-01-01"), grant("0612345678", "2026-02-01", "2026-03-01", "e-1"), grant("0612345678", "2026-05-01", "", "e-2"), grant("0699999999", "2026-01-01", "", "e-3")); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]struct{ verdict, ref, until string }{
		"2026-01-31": {"no", "", "2026-02-01"}, "2026-02-01": {"yes", "e-1", "2026-03-01"}, "2026-03-01": {"no", "", "2026-05-01"}, "2026-05-01": {"yes", "e-2", ""}, "2030-01-01": {"yes", "e-2", ""},
	} {
		got, err := r.Exempt(ctx, number("+390612345678"), day(at))
		until := ""
		if !got.Until.IsZero() {
			until = got.Until.Format(time.DateOnly)
		}
		if err != nil || got.Verdict.String() != want.verdict || got.Ref != want.ref || until != want.until {
			t.Errorf("on %s: %s %q until %q, %v; want %+v", at, got.Verdict, got.Ref, until, err, want)
		}
	}
	if got, err := r.Exempt(ctx, number("0611111111"), day("2026-06-01")); err != nil || got.Verdict != metering.ExemptNo || !got.Until.IsZero() {
		t.Errorf("a stranger: %+v, %v", got, err)
	}
	if got, err := r.Exempt(ctx, metering.Number{}, day("2026-06-01")); err != nil || got.Verdict != metering.ExemptUnknown {
		t.Errorf("a withheld number: %+v, %v", got, err)
	}
	if err := r.Revoke(ctx, "e-2", day("2026-06-01"), day("2026-06-01")); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]metering.Verdict{"2026-05-31": metering.ExemptYes, "2026-06-01": metering.ExemptNo} {
		if got, err := r.Exempt(ctx, number("0612345678"), day(at)); err != nil || got.Verdict != want {
			t.Errorf("revoked from June on, on %s: %s, %v", at, got.Verdict, err)
		}
	}
	if err := r.Revoke(ctx, "e-none", day("2026-06-01"), day("2026-06-01")); !errors.Is(err, registry.ErrNoRef) {
		t.Errorf("revoking what is not there: %v", err)
	}
	if n, err := r.Expire(ctx, day("2026-04-01")); err != nil || n != 1 {
		t.Errorf("%d expired, %v; want the one that ended in March", n, err)
	}
	noNumberIn(t, path)
}

// noNumberIn looks through the register's files for the numbers of this test.
func noNumberIn(t *testing.T, path string) {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, clear := range []string{"12345678", "99999999"} {
			if bytes.Contains(text, []byte(clear)) {
				t.Errorf("%s holds a number in clear", f)
			}
		}
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %s, %v", f, info.Mode(), err)
		}
	}
}

func TestCodes(t *testing.T) {
	r := open(t, filepath.Join(t.TempDir(), "exempt.db"), newKey, oldKey)
	code, err := registry.NewCode()
	if err != nil {
		t.Fatal(err)
	}
	g := registry.Grant{Code: code, Entitlement: registry.Entitlement{From: day("2026-01-01"), Until: day("2027-01-01")}}
	refs, err := r.Add(ctx, day("2026-01-01"), g)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.ExemptCode(ctx, code, day("2026-06-01")); err != nil || got.Verdict != metering.ExemptYes || got.Ref != refs[0] {
		t.Errorf("%+v, %v", got, err)
	}
	for _, wrong := range []string{"", "0000000000", code + "1"} {
		if got, err := r.ExemptCode(ctx, wrong, day("2026-06-01")); err != nil || got.Verdict != metering.ExemptNo {
			t.Errorf("code %q: %+v, %v", wrong, got, err)
		}
	}
	if got, err := r.ExemptCode(ctx, code, day("2027-01-01")); err != nil || got.Verdict != metering.ExemptNo {
		t.Errorf("after its end: %+v, %v", got, err)
	}
}

// A key is rotated: what was known under the former key is found, comes under the present one as its callers call, and then the former key can go.
func TestKeysAreRotated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "exempt.db")
	before := open(t, path, oldKey)
	for _, n := range []string{"0612345678", "0699999999"} {
		if _, err := before.Add(ctx, day("2026-01-01"), registry.Grant{Number: number(n), Entitlement: registry.Entitlement{From: day("2026-01-01")}}); err != nil {
			t.Fatal(err)
		}
	}
	during := open(t, path, newKey, oldKey)
	only := func() int64 {
		uses, err := during.Keys(ctx)
		if err != nil || len(uses) != 2 {
			t.Fatal(uses, err)
		}
		return uses[1].Only
	}
	if n := only(); n != 2 {
		t.Errorf("%d entitlements need the former key, want 2", n)
	}
	for i, n := range []string{"0612345678", "0699999999"} {
		if got, err := during.Exempt(ctx, number(n), day("2026-06-01")); err != nil || got.Verdict != metering.ExemptYes {
			t.Errorf("under the former key: %+v, %v", got, err)
		}
		if left := only(); left != int64(1-i) {
			t.Errorf("after %d calls %d entitlements need the former key", i+1, left)
		}
	}
	after := open(t, path, newKey)
	for _, n := range []string{"0612345678", "0699999999"} {
		if got, err := after.Exempt(ctx, number(n), day("2026-06-01")); err != nil || got.Verdict != metering.ExemptYes {
			t.Errorf("without the former key: %+v, %v", got, err)
		}
	}
}

func TestImportIsAllOrNothingAndNamesEachBadRow(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	good := "number,from,until,ref,category\n0612345678,2026-01-01,2026-12-31,e-1,unemployed\n+39 333 1234567,2026-01-01,,,\n"
	grants, err := registry.ReadCSV(strings.NewReader(good), "39", rome)
	if err != nil || len(grants) != 2 {
		t.Fatalf("%d grants, %v", len(grants), err)
	}
	if want := time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC); !grants[0].Until.Equal(want) {
		t.Errorf("the last day ends at %s, want %s", grants[0].Until.UTC(), want)
	}
	bad := good + "nobody,2026-01-01,,,\n0612345679,2026-13-01,,,\n0612345679,2026-02-01,2026-01-01,,\n0612345679,2026-01-01,,e-1,\n0612345679,2026-01-01\n0612345679,2026-01-01,,e 1,a<b\n\"x,2026\n"
	grants, err = registry.ReadCSV(strings.NewReader(bad), "39", rome)
	if err == nil {
		t.Fatal("the bad rows were accepted")
	}
	for _, want := range []string{
		"line 4: number: not a telephone number", `line 5: from: "2026-13-01" is not a day`, "line 6: until: before from", "line 7: ref: the same as in line 2",
		"line 8: 2 fields, want 5", "line 9: ref: not at most 64", "category: not at most 64", "line 10: ",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "0612345679") {
		t.Errorf("the errors name somebody:\n%v", err)
	}
	r := open(t, filepath.Join(t.TempDir(), "exempt.db"), newKey)
	twice := []registry.Grant{grants[0], grants[0]}
	if _, err := r.Add(ctx, day("2026-01-01"), twice...); err == nil {
		t.Error("one reference was added twice")
	}
	if got, err := r.Exempt(ctx, number("0612345678"), day("2026-06-01")); err != nil || got.Verdict != metering.ExemptNo {
		t.Errorf("half of a failed import was kept: %+v, %v", got, err)
	}
	if _, err := registry.ReadCSV(strings.NewReader("number,reason\n"), "39", rome); err == nil || !strings.Contains(err.Error(), "line 1: the columns must be exactly") {
		t.Errorf("other columns: %v", err)
	}
}

// BenchmarkLookup is the register's throughput with a million entitlements: one goroutine, half of the callers known.
func BenchmarkLookup(b *testing.B) {
	const people = 1_000_000
	r := open(b, filepath.Join(b.TempDir(), "exempt.db"), newKey)
	grants := make([]registry.Grant, people)
	numbers := make([]metering.Number, 2*people)
	for i := range numbers {
		numbers[i] = number(fmt.Sprintf("06%08d", i))
		if i < people {
			grants[i] = registry.Grant{Number: numbers[i], Entitlement: registry.Entitlement{From: day("2026-01-01"), Category: "pensioner"}}
		}
	}
	start := time.Now()
	if _, err := r.Add(ctx, day("2026-01-01"), grants...); err != nil {
		b.Fatal(err)
	}
	b.Logf("a million entitlements were imported in %s", time.Since(start).Round(time.Second))
	at := day("2026-06-01")
	b.ReportAllocs()
	i, yes := 0, 0
	for b.Loop() {
		i = (i + 999_983) % len(numbers) // a prime: all over the file
		got, err := r.Exempt(ctx, numbers[i], at)
		if err != nil {
			b.Fatal(err)
		}
		if got.Verdict == metering.ExemptYes {
			yes++
		}
		if (got.Verdict == metering.ExemptYes) != (i < people) {
			b.Fatalf("caller %d: %s", i, got.Verdict)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lookups/s")
	b.ReportMetric(float64(yes)/float64(b.N)*100, "%exempt")
}
