package registry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption/registry"
)

const goodRows = `number,from,until,ref,category
0612345678,2026-01-01,2026-12-31,e-1,unemployed
+39 333 1234567,2026-01-01,,,
`

func rome(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestImportReportsEachBadRow(t *testing.T) {
	const badRows = goodRows + `nobody,2026-01-01,,,
0612345679,2026-13-01,,,
0612345679,2026-02-01,2026-01-01,,
0612345679,2026-01-01,,e-1,
0612345679,2026-01-01
0612345679,2026-01-01,,e 1,a<b
"x,2026
`
	_, err := registry.ReadCSV(strings.NewReader(badRows), "39", rome(t))
	if err == nil {
		t.Fatal("the bad rows were accepted")
	}
	for _, want := range []string{
		"line 4: number: not a telephone number",
		`line 5: from: "2026-13-01" is not a day`,
		"line 6: until: before from",
		"line 7: ref: the same as in line 2",
		"line 8: 2 fields, want 5",
		"line 9: ref: not at most 64",
		"category: not at most 64",
		"line 10: ",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "0612345679") {
		t.Errorf("the errors quote a number:\n%v", err)
	}
}

func TestImportWithOtherColumns(t *testing.T) {
	_, err := registry.ReadCSV(strings.NewReader("number,reason\n"), "39", rome(t))
	if err == nil || !strings.Contains(err.Error(), "line 1: the columns must be exactly") {
		t.Errorf("other columns: %v", err)
	}
}

func TestImportIsAllOrNothing(t *testing.T) {
	grants, err := registry.ReadCSV(strings.NewReader(goodRows), "39", rome(t))
	if err != nil || len(grants) != 2 {
		t.Fatalf("%d grants, %v", len(grants), err)
	}
	want := time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)
	if !grants[0].Until.Equal(want) {
		t.Errorf("the last day ends at %s, want %s", grants[0].Until.UTC(), want)
	}
	r := open(t, newFile(t), presentKey)
	if _, err := r.Add(ctx, day("2026-01-01"), grants[0], grants[0]); err == nil {
		t.Error("one reference was added twice")
	}
	expect(t, r, "0612345678", "2026-06-01", metering.ExemptNo)
	add(t, r, "2026-01-01", grants...)
	expect(t, r, "0612345678", "2026-06-01", metering.ExemptYes)
}
