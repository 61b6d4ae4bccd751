package tariff_test

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering/tariff"
)

func taxed(perMinute, currency, tax, percent string) tariff.Tariff {
	t := standard()
	t.PerMinute, t.Currency, t.Tax, t.TaxPercent = perMinute, currency, tax, percent
	return t
}

// The amounts are worked out by hand.
func TestTaxIsRoundedOnceAndDown(t *testing.T) {
	for _, c := range []struct {
		perMinute, currency, tax, percent string
		seconds                           int64
		charge, net                       string
	}{
		{"0.96", "EUR", "included", "22", 60, "0.96", "0.78"}, // 0.78688...
		{"0.96", "EUR", "added", "22", 60, "1.17", "0.96"},    // 1.1712
		{"0.96", "EUR", "included", "22", 9, "0.14", "0.11"},  // 0.144, 0.11803...
		// 0.17568: from a net of 0.14 it would be 0.1708, from one of 0.15 it would be 0.183.
		{"0.96", "EUR", "added", "22", 9, "0.17", "0.14"},
		{"1", "EUR", "included", "0", 9, "0.15", "0.15"},
		{"1", "EUR", "", "", 9, "0.15", "0.15"},
		{"33", "JPY", "included", "10", 61, "33", "30"},              // 33.55, 30.5
		{"33", "JPY", "added", "10", 61, "36", "33"},                 // 36.905, 33.55
		{"0.125", "KWD", "included", "5", 61, "0.127", "0.121"},      // 0.127083..., 0.121031...
		{"0.125", "KWD", "added", "5", 61, "0.133", "0.127"},         // 0.133437...
		{"0.0999", "KWD", "added", "5", 3600, "6.293", "5.994"},      // 6.2937
		{"1.99", "EUR", "included", "5.5", 3600, "119.40", "113.17"}, // 113.1753...
	} {
		tr := taxed(c.perMinute, c.currency, c.tax, c.percent)
		if err := tr.Validate(); err != nil {
			t.Fatal(err)
		}
		charge, net := tr.Charge(c.seconds), tr.Net(c.seconds)
		if charge.String() != c.charge || net.String() != c.net {
			t.Errorf("%d s at %s %s, %s%% %s: %s of which net %s; want %s, %s", c.seconds, c.perMinute,
				c.currency, c.percent, c.tax, charge, net, c.charge, c.net)
		}
	}
}

// The cap is in the terms of the price: with an added tax the caller pays it and the tax.
func TestCapWithTax(t *testing.T) {
	for _, c := range []struct{ currency, tax, limit, charge, net string }{
		{"EUR", "included", "5.00", "5.00", "4.09"}, // 4.0983...
		{"EUR", "added", "5.00", "6.10", "5.00"},
		{"JPY", "included", "500", "500", "409"},
		{"JPY", "added", "99.9", "121", "99"},           // 121.878
		{"KWD", "included", "1.2345", "1.234", "1.011"}, // 1.01188...
	} {
		tr := taxed("10", c.currency, c.tax, "22")
		tr.CapPerCall = c.limit
		charge, net := tr.Charge(36000), tr.Net(36000)
		if charge.String() != c.charge || net.String() != c.net || !tr.Capped(36000) {
			t.Errorf("%+v: %s, net %s", c, charge, net)
		}
	}
}

// What is announced is what is paid.
func TestAnnouncedMinuteHasTheTax(t *testing.T) {
	for _, c := range []struct{ perMinute, tax, percent, want string }{
		{"0.96", "added", "22", "1.1712"}, {"0.96", "included", "22", "0.96"},
		{"0.50", "added", "20", "0.6"}, {"0.96", "", "", "0.96"}, {"100", "added", "50", "150"},
		{"0.000001", "added", "5.1234", "0.000001051234"},
	} {
		if got := taxed(c.perMinute, "EUR", c.tax, c.percent).MinuteWithTax(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestValidateChecksTax(t *testing.T) {
	for _, c := range []struct{ tax, percent, want string }{
		{"", "22", "tax: missing"}, {"yes", "22", `tax: "yes"`}, {"added", "", "tax_percent: "},
		{"included", "-1", "tax_percent: "}, {"included", "101", "tax_percent: "},
		{"included", "1/3", "tax_percent: "},
	} {
		err := taxed("1", "EUR", c.tax, c.percent).Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestTaxIsPartOfTheReference(t *testing.T) {
	refs := map[string]bool{}
	for _, tax := range []string{"", "included", "added"} {
		for _, percent := range []string{"22", "20"} {
			refs[taxed("0.96", "EUR", tax, percent).Ref()] = true
		}
	}
	if len(refs) != 5 { // without a tax the rate is none
		t.Errorf("five tariffs have %d references", len(refs))
	}
}

// Neither amount is ever more than the exact one, nor a whole minor unit less; and the tax is not
// negative.
func TestNoTaxOvercharges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := taxed(rapid.StringMatching(`[0-9]{1,2}(\.[0-9]{1,6})?`).Draw(t, "price"),
			rapid.SampledFrom([]string{"EUR", "JPY", "KWD"}).Draw(t, "currency"),
			rapid.SampledFrom([]string{"included", "added"}).Draw(t, "tax"),
			rapid.StringMatching(`[0-9]{1,2}(\.[0-9]{1,4})?`).Draw(t, "percent"))
		seconds := rapid.Int64Range(0, 86400).Draw(t, "seconds")
		if err := tr.Validate(); err != nil {
			t.Fatal(err)
		}
		rat := func(text string) *big.Rat {
			r, _ := new(big.Rat).SetString(text)
			return r
		}
		base := new(big.Rat).Mul(rat(tr.PerMinute), big.NewRat(seconds, 60))
		factor := new(big.Rat).Add(big.NewRat(1, 1), new(big.Rat).Mul(rat(tr.TaxPercent), big.NewRat(1, 100)))
		gross, net := base, base
		if tr.Tax == "added" {
			gross = new(big.Rat).Mul(base, factor)
		} else {
			net = new(big.Rat).Quo(base, factor)
		}
		minor := map[string]*big.Rat{"EUR": rat("0.01"), "JPY": rat("1"), "KWD": rat("0.001")}[tr.Currency]
		charge, free := tr.Charge(seconds), tr.Net(seconds)
		for _, c := range []struct{ exact, got *big.Rat }{
			{gross, rat(charge.String())}, {net, rat(free.String())},
		} {
			rest := new(big.Rat).Sub(c.exact, c.got)
			if rest.Sign() < 0 || rest.Cmp(minor) >= 0 {
				t.Fatalf("%s of exactly %s", c.got.FloatString(6), c.exact.FloatString(6))
			}
		}
		if charge.Less(free).Minor < 0 {
			t.Fatalf("net %s of %s", free, charge)
		}
	})
}
