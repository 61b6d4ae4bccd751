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

var (
	presentKey = strings.Repeat("0123456789abcdef", 4)
	formerKey  = strings.Repeat("f0", 32)
)

func TestPseudonymsAreKeyedAndStable(t *testing.T) {
	one, two := keys(t, presentKey), keys(t, formerKey)
	n := metering.NewNumber("+390612345678")
	a, b := one.Of(n), one.Of(metering.NewNumber("+390612345678"))
	if a != b || !strings.HasPrefix(a, "c-") || len(a) != 36 ||
		metering.KeyOf(a) != one.KeyIDs()[0] {
		t.Errorf("%q and %q, want one pseudonym of 36 letters that names its key", a, b)
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
		"no key": "", "short": "0123456789abcdef", "one of them short": presentKey + "\n0f",
		"twice": presentKey + "\n" + strings.ToUpper(presentKey), "too long": presentKey + "00",
		"a text": "the key of callers, a text of 32",
	} {
		if _, err := metering.ParseKeys(bad); err == nil {
			t.Errorf("%s: %q was accepted", name, bad)
		}
	}
	if _, err := metering.ParseKeys("tooshort"); err == nil ||
		!strings.Contains(err.Error(), "openssl rand -hex 32") ||
		strings.Contains(err.Error(), "tooshort") {
		t.Errorf("the error must tell how to make a key, and not quote it: %v", err)
	}
}

// The register, the records and the codes have keys of their own.
func TestPseudonymsOfDifferentPurposesShareNothing(t *testing.T) {
	p := keys(t, presentKey)
	n := metering.NewNumber("+390612345678")
	all := []string{p.All(n)[0], p.RegisterNames(n)[0], p.CodeNames("+390612345678")[0]}
	seen := map[string]bool{}
	for _, name := range all {
		seen[name[len(name)-26:]] = true
	}
	if len(seen) != len(all) {
		t.Errorf("one person has the same digest for two purposes: %v", all)
	}
	if p.RegisterNames(metering.Number{}) != nil {
		t.Error("a withheld number has a name in the register")
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
		if got := p.EncryptedUnder(encrypted); got != old.KeyIDs()[0] {
			t.Errorf("encrypted under %q", got)
		}
	}
	broken := bytes.Clone(encrypted)
	broken[len(broken)-1] ^= 1
	for _, bad := range [][]byte{nil, {1}, broken} {
		if _, err := old.Decrypt(bad); err == nil {
			t.Errorf("%q was decrypted", bad)
		}
	}
	if _, err := keys(t, strings.Repeat("07", 32)).Decrypt(encrypted); err == nil {
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
