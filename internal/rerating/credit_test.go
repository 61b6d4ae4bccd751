package rerating

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption/registry"
	"github.com/risposta/gateway/metering/ledger"
)

// backdated is an entitlement since January of the caller with a number.
func backdated(number, ref string) registry.Grant {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return registry.Grant{
		Number: metering.NewNumber(number), Entitlement: registry.Entitlement{Ref: ref, From: from},
	}
}

// enter adds entitlements, after all calls of the tests.
func (f fixture) enter(t *testing.T, grants ...registry.Grant) {
	t.Helper()
	author := registry.Author{Name: "anna", At: time.Now().AddDate(1, 0, 0)}
	if _, err := f.Registry.Add(t.Context(), author, grants...); err != nil {
		t.Fatal(err)
	}
}

func (f fixture) unprocessed(t *testing.T) int {
	t.Helper()
	b, err := f.Registry.Backdated(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	return len(b)
}

// A backdated entitlement credits once. It is not processed while its caller is in a call that it
// covers: the record of that one is still to come.
func TestBackdatedEntitlementCredits(t *testing.T) {
	for _, inCall := range []bool{false, true} {
		f := newFixture(t, metering.ExemptNo, 0)
		f.resolve(t.Context())
		if inCall {
			again := ledger.OpenCall{
				Call: "still-there", Node: "n", Service: "help", ArrivedAt: f.newest(t).ArrivedAt.Time,
				EncryptedCaller: f.Pseudonyms.Encrypt(metering.NewNumber(callersNumber)),
			}
			b := ledger.Batch{Node: "n", Opened: []ledger.OpenCall{again}}
			if err := f.ledger.Commit(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
		}
		f.enter(t, backdated(callersNumber, "e-late"))
		for range 2 {
			f.credit(t.Context())
			r := f.newest(t)
			if r.Version != 3 || !r.Exempt || r.ExemptionRef != "e-late" || r.Charge.Minor != 0 ||
				!slices.Contains(r.Reasons, metering.ReasonCredited) {
				t.Fatalf("credited: %s", r.JSON())
			}
		}
		if n := f.unprocessed(t); (n == 1) != inCall {
			t.Errorf("with the caller in a call (%v) %d entitlements are unprocessed", inCall, n)
		}
	}
}

// Entitlements by the thousand, as an import brings them: all are processed, in batches, and the
// one caller among them who has called is credited.
func TestBackdatedImportIsProcessedInBatches(t *testing.T) {
	f := newFixture(t, metering.ExemptNo, 0)
	f.resolve(t.Context())
	const people = 1005
	grants := make([]registry.Grant, people)
	for i := range grants {
		grants[i] = backdated(fmt.Sprintf("+3906%08d", 50_000_000+i), "")
	}
	grants[people-2] = backdated(callersNumber, "e-late")
	f.enter(t, grants...)
	f.credit(t.Context())
	if r := f.newest(t); r.Version != 3 || r.ExemptionRef != "e-late" {
		t.Errorf("not credited: %s", r.JSON())
	}
	if n := f.unprocessed(t); n != 0 || len(f.saw.failed) != 0 {
		t.Errorf("%d entitlements are unprocessed, %v", n, f.saw.failed)
	}
}

// The caller's number meant two numbers, and the likelier was not the caller's. An entitlement of
// the other one credits too.
func TestBackdatedEntitlementOfAnotherReadingCredits(t *testing.T) {
	f := newFixture(t, metering.ExemptNo, 0)
	f.resolve(t.Context())
	first := f.newest(t)
	const other = "+3906123456"
	name := f.Pseudonyms.Of(metering.NewNumber(other))
	covered, _, err := f.covered(t.Context(), ledger.Query{},
		map[string][]registry.BackdatedEntitlement{name: {{Until: time.Now()}}})
	if err != nil || len(covered) != 0 {
		t.Errorf("%v, %v; the number means one number", covered, err)
	}
	first.CallerAlso = []string{name}
	untrusted := first
	untrusted.Reasons = append(slices.Clone(first.Reasons), metering.ReasonNumberUntrusted)
	f.Store = oneRecord{f.Store, untrusted.JSON()}
	covered, _, err = f.covered(t.Context(), ledger.Query{},
		map[string][]registry.BackdatedEntitlement{name: {{Until: time.Now()}}})
	if err != nil || len(covered) != 0 {
		t.Errorf("%v, %v; anybody may have sent the number", covered, err)
	}
	f.Store = oneRecord{f.Store, first.JSON()}
	covered, _, err = f.covered(t.Context(), ledger.Query{},
		map[string][]registry.BackdatedEntitlement{name: {{Until: time.Now()}}})
	if err != nil || len(covered) != 1 || covered[0].call != first.Call {
		t.Errorf("%v, %v; want the call", covered, err)
	}
}

// oneRecord is a store that has one record.
type oneRecord struct {
	ResolverStore
	json []byte
}

func (o oneRecord) Records(_ context.Context, _ ledger.Query, f func([]byte) error) error {
	return f(o.json)
}

// damaged is a store with a record more that cannot be read.
type damaged struct{ ResolverStore }

func (d damaged) Records(ctx context.Context, q ledger.Query, f func([]byte) error) error {
	if err := f([]byte(`{"call":"c`)); err != nil {
		return err
	}
	return d.ResolverStore.Records(ctx, q, f)
}

// A record that cannot be read stops no credit of others. Whose it is is not known, so the entitlement
// is looked at again, and not before a while: it costs a search of all records.
func TestDamagedRecordStopsNoOtherCredit(t *testing.T) {
	f := newFixture(t, metering.ExemptNo, 0)
	f.resolve(t.Context())
	whole := f.Store
	f.Store = damaged{whole}
	f.enter(t, backdated(callersNumber, "e-late"))
	f.credit(t.Context())
	if r := f.newest(t); r.Version != 3 || r.ExemptionRef != "e-late" {
		t.Errorf("not credited: %s", r.JSON())
	}
	if !slices.Equal(f.saw.unreadable, []int{1}) || len(f.saw.failed) != 1 {
		t.Errorf("unreadable records %v, errors %v", f.saw.unreadable, f.saw.failed)
	}
	f.credit(t.Context())
	if n := f.unprocessed(t); n != 1 || len(f.saw.unreadable) != 1 {
		t.Errorf("%d entitlements are unprocessed, want one; searches %v", n, f.saw.unreadable)
	}
	f.creditAgain = f.creditAgain.Add(-damagedEvery) // ten minutes pass
	f.Store = whole
	f.credit(t.Context())
	if n := f.unprocessed(t); n != 0 || !slices.Equal(f.saw.unreadable, []int{1, 0}) {
		t.Errorf("%d entitlements are unprocessed, want none; searches %v", n, f.saw.unreadable)
	}
}

// Entitlements that must wait, here for a damaged record, keep no later ones waiting.
func TestWaitingEntitlementsHoldUpNoLaterOnes(t *testing.T) {
	f := newFixture(t, metering.ExemptNo, 0)
	f.resolve(t.Context())
	f.Store, f.batch = damaged{f.Store}, 2
	f.enter(t, backdated("+390650000001", ""), backdated("+390650000002", ""),
		backdated("+390650000003", ""), backdated(callersNumber, "e-late"))
	f.credit(t.Context())
	if r := f.newest(t); r.ExemptionRef != "e-late" {
		t.Errorf("not credited: %s", r.JSON())
	}
}
