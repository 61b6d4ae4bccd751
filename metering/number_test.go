package metering_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering"
)

func TestNumbersAreWithheldWithoutDigits(t *testing.T) {
	for text, withheld := range map[string]bool{
		"": true, "anonymous": true, "+": true, "+390612345678": false, "0612345678;npdi": false,
	} {
		n := metering.NewNumber(text)
		if n.Withheld() != withheld || !withheld && n.Clear() != text || withheld && n.Clear() != "" {
			t.Errorf("%q: withheld %v, %q", text, n.Withheld(), n.Clear())
		}
	}
}

func TestNumberWithSeveralReadings(t *testing.T) {
	mobile, rome := metering.NewNumber("+393906123456"), metering.NewNumber("+3906123456")
	both := mobile.Or(rome)
	if got := both.Readings(); !slices.Equal(got, []metering.Number{mobile, rome}) || both == mobile {
		t.Errorf("the readings are %d, want the two", len(got))
	}
	if got := mobile.Readings(); !slices.Equal(got, []metering.Number{mobile}) {
		t.Errorf("%d readings of one number", len(got))
	}
	if got := metering.NewNumber("").Readings(); got != nil {
		t.Errorf("a withheld number has %d readings", len(got))
	}
}

func TestNumbersDoNotPrint(t *testing.T) {
	n := metering.NewNumber("+390612345678")
	text, err := json.Marshal(map[string]any{"n": n, "p": &n})
	if err != nil {
		t.Fatal(err)
	}
	within := struct{ N metering.Number }{n}
	printed := fmt.Sprintf("%v %+v %#v %s %q %d %x %s", n, within, n, n, n, n, n, text)
	if strings.Contains(strings.ReplaceAll(printed, "+", ""), "39061234") ||
		strings.Contains(printed, "3339303631") { // %x of the first digits
		t.Errorf("the digits are printed: %s", printed)
	}
}
