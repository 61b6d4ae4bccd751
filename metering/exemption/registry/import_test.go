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
0612345679,2026-01-01,,e 1,` + "a\x07b" + `
612345679,2026-01-01,,,
3331234567.0,2026-01-01,,,
0612345679/0612345670,2026-01-01,,,
0612345679,,,,
"x,2026
`
	_, err := registry.ReadCSV(strings.NewReader(badRows), "39", rome(t))
	if err == nil {
		t.Fatal("the bad rows were accepted")
	}
	for _, want := range []string{
		"line 4: number: not a telephone number, or more than one",
		"line 5: from: not a day such as 2026-01-31",
		"line 6: until: before from",
		"line 7: ref: the same as in line 2",
		"line 8: 2 fields, want 5",
		"line 9: ref: not at most 64",
		"category: not at most 200 printable",
		"line 10: number: ",
		"line 11: number: ",
		"line 12: number: ",
		"line 13: from: missing",
		"line 14: ",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
	for _, cell := range []string{"12345679", "nobody", "3331234567", "2026-13", "a\x07b"} {
		if err != nil && strings.Contains(err.Error(), cell) {
			t.Errorf("the errors quote a cell:\n%v", err)
		}
	}
}

func TestImportWithOtherColumns(t *testing.T) {
	_, err := registry.ReadCSV(strings.NewReader("number,reason\n"), "39", rome(t))
	if err == nil || !strings.Contains(err.Error(), "line 1: the columns must be exactly") {
		t.Errorf("other columns: %v", err)
	}
}

func TestCategoriesArePrintableText(t *testing.T) {
	const rows = "number;from;until;ref;category\n" +
		"0612345670;2026-01-01;;a-1;invalidità civile 100%\n" +
		"0612345671;2026-01-01;;a-2;L. 104/92\n" +
		"0612345672;2026-01-01;;a-3;assegno sociale (INPS)\n" +
		"0612345673;2026-01-01;;a-4;disoccupato, NASpI\n" +
		"0612345674;2026-01-01;;a-5;eta' > 67\n"
	grants, err := registry.ReadCSV(strings.NewReader(rows), "39", rome(t))
	if err != nil || len(grants) != 5 {
		t.Fatalf("%d grants, %v", len(grants), err)
	}
	r := open(t, newFile(t), presentKey)
	add(t, r, "2026-01-01", grants...)
	if got := listed(t, r)["a-1"].Category; got != "invalidità civile 100%" {
		t.Errorf("category %q", got)
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
	_, err = r.Add(ctx, author("2026-01-01"), grants[0], grants[0])
	if err == nil || !strings.Contains(err.Error(), "line 2: ref: the register has it already") {
		t.Errorf("one reference was added twice: %v", err)
	}
	expect(t, r, "0612345678", "2026-06-01", metering.ExemptNo)
	add(t, r, "2026-01-01", grants...)
	expect(t, r, "0612345678", "2026-06-01", metering.ExemptYes)
}
