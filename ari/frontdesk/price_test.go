package frontdesk

import (
	"strings"
	"testing"
)

// Written by hand: what a caller hears of a price in currencies with no, two and three decimals.
func TestPriceIsSpokenInTheCurrencysOwnUnits(t *testing.T) {
	for _, c := range []struct {
		perMinute, currency string
		digits              int
		want                string
	}{
		{"0.96", "EUR", 2, "number:96 eur-cents"},
		{"1", "EUR", 2, "eur-one"},
		{"1.205", "EUR", 2, "eur-one and number:20 point digits:5 eur-cents"},
		{"1.1712", "EUR", 2, "eur-one and number:17 point digits:1 digits:2 eur-cents"},
		{"20", "JPY", 0, "number:20 jpy"},
		{"1", "JPY", 0, "jpy-one"},
		{"1.50", "JPY", 0, "number:1 point digits:5 jpy"},
		{"0.25", "JPY", 0, "number:0 point digits:2 digits:5 jpy"},
		{"0.125", "KWD", 3, "number:125 kwd-cents"},
		{"2.5", "KWD", 3, "number:2 kwd and number:500 kwd-cents"},
		{"0.0005", "KWD", 3, "number:0 point digits:5 kwd-cents"},
	} {
		media := price(Offer{PerMinute: c.perMinute, Currency: c.currency, MinorDigits: c.digits})
		got := strings.ReplaceAll(strings.Join(media, " "), "sound:risposta/", "")
		if want := "price " + c.want + " per-minute"; got != want {
			t.Errorf("%s %s: %s, want %s", c.perMinute, c.currency, got, want)
		}
	}
}
