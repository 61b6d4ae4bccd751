package metering_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering"
)

func keys(t *testing.T, text string) *metering.Pseudonyms {
	t.Helper()
	p, err := metering.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	presentKey = "the present key of callers"
	formerKey  = "the former key of callers"
)

func TestPseudonymsAreKeyedAndStable(t *testing.T) {
	one, two := keys(t, "0123456789abcdef"), keys(t, "0123456789abcdeg")
	n := metering.NewNumber("+390612345678")
	a, b := one.Of(n), one.Of(metering.NewNumber("+390612345678"))
	if a != b || !strings.HasPrefix(a, "c-") || len(a) != 28 {
		t.Errorf("%q and %q, want one pseudonym of 28 letters", a, b)
	}
	if one.Of(n) == two.Of(n) {
		t.Error("two keys give the same pseudonym")
	}
	if got := one.Of(metering.Number{}); got != "" {
		t.Errorf("a withheld number has the pseudonym %q", got)
	}
}

func TestKeyFile(t *testing.T) {
	p := keys(t, presentKey+"\n\n "+formerKey+" \n")
	present := keys(t, presentKey)
	n := metering.NewNumber("+390612345678")
	all := p.All(n)
	if len(all) != 2 || all[0] != p.Of(n) || all[0] != present.Of(n) || all[0] == all[1] {
		t.Errorf("pseudonyms %v", all)
	}
	other := metering.NewNumber("+3906123456")
	if got := p.All(n.Or(other)); !slices.Equal(got, append(all, p.All(other)...)) {
		t.Errorf("pseudonyms %v of two readings", got)
	}
	if ids := p.KeyIDs(); len(ids) != 2 || ids[0] == ids[1] || ids[0] != present.KeyIDs()[0] {
		t.Errorf("keys %v", ids)
	}
	for name, bad := range map[string]string{
		"no key": "", "short": "short", "one of them short": strings.Repeat("x", 16) + "\nshort",
		"twice": presentKey + "\n" + presentKey,
	} {
		if _, err := metering.ParseKeys(bad); err == nil {
			t.Errorf("%s: %q was accepted", name, bad)
		}
	}
}

func TestPseudonymsOfCodesAreNoNumbers(t *testing.T) {
	p := keys(t, presentKey)
	for _, code := range p.OfCode("0612345678") {
		if slices.Contains(p.All(metering.NewNumber("0612345678")), code) {
			t.Error("a code and a number have one pseudonym")
		}
	}
}

// A number is decrypted under the key that encrypted it, also once that is a former key.
func TestNumbersAreEncrypted(t *testing.T) {
	n := metering.NewNumber("+390612345678")
	old, rotated := keys(t, formerKey), keys(t, presentKey+"\n"+formerKey)
	encrypted := old.Encrypt(n)
	if bytes.Contains(encrypted, []byte("12345678")) || !bytes.Equal(encrypted, old.Encrypt(n)) ||
		bytes.Equal(encrypted, rotated.Encrypt(n)) {
		t.Errorf("encrypted: %q", encrypted)
	}
	for _, p := range []*metering.Pseudonyms{old, rotated} {
		if got, err := p.Decrypt(encrypted); err != nil || got != n {
			t.Errorf("decrypted: %v", err)
		}
	}
	broken := bytes.Clone(encrypted)
	broken[len(broken)-1] ^= 1
	for _, bad := range [][]byte{nil, {1}, broken} {
		if _, err := old.Decrypt(bad); err == nil {
			t.Errorf("%q was decrypted", bad)
		}
	}
	if _, err := keys(t, "quite another key").Decrypt(encrypted); err == nil {
		t.Error("another key decrypts it")
	}
	both := n.Or(metering.NewNumber("+3906123456"))
	if got, err := old.Decrypt(old.Encrypt(both)); err != nil || got != both {
		t.Errorf("of %d readings %d come back, %v", len(both.Readings()), len(got.Readings()), err)
	}
	if old.Encrypt(metering.Number{}) != nil {
		t.Error("a withheld number encrypts to something")
	}
}
