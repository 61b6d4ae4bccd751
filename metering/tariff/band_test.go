package tariff_test

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering/tariff"
)

func banded() tariff.Tariff {
	t := standard()
	t.Zone = "Europe/Rome"
	t.Bands = []tariff.Band{
		{Name: "day", Days: "mon-fri", From: "08:00", Until: "18:30", PerMinute: "1.20"},
		{Name: "night", From: "22:00", Until: "24:00", PerMinute: "0.30"},
		{Name: "small hours", Days: "sat-mon", From: "02:00", Until: "03:00", PerMinute: "0.20"},
	}
	return t
}

// From a calendar: in Rome summer time begins on 2026-03-29 at 01:00 UTC and ends on 2026-10-25 at
// 01:00 UTC.
func TestBandFollowsTheWallClock(t *testing.T) {
	tr := banded()
	if err := tr.Validate(); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"2026-11-23T07:00:00Z":     "1.20", // Monday, 08:00 in Rome
		"2026-11-23T06:59:59.999Z": "0.96",
		"2026-07-20T06:00:00Z":     "1.20", // Monday, 08:00 in Rome, summer
		"2026-11-23T17:29:59Z":     "1.20",
		"2026-11-23T17:30:00Z":     "0.96", // 18:30
		"2026-11-22T12:00:00Z":     "0.96", // Sunday
		"2026-11-22T21:30:00Z":     "0.30", // Sunday, 22:30
		"2026-10-25T00:30:00Z":     "0.20", // Sunday, 02:30 the first time
		"2026-10-25T01:30:00Z":     "0.20", // and again, an hour later
		"2026-10-25T02:00:00Z":     "0.96", // 03:00
		"2026-03-29T00:59:59Z":     "0.96", // 01:59:59, and the next second is 03:00
		"2026-03-29T01:00:00Z":     "0.96",
	} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := tr.At(instant).PerMinute; got != want {
			t.Errorf("at %s a minute costs %s, want %s", at, got, want)
		}
	}
	day := tr.At(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	rest := tr.At(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	if day.Ref() == rest.Ref() || day.Band != "day" {
		t.Errorf("band %q has reference %s, other times have %s", day.Band, day.Ref(), rest.Ref())
	}
}

func TestValidateChecksBands(t *testing.T) {
	for want, change := range map[string]func(*tariff.Tariff){
		"zone: missing": func(t *tariff.Tariff) { t.Zone = "" },
		`zone: "Mars"`:  func(t *tariff.Tariff) { t.Zone = "Mars" },
		`bands[1].from: overlaps with band "day"`: func(t *tariff.Tariff) { t.Bands[1].From = "18:00" },
		"bands[0].days":                      func(t *tariff.Tariff) { t.Bands[0].Days = "mon-fry" },
		"bands[0].until: 08:00 is not later": func(t *tariff.Tariff) { t.Bands[0].Until = "08:00" },
		`bands[0].from: "8"`:                 func(t *tariff.Tariff) { t.Bands[0].From = "8" },
		`bands[0].until: "24:30"`:            func(t *tariff.Tariff) { t.Bands[0].Until = "24:30" },
		"bands[1].name":                      func(t *tariff.Tariff) { t.Bands[1].Name = "day" },
		`bands[2].per_minute: "1,2"`:         func(t *tariff.Tariff) { t.Bands[2].PerMinute = "1,2" },
		"bands[2].per_minute: 101":           func(t *tariff.Tariff) { t.Bands[2].PerMinute = "101" },
		"free_seconds: -1":                   func(t *tariff.Tariff) { t.FreeSeconds = -1 },
		`cap_per_call: "1 euro"`:             func(t *tariff.Tariff) { t.CapPerCall = "1 euro" },
	} {
		tr := banded()
		change(&tr)
		if err := tr.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

// The amounts are worked out by hand.
func TestFreeSecondsAndCap(t *testing.T) {
	tr := standard() // 0.016 a second
	tr.FreeSeconds, tr.CapPerCall = 10, "0.50"
	for _, c := range []struct {
		talk     time.Duration
		billable int64
		want     string
		capped   bool
	}{
		{9999 * time.Millisecond, 0, "0.00", false},
		{10 * time.Second, 0, "0.00", false},
		{19999 * time.Millisecond, 9, "0.14", false},
		{41 * time.Second, 31, "0.49", false}, // 0.496
		{42 * time.Second, 32, "0.50", true},  // 0.512
		{time.Hour, 3590, "0.50", true},
	} {
		billable := tr.Billable(c.talk)
		got, capped := tr.Charge(billable), tr.Capped(billable)
		if billable != c.billable || got.String() != c.want || capped != c.capped {
			t.Errorf("%s: %d s, %s, capped %v; want %d s, %s, %v", c.talk, billable, got, capped,
				c.billable, c.want, c.capped)
		}
	}
	if free := standard(); free.Ref() == tr.Ref() {
		t.Error("free seconds and a cap do not change the reference")
	}
}

// Whatever the tariff: never more than the exact amount of the talk beyond the free seconds, never
// more than the cap; longer talk never costs less; an increment is charged as soon as it is whole.
func TestNoTariffOvercharges(t *testing.T) {
	amount := rapid.StringMatching(`[0-9]{1,2}(\.[0-9]{1,6})?`)
	rapid.Check(t, func(t *rapid.T) {
		tr := standard()
		tr.PerMinute = amount.Draw(t, "price")
		tr.Increment = time.Duration(rapid.IntRange(1, 3600).Draw(t, "increment")) * time.Second
		tr.FreeSeconds = rapid.Int64Range(0, tariff.MaxFreeSeconds).Draw(t, "free")
		tr.Currency = rapid.SampledFrom([]string{"EUR", "JPY"}).Draw(t, "currency")
		if rapid.Bool().Draw(t, "capped") {
			tr.CapPerCall = amount.Draw(t, "cap")
		}
		if err := tr.Validate(); err != nil {
			t.Fatal(err)
		}
		talk := time.Duration(rapid.Int64Range(0, int64(6*time.Hour)).Draw(t, "talk"))
		charged := tr.Charge(tr.Billable(talk))
		scale := int64(1)
		for range charged.Digits {
			scale *= 10
		}
		got := big.NewRat(charged.Minor, scale)
		price, _ := new(big.Rat).SetString(tr.PerMinute)
		paid := max(0, talk-time.Duration(tr.FreeSeconds)*time.Second)
		exact := new(big.Rat).Mul(price, big.NewRat(int64(paid), int64(time.Minute)))
		if got.Cmp(exact) > 0 {
			t.Fatalf("charged %s for %s at %s, more than %s", charged, paid, tr.PerMinute,
				exact.FloatString(9))
		}
		if limit, ok := new(big.Rat).SetString(tr.CapPerCall); ok && got.Cmp(limit) > 0 {
			t.Fatalf("charged %s, the cap is %s", charged, tr.CapPerCall)
		}
		longer := talk + time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "more"))
		if more := tr.Charge(tr.Billable(longer)); more.Minor < charged.Minor {
			t.Fatalf("%s costs %s, %s costs less: %s", talk, charged, longer, more)
		}
		billable, increment := tr.Billable(talk), int64(tr.Increment/time.Second)
		rest := paid - time.Duration(billable)*time.Second
		if billable%increment != 0 || rest < 0 || rest >= tr.Increment {
			t.Fatalf("%d s of %s are billed by %s", billable, paid, tr.Increment)
		}
		whole := time.Duration(tr.FreeSeconds)*time.Second + tr.Increment
		one, less := tr.Billable(whole), tr.Billable(whole-1)
		if one != increment || less != 0 {
			t.Fatalf("one whole increment is %d s, one nanosecond less %d s", one, less)
		}
	})
}
