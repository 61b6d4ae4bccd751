package registry_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption/registry"
)

// list are the grants of an office's list; each row is number,from,until,ref,category.
func list(t *testing.T, rows ...string) []registry.Grant {
	t.Helper()
	text := "number,from,until,ref,category\n" + strings.Join(rows, "\n") + "\n"
	grants, err := registry.ReadCSV(strings.NewReader(text), "39", rome(t))
	if err != nil {
		t.Fatal(err)
	}
	return grants
}

func replace(
	t *testing.T, r *registry.Registry, at, on string, dry bool, grants []registry.Grant,
) registry.Replaced {
	t.Helper()
	n, err := r.Replace(ctx, author(at), day(on), grants, dry)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestListReplacesTheOneBefore(t *testing.T) {
	r := open(t, newFile(t), presentKey, formerKey)
	const stays, goes, comes = "0612345670", "0612345671", "0612345672"
	byHand := grant("0612345673", "2026-01-01", "", "e-hand")
	add(t, r, "2026-01-01", byHand)
	october := list(t, stays+",2026-01-01,,INPS-1,pensioner", goes+",2026-01-01,,INPS-2,pensioner")
	if n := replace(t, r, "2026-10-01", "2026-10-01", false, october); n !=
		(registry.Replaced{Entered: 2}) {
		t.Errorf("the first list: %+v", n)
	}
	november := list(t, stays+",2026-01-01,,INPS-1,pensioner", comes+",2026-11-01,,INPS-3,pensioner")
	want := registry.Replaced{Kept: 1, Entered: 1, Ended: 1}
	before := listed(t, r)
	if n := replace(t, r, "2026-10-30", "2026-11-01", true, november); n != want {
		t.Errorf("the dry run: %+v, want %+v", n, want)
	}
	if after := listed(t, r); !maps.Equal(before, after) {
		t.Errorf("the dry run changed %v to %v", before, after)
	}
	if n := replace(t, r, "2026-10-30", "2026-11-01", false, november); n != want {
		t.Errorf("replaced %+v, want %+v", n, want)
	}
	for _, c := range []struct {
		number, at string
		want       metering.Verdict
	}{
		{stays, "2026-12-01", metering.ExemptYes},
		{goes, "2026-10-31", metering.ExemptYes}, {goes, "2026-11-01", metering.ExemptNo},
		{comes, "2026-10-31", metering.ExemptNo}, {comes, "2026-11-01", metering.ExemptYes},
		{"0612345673", "2026-12-01", metering.ExemptYes}, // no list entered it
	} {
		expect(t, r, c.number, c.at, c.want)
	}
	state, err := r.State(ctx)
	if err != nil {
		t.Fatal(err)
	}
	before = listed(t, r)
	if n := replace(t, r, "2026-11-02", "2026-11-03", false, november); n !=
		(registry.Replaced{Kept: 2}) {
		t.Errorf("the same list again: %+v", n)
	}
	if after, err := r.State(ctx); err != nil || after != state || !maps.Equal(before, listed(t, r)) {
		t.Errorf("the same list again changed the register: %v, %v", after, err)
	}
}

// Who is missing in one list and back in the next is exempt throughout, and the calls in between are
// credited.
func TestListBringsSomebodyBack(t *testing.T) {
	r := open(t, newFile(t), presentKey)
	const number, other = "0612345670", "0612345671"
	row, otherRow := number+",2026-01-01,,,pensioner", other+",2026-01-01,,,"
	replace(t, r, "2025-12-31", "2025-12-31", false, list(t, row, otherRow))
	replace(t, r, "2026-10-01", "2026-10-01", false, list(t, otherRow))
	expect(t, r, number, "2026-10-15", metering.ExemptNo)
	n := replace(t, r, "2026-11-01", "2026-11-01", false, list(t, row, otherRow))
	if n != (registry.Replaced{Kept: 2, Changed: 1}) {
		t.Errorf("%+v", n)
	}
	expect(t, r, number, "2026-10-15", metering.ExemptYes)
	got, err := r.Backdated(ctx, 0, 10)
	if err != nil || len(got) != 1 || !got[0].Covers(day("2026-10-15")) ||
		!slices.Contains(got[0].Pseudonyms, config(t, "", presentKey).Pseudonyms.Of(
			metering.NewNumber("+39"+number))) {
		t.Errorf("to be credited: %+v, %v", got, err)
	}
}

func TestListChangesAnEndAndACategory(t *testing.T) {
	r := open(t, newFile(t), presentKey)
	replace(t, r, "2025-12-31", "2025-12-31", false,
		list(t, "0612345670,2026-01-01,2026-06-30,a-1,unemployed"))
	n := replace(t, r, "2026-06-01", "2026-06-01", false,
		list(t, "0612345670,2026-01-01,2026-12-31,a-1,pensioner"))
	if n != (registry.Replaced{Kept: 1, Changed: 1}) {
		t.Errorf("%+v", n)
	}
	expect(t, r, "0612345670", "2026-12-01", metering.ExemptYes)
	if e := listed(t, r)["a-1"]; e.Category != "pensioner" || !e.Revoked.IsZero() {
		t.Errorf("%+v", e)
	}
	if got, err := r.Backdated(ctx, 0, 10); err != nil || len(got) != 0 {
		t.Errorf("nothing is to be credited: %+v, %v", got, err)
	}
}

func TestListThatCannotReplaceChangesNothing(t *testing.T) {
	r := open(t, newFile(t), presentKey)
	replace(t, r, "2025-12-31", "2025-12-31", false, list(t, "0612345670,2026-01-01,,a-1,"))
	before := listed(t, r)
	for want, grants := range map[string][]registry.Grant{
		"the list has no rows": nil,
		"line 3: ref: the register has it": list(t,
			"0612345671,2026-01-01,,,", "0612345672,2026-01-01,,a-1,"),
	} {
		_, err := r.Replace(ctx, author("2026-02-01"), day("2026-02-01"), grants, false)
		if err == nil || !strings.Contains(err.Error(), want) || !maps.Equal(before, listed(t, r)) {
			t.Errorf("%v, want %q; the register has %v", err, want, listed(t, r))
		}
	}
}
