package metering_test

import (
	"fmt"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

// A call waits four seconds, talks, is on hold for two seconds, and talks again. Only the
// 7.5 s of talk are charged.
func Example() {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	at := func(ms time.Duration) time.Time { return noon.Add(ms * time.Millisecond) }
	const call, operator = "pbx1-1795427174.114", "PJSIP/agent1"
	price := tariff.Tariff{
		Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR",
	}

	meter := metering.NewMeter()
	for _, fact := range []metering.Fact{
		{
			Kind: metering.CallArrived, Call: call, At: at(0), Node: "pbx1", Service: "help",
			Terms: &metering.Terms{Tariff: &price},
		},
		{Kind: metering.QueueJoined, Call: call, At: at(0), Queue: "support"},
		{Kind: metering.QueueLeft, Call: call, At: at(4000)},
		{Kind: metering.TalkStarted, Call: call, At: at(4000), Operator: operator, Queue: "support"},
		{Kind: metering.TalkPaused, Call: call, At: at(9000), State: metering.Held},
		{Kind: metering.TalkStarted, Call: call, At: at(11000), Operator: operator, Queue: "support"},
		{Kind: metering.CallEnded, Call: call, At: at(13500), Why: metering.EndedByCaller},
	} {
		ended := meter.Apply(fact)
		if ended == nil {
			continue
		}
		record := metering.NewRecord(ended, metering.Evidence{})
		fmt.Println(record.Outcome, record.Reasons)
		fmt.Println("waited", record.WaitedMs, "held", record.HeldMs, "talk", record.TalkMs)
		fmt.Println(record.BillableSeconds, "s cost", record.Charge, record.Charge.Currency)
	}
	// Output:
	// talked [talk]
	// waited 4000 held 2000 talk 7500
	// 7 s cost 0.11 EUR
}

// A lookup that answers after the call's end gives the record a second version.
func ExampleCall_Resolve() {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	price := tariff.Tariff{
		Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR",
	}
	meter := metering.NewMeter()
	meter.Apply(metering.Fact{
		Kind: metering.CallArrived, Call: "c1", At: noon, Caller: "c-x",
		Terms: &metering.Terms{Tariff: &price, AskExemption: true},
	})
	meter.Apply(metering.Fact{Kind: metering.TalkStarted, Call: "c1", At: noon})
	call := meter.Apply(metering.Fact{
		Kind: metering.CallEnded, Call: "c1", At: noon.Add(time.Minute),
	})

	first := metering.NewRecord(call, metering.Evidence{})
	fmt.Println(first.Version, first.Charge, first.State, first.Reasons)

	call.Resolve(metering.Exemption{Verdict: metering.ExemptNo}, metering.ReasonResolved)
	second := metering.NewVersion(call, 2, metering.Evidence{})
	fmt.Println(second.Version, second.Charge, second.Reasons)
	// Output:
	// 1 0.00 pending [exemption_unresolved]
	// 2 0.96 [talk resolved]
}
