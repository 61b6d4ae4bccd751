package tariff_test

import (
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering/tariff"
)

func on(text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

func dated(perMinute, from, until string) tariff.Dated {
	d := tariff.Dated{Tariff: standard(), From: on(from), Until: on(until)}
	d.PerMinute = perMinute
	return d
}

func TestBookGivesThePriceInForce(t *testing.T) {
	b, err := tariff.NewBook([]tariff.Dated{
		dated("2", "2026-07-01", "2027-01-01"), dated("1", "2026-01-01", "2026-07-01"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"2025-12-31T23:59:59.999Z": "", "2026-01-01T00:00:00Z": "1", "2026-06-30T23:59:59.999Z": "1",
		"2026-07-01T00:00:00Z": "2", "2026-12-31T23:59:59.999Z": "2", "2027-01-01T00:00:00Z": "",
	} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if p := b.At(instant); p != nil {
			got = p.PerMinute
		}
		if got != want {
			t.Errorf("at %s the price is %q, want %q", at, got, want)
		}
	}
}

func TestBookRefusesOverlapsAndGaps(t *testing.T) {
	for want, prices := range map[string][]tariff.Dated{
		"overlaps":          {dated("1", "", "2026-07-02"), dated("2", "2026-07-01", "")},
		"gap":               {dated("1", "", "2026-06-30"), dated("2", "2026-07-01", "")},
		"until an open end": {dated("1", "", ""), dated("2", "2026-07-01", "")},
		"is not later":      {dated("1", "2026-07-01", "2026-07-01")},
	} {
		if _, err := tariff.NewBook(prices); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}
