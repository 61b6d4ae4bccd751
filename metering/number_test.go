package metering_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering"
)

func TestNumbersComeToOneForm(t *testing.T) {
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
	said := fmt.Sprintf("%v %+v %#v %s %q %d %x %s", n, struct{ N metering.Number }{n}, n, n, n, n, n, text)
	if strings.Contains(strings.ReplaceAll(said, "+", ""), "390612345678") || strings.Contains(said, "3339303631") {
		t.Errorf("the digits got out: %s", said)
	}
}

func TestPseudonymsAreKeyedAndStable(t *testing.T) {
	if _, err := metering.NewPseudonyms([]byte("short")); err == nil {
		t.Error("a key of five bytes was accepted")
	}
	one, err := metering.NewPseudonyms([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := metering.NewPseudonyms([]byte("0123456789abcdeg"))
	if err != nil {
		t.Fatal(err)
	}
	n := metering.NewNumber("+390612345678", "")
	if a, b := one.Of(n), one.Of(metering.NewNumber("0039 06 12345678", "")); a != b || !strings.HasPrefix(a, "c-") || len(a) != 28 {
		t.Errorf("%q and %q, want one name of 28 letters", a, b)
	}
	if one.Of(n) == two.Of(n) {
		t.Error("two keys give the same name")
	}
	if got := one.Of(metering.Number{}); got != "" {
		t.Errorf("a withheld number is called %q", got)
	}
}
