package metering_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
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

func TestKeysAreRead(t *testing.T) {
	p, err := metering.ParseKeys("the present key of callers\n\n the former key of callers \n")
	if err != nil {
		t.Fatal(err)
	}
	present, err := metering.ParseKeys("the present key of callers")
	if err != nil {
		t.Fatal(err)
	}
	n := metering.NewNumber("+390612345678", "")
	all := p.All(n)
	if len(all) != 2 || all[0] != p.Of(n) || all[0] != present.Of(n) || all[0] == all[1] || len(p.IDs()) != 2 || p.IDs()[0] == p.IDs()[1] {
		t.Errorf("names %v, keys %v", all, p.IDs())
	}
	for _, bad := range []string{"", "short", "the same key of callers\nthe same key of callers", strings.Repeat("x", 16) + "\nshort"} {
		if _, err := metering.ParseKeys(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	for _, code := range p.OfCode("0612345678") {
		if slices.Contains(p.All(metering.NewNumber("0612345678", "")), code) {
			t.Error("a code and a number have one name")
		}
	}
}

// A sealed number opens under its key, also when that has become a former one, and under no other.
func TestNumbersAreSealed(t *testing.T) {
	n := metering.NewNumber("+390612345678", "")
	parse := func(text string) *metering.Pseudonyms {
		p, err := metering.ParseKeys(text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	old, rotated, other := parse("the former key of callers"), parse("the present key of callers\nthe former key of callers"), parse("quite another key")
	sealed := old.Encrypt(n)
	if bytes.Contains(sealed, []byte("12345678")) || !bytes.Equal(sealed, old.Encrypt(n)) || bytes.Equal(sealed, rotated.Encrypt(n)) {
		t.Errorf("sealed: %q", sealed)
	}
	for _, p := range []*metering.Pseudonyms{old, rotated} {
		if got, err := p.Decrypt(sealed); err != nil || got != n {
			t.Errorf("unsealed: %v", err)
		}
	}
	broken := append([]byte(nil), sealed...)
	broken[len(broken)-1] ^= 1
	for _, bad := range [][]byte{nil, {1}, broken} {
		if _, err := old.Decrypt(bad); err == nil {
			t.Errorf("%q was unsealed", bad)
		}
	}
	if _, err := other.Decrypt(sealed); err == nil {
		t.Error("it opens under another key")
	}
	if old.Encrypt(metering.Number{}) != nil {
		t.Error("a withheld number seals to something")
	}
}
