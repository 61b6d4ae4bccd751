package tariff_test

import (
	"fmt"
	"time"

	"github.com/risposta/gateway/metering/tariff"
)

// Seconds are rounded down to whole increments, and the amount down to whole cents.
func ExampleTariff_Charge() {
	t := tariff.Tariff{
		Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR",
	}
	seconds := t.Billable(9478 * time.Millisecond)
	fmt.Println(seconds, "s cost", t.Exact(seconds), "and are charged", t.Charge(seconds))
	// Output: 9 s cost 0.144 and are charged 0.14
}

// Only whole increments are billable, after the free seconds.
func ExampleTariff_Billable() {
	t := tariff.Tariff{Increment: 30 * time.Second, FreeSeconds: 10}
	for _, talk := range []time.Duration{39 * time.Second, 40 * time.Second, 95 * time.Second} {
		fmt.Println(talk, "of talk:", t.Billable(talk), "s")
	}
	// Output:
	// 39s of talk: 0 s
	// 40s of talk: 30 s
	// 1m35s of talk: 60 s
}

// No call costs more than the cap.
func ExampleTariff_Capped() {
	t := tariff.Tariff{
		Name: "capped", PerMinute: "0.96", Increment: time.Second, Currency: "EUR",
		CapPerCall: "5.00",
	}
	for _, seconds := range []int64{60, 3600} {
		fmt.Println(seconds, "s cost", t.Charge(seconds), "capped:", t.Capped(seconds))
	}
	// Output:
	// 60 s cost 0.96 capped: false
	// 3600 s cost 5.00 capped: true
}

// The band in force when the call arrives sets the price of the whole call.
func ExampleTariff_At() {
	t := tariff.Tariff{
		Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR",
		Zone: "Europe/Rome",
		Bands: []tariff.Band{
			{Name: "night", From: "22:00", Until: "24:00", PerMinute: "0.30"},
		},
	}
	evening := time.Date(2026, 11, 22, 20, 59, 59, 0, time.UTC) // 21:59:59 in Rome
	for _, arrived := range []time.Time{evening, evening.Add(time.Second)} {
		at := t.At(arrived)
		fmt.Printf("%s a minute, band %q\n", at.PerMinute, at.Band)
	}
	// Output:
	// 0.96 a minute, band ""
	// 0.30 a minute, band "night"
}
