package reconcile_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/internal/reconcile"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

// Two services in two months, at 0.96 a minute until December and 1.20 from then on; the sums are
// worked out by hand.
func TestOverbillingsOfServicesAndMonths(t *testing.T) {
	price := func(perMinute string) *tariff.Tariff {
		return &tariff.Tariff{Name: "t", PerMinute: perMinute, Increment: time.Second, Currency: "EUR"}
	}
	december := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	o := reconcile.NewOverbillings(mediation.Rules{
		Terms: func(service string, arrived time.Time) metering.Terms {
			switch {
			case service == "free":
				return metering.Terms{}
			case arrived.Before(december):
				return metering.Terms{Tariff: price("0.96")}
			}
			return metering.Terms{Tariff: price("1.20")}
		},
	})
	for _, l := range []reconcile.Line{
		{Service: "help", ArrivedAt: december.Add(-time.Minute), CDR: 100 * time.Second, CEL: 40 * time.Second},
		{Service: "help", ArrivedAt: december.Add(-time.Hour), CDR: 20 * time.Second},
		{Service: "help", ArrivedAt: december, CDR: 61 * time.Second, CEL: 60*time.Second + 500*time.Millisecond},
		{Service: "free", ArrivedAt: december, CDR: 30 * time.Second, CEL: 10 * time.Second},
		{Service: "help", CDR: time.Hour},                      // not in the CEL
		{Service: "help", ArrivedAt: december, CEL: time.Hour}, // without a CDR
	} {
		o.Add(l)
	}
	eur := func(minor int64) tariff.Amount { return tariff.Amount{Minor: minor, Digits: 2, Currency: "EUR"} }
	want := []reconcile.Overbilling{
		// 1.60 - 0.64, and 0.32
		{"2026-11", "help", 2, 120 * time.Second, 40 * time.Second, eur(128), true},
		{"2026-12", "free", 1, 30 * time.Second, 10 * time.Second, tariff.Amount{}, false},
		// 1.22 - 1.20
		{"2026-12", "help", 1, 61 * time.Second, 60500 * time.Millisecond, eur(2), true},
	}
	if diff := cmp.Diff(want, o.All()); diff != "" {
		t.Error(diff)
	}
}
