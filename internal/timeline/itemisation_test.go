package timeline_test

import (
	"testing"
	"time"

	"github.com/risposta/gateway/internal/timeline"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

func TestItemisationOfAChargedCall(t *testing.T) {
	arrived := time.Date(2026, 11, 23, 9, 46, 14, 945e6, time.UTC)
	ended := arrived.Add(16006 * time.Millisecond)
	got := timeline.Itemisation(metering.Record{
		Call: "pbx1-1.1", Service: "help", Caller: "c-1", Tariff: "standard@ecda9c6c99d8",
		ArrivedAt: metering.Time{Time: arrived}, EndedAt: metering.Time{Time: ended},
		WaitedMs: 4524, HeldMs: 2004, UnseenMs: 0, TalkMs: 9478, BillableSeconds: 9,
		Charge: tariff.Amount{Minor: 14, Digits: 2, Currency: "EUR"},
		Tax:    tariff.Amount{Minor: 3, Digits: 2, Currency: "EUR"}, TaxPercent: "22",
		Reasons: []metering.Reason{metering.ReasonTalk, metering.ReasonAnsweredEarly},
	})
	const want = `Call pbx1-1.1 on service help
From 2026-11-23T09:46:14.945Z to 2026-11-23T09:46:30.951Z (UTC)
Tariff standard@ecda9c6c99d8

waiting, announcements, music            4.524s       0.00 EUR
on hold                                  2.004s       0.00 EUR
not seen                                     0s       0.00 EUR
talk with an operator                    9.478s       0.14 EUR
of which 22% tax                                      0.03 EUR

9 whole seconds of talk were charged. Why: talk, answered early.
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestItemisationOfAFreeCall(t *testing.T) {
	got := timeline.Itemisation(metering.Record{
		Charge:  tariff.Amount{Digits: 2, Currency: "EUR"},
		Reasons: []metering.Reason{metering.ReasonNoTalk},
	})
	const want = "\nNothing was charged. Why: no talk.\n"
	if len(got) < len(want) || got[len(got)-len(want):] != want {
		t.Errorf("got\n%s\nwant it to end with%s", got, want)
	}
}
