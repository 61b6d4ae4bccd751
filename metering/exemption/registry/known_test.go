package registry_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption/registry"
)

const known, stranger = "0612345678", "0699999999"

// knownTo is a register whose ledger knows a state of it.
func knownTo(t *testing.T, conf registry.Config, s *registry.State) *registry.Registry {
	t.Helper()
	conf.Known = func(context.Context) (registry.State, error) { return *s, nil }
	return with(t, conf)
}

// unknown requires that the register does not answer about a number: neither yes nor no.
func unknown(t *testing.T, r *registry.Registry, n string, want error) {
	t.Helper()
	got, err := r.Exempt(ctx, number(n), day("2026-06-01"))
	if !errors.Is(err, want) || got.Verdict != metering.ExemptUnknown {
		t.Errorf("%s, %v; want unknown and %v", got.Verdict, err, want)
	}
}

func stateOf(t *testing.T, r *registry.Registry) registry.State {
	t.Helper()
	s, err := r.State(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestMissingRegisterKnowsNobody(t *testing.T) {
	path := newFile(t)
	r := with(t, config(t, path, presentKey))
	unknown(t, r, known, registry.ErrMissing)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty register was made: %v", err)
	}
	_, err := r.Add(ctx, author("2026-01-01"), grant(known, "2026-01-01", "", "e-1"))
	if !errors.Is(err, registry.ErrMissing) {
		t.Errorf("adding to it: %v", err)
	}
}

// The file goes while the register is open, and comes back.
func TestRegisterRemovedWhileOpen(t *testing.T) {
	path := newFile(t)
	r := open(t, path, presentKey)
	add(t, r, "2026-01-01", grant(known, "2026-01-01", "", "e-1"))
	expect(t, r, stranger, "2026-06-01", metering.ExemptNo)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	unknown(t, r, known, registry.ErrMissing)
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	expect(t, r, known, "2026-06-01", metering.ExemptYes)
	expect(t, r, stranger, "2026-06-01", metering.ExemptNo)
}

// An empty register in the place of the known one, and an older copy of it, do not answer no.
func TestAnotherRegisterThanTheLedgerKnows(t *testing.T) {
	path, old := newFile(t), newFile(t)
	r := open(t, path, presentKey)
	add(t, r, "2026-01-01", grant(known, "2026-01-01", "", "e-1"))
	if err := r.Close(); err != nil { // moves the write-ahead log into the file
		t.Fatal(err)
	}
	copyFile(t, path, old)
	add(t, r, "2026-02-01", grant(stranger, "2026-01-01", "", "e-2"))
	state := stateOf(t, r)
	expect(t, knownTo(t, config(t, path, presentKey), &state), "0611111111", "2026-06-01",
		metering.ExemptNo)

	older := knownTo(t, config(t, old, presentKey), &state)
	unknown(t, older, stranger, registry.ErrRefused)
	expect(t, older, known, "2026-06-01", metering.ExemptYes) // whom it has, it has
	if _, err := older.State(ctx); !errors.Is(err, registry.ErrRefused) {
		t.Errorf("the state of a refused register could be noted: %v", err)
	}

	empty := newFile(t)
	open(t, empty, presentKey)
	other := knownTo(t, config(t, empty, presentKey), &state)
	unknown(t, other, known, registry.ErrRefused)
	if _, err := other.Add(ctx, author("2026-03-01")); !errors.Is(err, registry.ErrRefused) {
		t.Errorf("a refused register was changed: %v", err)
	}
	accepted, err := other.Accept(ctx, author("2026-03-01"))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, knownTo(t, config(t, empty, presentKey), &accepted), known, "2026-06-01",
		metering.ExemptNo)
}

func TestFileThatIsNoRegisterKnowsNobody(t *testing.T) {
	path := newFile(t)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := with(t, config(t, path, presentKey)).Exempt(ctx, number(known), day("2026-06-01"))
	if err == nil || got.Verdict != metering.ExemptUnknown {
		t.Errorf("an empty file: %+v, %v", got, err)
	}
}

// A key that entitlements need was taken out of the key file.
func TestRegisterUnderAKeyThatIsGone(t *testing.T) {
	path := newFile(t)
	add(t, open(t, path, formerKey), "2026-01-01", grant(known, "2026-01-01", "", "e-1"))
	without := with(t, config(t, path, presentKey))
	unknown(t, without, known, registry.ErrRefused)
	if _, err := without.Accept(ctx, author("2026-03-01")); !errors.Is(err, registry.ErrRefused) {
		t.Errorf("a register without its key was accepted: %v", err)
	}
	err := without.Usable(ctx)
	if err == nil || !strings.Contains(err.Error(), "1 entitlements are under keys that") {
		t.Errorf("usable: %v", err)
	}
	expect(t, with(t, config(t, path, presentKey, formerKey)), known, "2026-06-01", metering.ExemptYes)
}

