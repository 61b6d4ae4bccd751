package policy_test

import (
	"os"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering/numbering"
	"github.com/risposta/gateway/metering/policy"
)

func must(t *testing.T, name, sector string, also ...policy.Rule) policy.Policy {
	t.Helper()
	p, err := policy.For(name, sector, also)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNoPriceByPolicyAndSector(t *testing.T) {
	for _, c := range []struct {
		name, sector string
		want         policy.Rule
	}{
		{"it", "other", ""},
		{"it", "telecom", policy.TelecomFree},
		{"it", "tv", policy.TelecomFree},
		{"it", "finance", policy.FinanceFree},
		{"de", "finance", ""},
		{"fr", "telecom", policy.TelecomFree},
		{"fr", "finance", ""},
		{"fr", "tv", ""},
		{"es", "other", policy.ServiceFree},
		{"de", "telecom", ""},
		{"uk", "other", ""},
		{"fr", "other", ""},
		{"strictest", "other", policy.ServiceFree},
		{"", "other", policy.ServiceFree},
	} {
		if got := must(t, c.name, c.sector).NoPrice(); got != c.want {
			t.Errorf("%s, %s: no price by %q, want %q", c.name, c.sector, got, c.want)
		}
	}
}

// The strictest policy has the rules of all others. Three rules are in every policy.
func TestStrictestHasEveryRule(t *testing.T) {
	strictest := must(t, policy.Strictest, "other")
	for _, name := range policy.Names() {
		rules := append(must(t, name, "telecom").Rules, must(t, name, "finance").Rules...)
		p := policy.Policy{Name: name, Rules: rules}
		for _, r := range p.Rules {
			if !strictest.Has(r) {
				t.Errorf("%s has rule %s, the strictest does not", name, r)
			}
			if p.Source(r) == "added by the company" {
				t.Errorf("rule %s of %s has no source", r, name)
			}
		}
		for _, r := range []policy.Rule{
			policy.OperatorAnswer, policy.ProtectedFree, policy.OrdinaryNumber,
		} {
			if !p.Has(r) {
				t.Errorf("%s lacks %s", name, r)
			}
		}
	}
}

func TestAddedRulesChangeTheReference(t *testing.T) {
	plain, more := must(t, "it", "other"), must(t, "it", "other", policy.Consent, policy.Announced)
	if !more.Has(policy.Consent) || plain.Has(policy.Consent) || plain.Ref() == more.Ref() {
		t.Errorf("%s, %s: %v", plain.Ref(), more.Ref(), more.Rules)
	}
	if more.Ref() != must(t, "it", "other", policy.Announced, policy.Consent).Ref() {
		t.Error("the order of the added rules changes the reference")
	}
	for _, wrong := range []struct{ name, sector, rule string }{
		{"ch", "other", ""}, {"it", "bank", ""}, {"it", "other", "service_paid"},
	} {
		var also []policy.Rule
		if wrong.rule != "" {
			also = []policy.Rule{policy.Rule(wrong.rule)}
		}
		if _, err := policy.For(wrong.name, wrong.sector, also); err == nil {
			t.Errorf("%+v was accepted", wrong)
		}
	}
}

func TestOrdinaryKindsOfNumbersAreAllowed(t *testing.T) {
	p := must(t, "fr", "other")
	for kind, want := range map[numbering.Kind]bool{
		numbering.Geographic: true,
		numbering.Mobile:     true,
		numbering.Freephone:  true,
		numbering.VoIP:       true,
		numbering.Internal:   true,
		numbering.Premium:    false,
		numbering.SharedCost: false,
		numbering.Personal:   false,
		numbering.Special:    false,
		numbering.Unknown:    false,
		numbering.None:       false,
	} {
		if p.Allows(string(kind)) != want {
			t.Errorf("%q: %v, want %v", kind, !want, want)
		}
	}
	if !(policy.Policy{}).Allows("premium") {
		t.Error("a policy without rules refuses a number")
	}
}

func TestRulesAndSourcesAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range policy.Sources() {
		if !strings.Contains(string(doc), "`"+string(s.Rule)+"`") {
			t.Errorf("rule %s is not explained", s.Rule)
		}
		if !strings.Contains(string(doc), s.Text) {
			t.Errorf("the source of %s under %s is not named: %s", s.Rule, s.Policy, s.Text)
		}
	}
}
