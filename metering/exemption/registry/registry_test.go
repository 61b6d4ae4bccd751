package registry_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/exemption/registry"
	"github.com/risposta/gateway/metering/numbering"
)

var ctx = context.Background()

const (
	formerKey  = "f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0"
	presentKey = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "exempt.db") }

// config is that of a register under some keys, the present one first.
func config(t testing.TB, path string, keys ...string) registry.Config {
	t.Helper()
	pseudonyms, err := metering.ParseKeys(strings.Join(keys, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return registry.Config{Path: path, CountryCode: "39", Pseudonyms: pseudonyms}
}

// author changes the register on a day.
func author(at string) registry.Author { return registry.Author{Name: "anna", At: day(at)} }

// open opens a register, and makes it where there is none.
func open(t testing.TB, path string, keys ...string) *registry.Registry {
	t.Helper()
	conf := config(t, path, keys...)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := registry.Create(ctx, conf, author("2025-12-31")); err != nil {
			t.Fatal(err)
		}
	}
	return with(t, conf)
}

func with(t testing.TB, conf registry.Config) *registry.Registry {
	t.Helper()
	r := registry.New(conf)
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

// number is a caller's, as it comes in.
func number(text string) metering.Number {
	n, _ := numbering.NewReader("39").Caller(text, "")
	return n
}

// grant is an entitlement of a number; until may be "".
func grant(n, from, until, ref string) registry.Grant {
	g := registry.Grant{
		Entitlement: registry.Entitlement{From: day(from), Ref: ref, Category: "unemployed"},
	}
	if until != "" {
		g.Until = day(until)
	}
	if n != "" {
		g.Number = number(n)
	}
	return g
}

func add(t testing.TB, r *registry.Registry, at string, grants ...registry.Grant) []string {
	t.Helper()
	refs, err := r.Add(ctx, author(at), grants...)
	if err != nil {
		t.Fatal(err)
	}
	return refs
}

// exempt is the answer about a number as of a day.
func exempt(t testing.TB, r *registry.Registry, n, at string) exemption.Answer {
	t.Helper()
	got, err := r.Exempt(ctx, number(n), day(at))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func expect(t testing.TB, r *registry.Registry, n, at string, want metering.Verdict) {
	t.Helper()
	if got := exempt(t, r, n, at); got.Verdict != want {
		t.Errorf("%s as of %s: %+v, want %s", n, at, got, want)
	}
}

// listed are all entitlements, by their reference.
func listed(t testing.TB, r *registry.Registry) map[string]registry.Entitlement {
	t.Helper()
	all := map[string]registry.Entitlement{}
	err := r.List(ctx, time.Time{}, func(e registry.Entitlement) error {
		all[e.Ref] = e
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEntitlementsAreDated(t *testing.T) {
	r := open(t, newFile(t), presentKey)
	add(t, r, "2026-01-01",
		grant("0612345678", "2026-02-01", "2026-03-01", "e-1"),
		grant("0612345678", "2026-05-01", "", "e-2"),
		grant("0699999999", "2026-01-01", "", "e-3"))
	for at, want := range map[string]struct{ verdict, ref, until string }{
		"2026-01-31": {"no", "", "2026-02-01"},
		"2026-02-01": {"yes", "e-1", "2026-03-01"},
		"2026-03-01": {"no", "", "2026-05-01"},
		"2026-05-01": {"yes", "e-2", ""},
		"2030-01-01": {"yes", "e-2", ""},
	} {
		got := exempt(t, r, "+390612345678", at)
		until := ""
		if !got.Until.IsZero() {
			until = got.Until.Format(time.DateOnly)
		}
		if got.Verdict.String() != want.verdict || got.Ref != want.ref || until != want.until {
			t.Errorf("on %s: %s %q until %q; want %+v", at, got.Verdict, got.Ref, until, want)
		}
	}
	if got := exempt(t, r, "0611111111", "2026-06-01"); got.Verdict != metering.ExemptNo ||
		!got.Until.IsZero() {
		t.Errorf("an unknown caller: %+v", got)
	}
	expect(t, r, "anonymous", "2026-06-01", metering.ExemptUnknown)
}

func TestRevokeAndExpire(t *testing.T) {
	r := open(t, newFile(t), presentKey)
	add(t, r, "2026-01-01",
		grant("0612345678", "2026-02-01", "2026-03-01", "e-1"),
		grant("0612345678", "2026-05-01", "", "e-2"))
	if err := r.Revoke(ctx, author("2026-06-01"), "e-2", day("2026-06-01")); err != nil {
		t.Fatal(err)
	}
	expect(t, r, "0612345678", "2026-05-31", metering.ExemptYes)
	expect(t, r, "0612345678", "2026-06-01", metering.ExemptNo)
	err := r.Revoke(ctx, author("2026-06-01"), "e-none", day("2026-06-01"))
	if !errors.Is(err, registry.ErrNoRef) {
		t.Errorf("revoking an unknown reference: %v", err)
	}
	if n, err := r.Expire(ctx, author("2026-06-01"), day("2026-04-01")); err != nil || n != 1 {
		t.Errorf("%d expired, %v; want the one that ended in March", n, err)
	}
}

func TestFileContainsNoNumber(t *testing.T) {
	path := newFile(t)
	r := open(t, path, presentKey)
	add(t, r, "2026-01-01",
		grant("0612345678", "2026-02-01", "2026-03-01", "e-1"),
		grant("0699999999", "2026-01-01", "", "e-3"))
	expect(t, r, "0612345678", "2026-02-01", metering.ExemptYes)
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, digits := range []string{"12345678", "99999999"} {
			if bytes.Contains(text, []byte(digits)) {
				t.Errorf("%s contains a number in clear", f)
			}
		}
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %s, %v", f, info.Mode(), err)
		}
	}
}

func TestCodes(t *testing.T) {
	r := open(t, newFile(t), presentKey, formerKey)
	code, err := registry.NewCode()
	if err != nil {
		t.Fatal(err)
	}
	g := grant("", "2026-01-01", "2027-01-01", "")
	g.Code = code
	refs := add(t, r, "2026-01-01", g)
	got, err := r.ExemptCode(ctx, code, day("2026-06-01"))
	if err != nil || got.Verdict != metering.ExemptYes || got.Ref != refs[0] {
		t.Errorf("%+v, %v", got, err)
	}
	for _, wrong := range []string{"", "0000000000", code + "1"} {
		got, err := r.ExemptCode(ctx, wrong, day("2026-06-01"))
		if err != nil || got.Verdict != metering.ExemptNo {
			t.Errorf("code %q: %+v, %v", wrong, got, err)
		}
	}
	got, err = r.ExemptCode(ctx, code, day("2027-01-01"))
	if err != nil || got.Verdict != metering.ExemptNo {
		t.Errorf("after its end: %+v, %v", got, err)
	}
	if e := listed(t, r)[refs[0]]; e.CodeUses != 1 || !e.CodeUsed.Equal(day("2026-06-01")) {
		t.Errorf("the use of the code is not counted: %+v", e)
	}
	// One that has leaked is revoked like any entitlement.
	if err := r.Revoke(ctx, author("2026-07-01"), refs[0], day("2026-07-01")); err != nil {
		t.Fatal(err)
	}
	got, err = r.ExemptCode(ctx, code, day("2026-07-01"))
	if err != nil || got.Verdict != metering.ExemptNo {
		t.Errorf("after it was revoked: %+v, %v", got, err)
	}
}

// Entitlements under a former key are found, get an alias under the present key as their callers
// call, and then need the former key no longer.
func TestKeyRotation(t *testing.T) {
	path, numbers := newFile(t), []string{"0612345678", "0699999999"}
	before := open(t, path, formerKey)
	for _, n := range numbers {
		add(t, before, "2026-01-01", grant(n, "2026-01-01", "", ""))
	}
	during := open(t, path, presentKey, formerKey)
	onlyFormer := func() int64 {
		uses, err := during.Keys(ctx)
		if err != nil || len(uses) != 2 {
			t.Fatal(uses, err)
		}
		return uses[1].Only
	}
	if n := onlyFormer(); n != 2 {
		t.Errorf("%d entitlements need the former key, want 2", n)
	}
	for i, n := range numbers {
		expect(t, during, n, "2026-06-01", metering.ExemptYes)
		if left := onlyFormer(); left != int64(1-i) {
			t.Errorf("after %d calls %d entitlements need the former key", i+1, left)
		}
	}
	after := open(t, path, presentKey)
	for _, n := range numbers {
		expect(t, after, n, "2026-06-01", metering.ExemptYes)
	}
}
