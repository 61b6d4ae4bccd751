package metering_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering"
)

func TestNumbersHaveOneForm(t *testing.T) {
	for _, c := range []struct{ text, country, want string }{
		{"+39 06 1234-5678", "39", "+390612345678"},
		{"0039 0612345678", "39", "+390612345678"},
		{"0612345678", "39", "+390612345678"},
		{"030 1234567", "49", "+49301234567"},
		{"0612345678", "", "0612345678"},
		{"anonymous", "39", ""},
		{"", "39", ""},
		{"+", "39", ""},
		{"12+34", "39", ""},
	} {
		n := metering.NewNumber(c.text, c.country)
		if n.Clear() != c.want || n.Withheld() != (c.want == "") {
			t.Errorf("%q of %q: %q, want %q", c.text, c.country, n.Clear(), c.want)
		}
	}
}

func TestNumbersDoNotPrint(t *testing.T) {
	n := metering.NewNumber("+390612345678", "")
	text, err := json.Marshal(map[string]any{"n": n, "p": &n})
	if err != nil {
		t.Fatal(err)
	}
	within := struct{ N metering.Number }{n}
	printed := fmt.Sprintf("%v %+v %#v %s %q %d %x %s", n, within, n, n, n, n, n, text)
	if strings.Contains(strings.ReplaceAll(printed, "+", ""), "390612345678") ||
		strings.Contains(printed, "3339303631") { // %x of the first digits
		t.Errorf("the digits are printed: %s", printed)
	}
}
