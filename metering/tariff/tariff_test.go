package tariff_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering/tariff"
)

func standard() tariff.Tariff {
	return tariff.Tariff{Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR"}
}

// The amounts are worked out by hand.
func TestChargeRoundsDown(t *testing.T) {
	for _, c := range []struct {
		perMinute string
		increment time.Duration
		currency  string
		talk      time.Duration
		billable  int64
		want      string
	}{
		{"0.96", time.Second, "EUR", 9478 * time.Millisecond, 9, "0.14"},  // 0.144
		{"1", time.Second, "EUR", 9478 * time.Millisecond, 9, "0.15"},     // 0.15
		{"0.96", time.Minute, "EUR", 59999 * time.Millisecond, 0, "0.00"}, // no whole minute
		{"0.96", time.Minute, "EUR", 2*time.Minute + 59*time.Second, 120, "1.92"},
		{"0.15", 30 * time.Second, "EUR", 95 * time.Second, 90, "0.22"}, // 0.225
		{"0.000001", time.Second, "EUR", 24 * time.Hour, 86400, "0.00"}, // 0.00144
		{"100", time.Second, "EUR", 24 * time.Hour, 86400, "144000.00"},
		{"12", time.Second, "JPY", 61 * time.Second, 61, "12"}, // 12.2 yen
		{"0.96", time.Second, "EUR", 999 * time.Millisecond, 0, "0.00"},
		{"0.96", time.Second, "EUR", 0, 0, "0.00"},
		{"0.96", time.Second, "EUR", -time.Second, 0, "0.00"},
	} {
		tr := tariff.Tariff{
			Name: "t", PerMinute: c.perMinute, Increment: c.increment, Currency: c.currency,
		}
		if err := tr.Validate(); err != nil {
			t.Fatal(err)
		}
		billable := tr.Billable(c.talk)
		got := tr.Charge(billable)
		if billable != c.billable || got.String() != c.want || got.Currency != c.currency {
			t.Errorf("%s of talk at %s by %s: %d s, %s; want %d s, %s", c.talk, c.perMinute,
				c.increment, billable, got, c.billable, c.want)
		}
	}
}

// The charge is never more than the exact amount, and less than one increment and one minor unit
// below it. Longer talk never costs less.
func TestChargeNeverExceedsTheExactAmount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := standard()
		tr.PerMinute = rapid.StringMatching(`[0-9]{1,2}\.[0-9]{1,6}`).Draw(t, "price")
		tr.Increment = time.Duration(rapid.IntRange(1, 3600).Draw(t, "increment")) * time.Second
		talk := time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "talk"))
		charged := tr.Charge(tr.Billable(talk))
		price, _ := new(big.Rat).SetString(tr.PerMinute)
		exact := new(big.Rat).Mul(price, big.NewRat(int64(talk), int64(time.Minute)))
		got := big.NewRat(charged.Minor, 100)
		if got.Cmp(exact) > 0 {
			t.Fatalf("charged %s, more than %s", charged, exact.FloatString(9))
		}
		floor := new(big.Rat).Mul(price, big.NewRat(tr.Billable(talk), 60))
		if floor.Sub(floor, got); floor.Cmp(big.NewRat(1, 100)) >= 0 {
			t.Fatalf("charged %s, a whole cent below the price of the increments", charged)
		}
		longer := talk + time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "more"))
		if more := tr.Charge(tr.Billable(longer)); more.Minor < charged.Minor {
			t.Fatalf("%s costs %s, %s costs less: %s", talk, charged, longer, more)
		}
	})
}

func TestValidateReportsEachField(t *testing.T) {
	bad := tariff.Tariff{PerMinute: "1,50", Increment: 1500 * time.Millisecond, Currency: "LIRE"}
	err := bad.Validate()
	for _, want := range []string{
		"name: missing", `per_minute: "1,50"`, "increment: 1.5s", `currency: "LIRE"`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
	for _, price := range []string{"", "-1", "1e3", "1/3", "0x10", "Inf", "1.0000001", "101", " 1"} {
		tr := standard()
		tr.PerMinute = price
		if tr.Validate() == nil {
			t.Errorf("per_minute %q was accepted", price)
		}
	}
}

func TestRefChangesWithEachField(t *testing.T) {
	refs := map[string]bool{standard().Ref(): true}
	if standard().Ref() != "standard@ecda9c6c99d8" {
		t.Errorf("the reference of the same tariff has changed: %s", standard().Ref())
	}
	for _, change := range []func(*tariff.Tariff){
		func(t *tariff.Tariff) { t.Name = "other" },
		func(t *tariff.Tariff) { t.PerMinute = "0.97" },
		func(t *tariff.Tariff) { t.Increment = time.Minute },
		func(t *tariff.Tariff) { t.Currency = "GBP" },
	} {
		tr := standard()
		change(&tr)
		refs[tr.Ref()] = true
	}
	if len(refs) != 5 {
		t.Errorf("five tariffs have %d references", len(refs))
	}
}

func TestAmountsInJSON(t *testing.T) {
	five := tariff.Amount{Minor: 5, Digits: 2, Currency: "EUR"}
	text, err := json.Marshal(five)
	if err != nil || string(text) != `{"amount":"0.05","currency":"EUR"}` {
		t.Errorf("got %s, %v", text, err)
	}
	var back tariff.Amount
	if err := json.Unmarshal(text, &back); err != nil || back != five {
		t.Errorf("read back as %+v, %v", back, err)
	}
	for _, bad := range []string{
		`{"amount":0.05,"currency":"EUR"}`,
		`{"amount":"-1","currency":"EUR"}`,
		`{"amount":"99999999999999999999","currency":"EUR"}`,
		`{}`,
	} {
		if json.Unmarshal([]byte(bad), &back) == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestExactMarksMoreDigits(t *testing.T) {
	tr := standard()
	if got := tr.Exact(9); got != "0.144" {
		t.Errorf("got %s", got)
	}
	tr.PerMinute = "0.10"
	if got := tr.Exact(1); got != "0.001667..." {
		t.Errorf("got %s", got)
	}
}
