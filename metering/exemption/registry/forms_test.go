package registry_test

import (
	"strings"
	"testing"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/exemption/registry"
)

// Whoever was imported is found in every form in which a carrier may send the number. What is
// nobody's number is not known, and never a no.
func TestImportedNumbersAreFoundInEveryForm(t *testing.T) {
	r := open(t, newFile(t), presentKey)
	const rows = "number,from,until,ref,category\n390612345678,2026-01-01,,e-1,\n"
	grants, err := registry.ReadCSV(strings.NewReader(rows), "39", rome(t))
	if err != nil {
		t.Fatal(err)
	}
	add(t, r, "2026-01-01", grants...)
	all := exemption.AnyOf{r}
	for text, want := range map[string]metering.Verdict{
		"+390612345678": metering.ExemptYes, "00390612345678": metering.ExemptYes,
		"0612345678": metering.ExemptYes, "390612345678": metering.ExemptYes,
		"+39 06 12345678": metering.ExemptYes, "+390612345678;phone-context=x": metering.ExemptYes,
		"00612345678": metering.ExemptUnknown, "0390612345678": metering.ExemptUnknown,
		"266696687": metering.ExemptUnknown, "0000000000": metering.ExemptUnknown,
		"0612345679": metering.ExemptNo,
	} {
		got, err := all.Exempt(ctx, number(text), day("2026-06-01"))
		if err != nil || got.Verdict != want {
			t.Errorf("%s: %s, %v; want %s", text, got.Verdict, err, want)
		}
	}
}

// A row that means two numbers enters the person under both.
func TestImportedNumberWithTwoReadings(t *testing.T) {
	r := open(t, newFile(t), presentKey, formerKey)
	const rows = "number,from,until,ref,category\n3906123456,2026-01-01,,e-1,\n"
	grants, err := registry.ReadCSV(strings.NewReader(rows), "39", rome(t))
	if err != nil {
		t.Fatal(err)
	}
	add(t, r, "2026-01-01", grants...)
	for _, n := range []string{"+393906123456", "+3906123456"} {
		expect(t, r, n, "2026-06-01", metering.ExemptYes)
	}
}
