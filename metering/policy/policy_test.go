package policy_test

import (
	"os"
	"strings"
	"testing"

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

func TestWhichPoliciesAllowNoPrice(t *testing.T) {
	for _, c := range []struct {
		name, sector string
		want         policy.Rule
	}{
		{"it", "other", ""}, {"it", "telecom", policy.TelecomFree}, {"it", "tv", policy.TelecomFree},
		{"es", "other", policy.ServiceFree}, {"de", "telecom", ""}, {"uk", "other", ""}, {"fr", "other", ""},
		{"strictest", "other", policy.ServiceFree}, {"", "other", policy.ServiceFree},
	} {
		if got := must(t, c.name, c.sector).NoPrice(); got != c.want {
			t.Errorf("%s, %s: no price by %q, want %q", c.name, c.sector, got, c.want)
		}
	}
}

// The strictest has every rule that any other has, and nothing can be taken out of any of them.
func TestTheStrictestHasEveryRule(t *testing.T) {
	strictest := must(t, policy.Strictest, "other")
	for _, name := range policy.Names() {
		p := must(t, name, "telecom")
		for _, r := range p.Rules {
			if !strictest.Has(r) {
				t.Errorf("%s has rule %s, the strictest has not", name, r)
			}
			if p.Source(r) == "added by the company" {
				t.Errorf("rule %s of %s has no source", r, name)
			}
		}
		for _, r := range []policy.Rule{policy.OperatorAnswer, policy.ProtectedFree, policy.OrdinaryNumber} {
			if !p.Has(r) {
				t.Errorf("%s lacks %s", name, r)
			}
		}
	}
}

func TestRulesCanBeAddedAndShowInTheReference(t *testing.T) {
	plain, more := must(t, "it", "other"), must(t, "it", "other", policy.Consent, policy.Announced)
	if !more.Has(policy.Consent) || plain.Has(policy.Consent) || plain.Ref() == more.Ref() {
		t.Errorf("%s, %s: %v", plain.Ref(), more.Ref(), more.Rules)
	}
	if more.Ref() != must(t, "it", "other", policy.Announced, policy.Consent).Ref() {
		t.Error("the order of the added rules shows in the reference")
	}
	for _, wrong := range []struct{ name, sector, rule string }{{"ch", "other", ""}, {"it", "bank", ""}, {"it", "other", "service_paid"}} {
		var also []policy.Rule
		if wrong.rule != "" {
			also = []policy.Rule{policy.Rule(wrong.rule)}
		}
		if _, err := policy.For(wrong.name, wrong.sector, also); err == nil {
			t.Errorf("%+v was accepted", wrong)
		}
	}
}

func TestUnknownKindsOfNumbersAreRefused(t *testing.T) {
	p := must(t, "fr", "other")
	for kind, want := range map[string]bool{"geographic": true, "mobile": true, "freephone": true, "internal": true, "premium": false, "shared_cost": false, "unknown": false, "": false} {
		if p.Carries(kind) != want {
			t.Errorf("%q: %v, want %v", kind, !want, want)
		}
	}
	if !(policy.Policy{}).Carries("premium") {
		t.Error("evidence from before the policies is judged by them")
	}
}

// docs/policies.md says every rule, with its source.
func TestEachRuleStandsInTheDocument(t *testing.T) {
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