func TestRegisterOfAnotherCountryCode(t *testing.T) {
	path := newFile(t)
	add(t, open(t, path, presentKey), "2026-01-01", grant(known, "2026-01-01", "", "e-1"))
	german := config(t, path, presentKey)
	german.CountryCode = "49"
	r := with(t, german)
	unknown(t, r, stranger, registry.ErrRefused)
	expect(t, r, known, "2026-06-01", metering.ExemptYes)
	if _, err := r.Accept(ctx, author("2026-03-01")); err != nil {
		t.Fatal(err)
	}
	expect(t, with(t, german), stranger, "2026-06-01", metering.ExemptNo)
}

func TestRegisterIsMadeOnce(t *testing.T) {
	path := newFile(t)
	open(t, path, presentKey)
	if err := registry.Create(ctx, config(t, path, presentKey), author("2026-01-01")); err == nil {
		t.Error("a register was made over another")
	}
}

// Each change is an entry, and an entry or an entitlement that was tampered with shows.
func TestLogOfChanges(t *testing.T) {
	path := newFile(t)
	r := open(t, path, presentKey)
	add(t, r, "2026-01-01", grant(known, "2026-01-01", "2026-03-01", "e-1"))
	add(t, r, "2026-01-02", grant(stranger, "2026-01-01", "", "e-2"), grant(stranger, "2026-01-01", "", ""))
	if err := r.Revoke(ctx, author("2026-02-01"), "e-2", day("2026-02-01")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Expire(ctx, author("2026-06-01"), day("2026-04-01")); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := r.Log(ctx, func(e registry.Entry) error {
		got = append(got, e.By+" "+e.What+" "+e.Ref)
		return nil
	})
	const want = "anna created |anna added e-1|anna added |anna revoked e-2|anna expired "
	if err != nil || strings.Join(got, "|") != want {
		t.Errorf("%s, %v; want %s", strings.Join(got, "|"), err, want)
	}
	state := stateOf(t, r)
	verify := func(known registry.State) []string {
		t.Helper()
		n, problems, err := registry.VerifyLog(ctx, path, known)
		if err != nil || n != 5 {
			t.Errorf("%d entries, %v", n, err)
		}
		return problems
	}
	if p := verify(state); len(p) != 0 {
		t.Errorf("an honest register: %v", p)
	}
	if p := verify(registry.State{ID: state.ID, Changes: 6, Head: state.Head}); len(p) != 1 {
		t.Errorf("an older state than is known: %v", p)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	exec := func(query string) error {
		_, err := db.ExecContext(ctx, query)
		return err
	}
	if exec(`DELETE FROM change`) == nil || exec(`UPDATE change SET text = x'00'`) == nil {
		t.Error("an entry was changed or deleted")
	}
	err = errors.Join(exec(`DELETE FROM entitlement `),
		exec(`DROP TRIGGER change_stays`), exec(`UPDATE change SET text =
			CAST(replace(CAST(text AS TEXT), 'anna', 'nemo') AS BLOB) WHERE n = 4`))
	if err != nil {
		t.Fatal(err)
	}
	if p := strings.Join(verify(state), "\n"); !strings.Contains(p, "entry 5 of its log") ||
		!strings.Contains(p, "it has 0 entitlements, and 1 by its log") {
		t.Errorf("tampered with: %v", p)
	}
}

// An honest register that changes while it is verified is found honest: each verification reads one
// state of it.
func TestVerifyBesideChanges(t *testing.T) {
	path := newFile(t)
	r := open(t, path, presentKey)
	state := stateOf(t, r)
	done := make(chan error, 1)
	go func() {
		for range 300 {
			_, err := r.Add(ctx, author("2026-01-01"), grant(known, "2026-01-01", "", ""))
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	verified := 0
	for {
		select {
		case err := <-done:
			if err != nil || verified < 2 {
				t.Errorf("%d verifications beside the changes, %v", verified, err)
			}
			return
		default:
		}
		_, problems, err := registry.VerifyLog(ctx, path, state)
		if err != nil || len(problems) > 0 {
			t.Errorf("beside changes: %v, %v", problems, err)
		}
		verified++
	}
}
