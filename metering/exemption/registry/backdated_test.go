package registry_test

import (
	"slices"
	"testing"

	"github.com/risposta/gateway/metering/exemption/registry"
)

// Only entitlements that were added after they began are backdated, for the calls in between, until
// they are marked.
func TestBackdatedEntitlements(t *testing.T) {
	r := open(t, newFile(t), presentKey, formerKey)
	add(t, r, "2026-06-01",
		grant("0612345678", "2026-05-01", "", "e-open"),
		grant("0612345678", "2026-02-01", "2026-03-01", "e-ended"),
		grant("0612345678", "2026-06-01", "", "e-present"),
		grant("0612345678", "2026-07-01", "", "e-future"))
	got, err := r.Backdated(ctx, 0, 10)
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v; want 2", got, err)
	}
	for i, want := range []struct{ ref, from, until string }{
		{"e-open", "2026-05-01", "2026-06-01"}, {"e-ended", "2026-02-01", "2026-03-01"},
	} {
		b, from, until := got[i], day(want.from), day(want.until)
		if b.Ref != want.ref || !b.From.Equal(from) || !b.Until.Equal(until) ||
			!slices.Equal(b.Pseudonyms, config(t, "", presentKey, formerKey).Pseudonyms.All(
				number("0612345678"))) {
			t.Errorf("%+v, want %+v and two pseudonyms", b, want)
		}
		if !b.Covers(from) || b.Covers(until) {
			t.Errorf("%s covers its first instant: %v, its end: %v", b.Ref, b.Covers(from), b.Covers(until))
		}
	}
	if first, err := r.Backdated(ctx, 0, 1); err != nil || len(first) != 1 || first[0].Ref != "e-open" {
		t.Errorf("at most one: %+v, %v", first, err)
	}
	if err := r.MarkProcessed(ctx, []int64{got[0].ID}, day("2026-06-02")); err != nil {
		t.Fatal(err)
	}
	left, err := r.Backdated(ctx, 0, 10)
	isEnded := func(b registry.BackdatedEntitlement) bool { return b.Ref == "e-ended" }
	if err != nil || len(left) != 1 || !slices.ContainsFunc(left, isEnded) {
		t.Errorf("after marking the first: %+v, %v", left, err)
	}
}
