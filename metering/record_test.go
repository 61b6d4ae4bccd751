package metering_test

import (
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

// name is that of the calls' records.
const name = "5kq3zj7wd2xvnp4mhb6c"

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return noon.Add(time.Duration(seconds * float64(time.Second)))
}

func arrived(terms *metering.Terms) metering.Fact {
	return metering.Fact{
		Kind: metering.CallArrived, Call: "c1", RecordName: name, Node: "pbx", Service: "help", Caller: "c-x",
		Terms: terms, At: noon,
	}
}

// talk begins at one second and lasts until the caller hangs up at another.
func talk(from, until float64) []metering.Fact {
	return []metering.Fact{
		{Kind: metering.TalkStarted, At: at(from), Operator: "PJSIP/agent1"},
		{Kind: metering.CallEnded, At: at(until), Why: metering.EndedByCaller},
	}
}

func exemptionAnswered(v metering.Verdict, ref string) metering.Fact {
	return metering.Fact{
		Kind: metering.ExemptionAnswered, At: at(0), Exemption: metering.Exemption{Verdict: v, Ref: ref},
	}
}

func price() *tariff.Tariff {
	return &tariff.Tariff{
		Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR",
	}
}

// call folds the facts of one call; the last of them ends it.
func call(t *testing.T, facts ...metering.Fact) *metering.Call {
	t.Helper()
	m := metering.NewMeter()
	for i, f := range facts {
		f.Call = "c1"
		if ended := m.Apply(f); ended != nil {
			if i != len(facts)-1 || m.Len() != 0 {
				t.Fatalf("fact %d ended the call, %d are open", i, m.Len())
			}
			return ended
		}
	}
	t.Fatal("the facts do not end the call")
	return nil
}

func record(t *testing.T, facts ...metering.Fact) metering.Record {
	t.Helper()
	ev := metering.Evidence{Events: len(facts), Digest: "sha256:00"}
	return metering.NewRecord(call(t, facts...), ev)
}

func TestRecordJSON(t *testing.T) {
	const operator = "PJSIP/agent1"
	rec := record(t,
		arrived(&metering.Terms{Tariff: price(), AskExemption: true}),
		exemptionAnswered(metering.ExemptNo, ""),
		metering.Fact{Kind: metering.QueueJoined, At: at(0.5), Queue: "support"},
		metering.Fact{Kind: metering.QueueLeft, At: at(2.5), Queue: "support"},
		metering.Fact{Kind: metering.TalkStarted, At: at(2.5), Operator: operator, Queue: "support"},
		metering.Fact{Kind: metering.TalkPaused, At: at(5), State: metering.Held, Operator: operator},
		metering.Fact{Kind: metering.TalkStarted, At: at(6), Operator: operator, Queue: "support"},
		metering.Fact{Kind: metering.GapStarted, At: at(8), Why: "connection_lost"},
		metering.Fact{Kind: metering.GapEnded, At: at(9), State: metering.Waiting},
		metering.Fact{Kind: metering.CallEnded, At: at(10), Why: metering.EndedByCaller},
	)
	const want = `{"record":"r-` + name + `-1","version":1,"node":"pbx","call":"c1",` +
		`"service":"help","caller":"c-x",` +
		`"arrived_at":"2026-11-23T12:00:00.000Z","ended_at":"2026-11-23T12:00:10.000Z",` +
		`"outcome":"talked",` +
		`"queues":[{"name":"support","joined_at":"2026-11-23T12:00:00.500Z",` +
		`"left_at":"2026-11-23T12:00:02.500Z"}],` +
		`"talk":[{"from":"2026-11-23T12:00:02.500Z","to":"2026-11-23T12:00:05.000Z","ms":2500,` +
		`"operator":"PJSIP/agent1","queue":"support"},` +
		`{"from":"2026-11-23T12:00:06.000Z","to":"2026-11-23T12:00:08.000Z","ms":2000,` +
		`"operator":"PJSIP/agent1","queue":"support"}],` +
		`"waited_ms":3500,"held_ms":1000,"unseen_ms":1000,"talk_ms":4500,"billable_seconds":4,` +
		`"exempt":false,"exemption_ref":"","tariff":"standard@ecda9c6c99d8","policy":"",` +
		`"charge":{"amount":"0.06","currency":"EUR"},"reasons":["talk","unseen"],` +
		`"evidence":{"events":10,"digest":"sha256:00"}}`
	if got := string(rec.JSON()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDoubtIsNotCharged(t *testing.T) {
	ask := metering.Terms{Tariff: price(), AskExemption: true}
	for name, c := range map[string]struct {
		terms   metering.Terms
		verdict metering.Verdict
		want    metering.Reason
		exempt  bool
	}{
		"no tariff":      {metering.Terms{}, metering.ExemptNo, metering.ReasonNoTariff, false},
		"exempt":         {ask, metering.ExemptYes, metering.ReasonExempt, true},
		"lookup is late": {ask, metering.ExemptUnknown, metering.ReasonExemptionUnresolved, false},
	} {
		t.Run(name, func(t *testing.T) {
			facts := []metering.Fact{arrived(&c.terms), exemptionAnswered(c.verdict, "")}
			rec := record(t, append(facts, talk(1, 61)...)...)
			if rec.Charge.Minor != 0 || rec.Reasons[0] != c.want || rec.Exempt != c.exempt ||
				rec.TalkMs != 60000 {
				t.Errorf("got %s %v exempt %t, want 0 because of %s", rec.Charge, rec.Reasons,
					rec.Exempt, c.want)
			}
		})
	}
}

func TestErasedRecordHasNoCallersDetail(t *testing.T) {
	arrival := arrived(&metering.Terms{Tariff: price(), AskExemption: true})
	arrival.Origin = metering.Origin{Trunk: "PJSIP/trunk", CallerAlso: []string{"c-y"}}
	rec := record(t, append([]metering.Fact{
		arrival,
		exemptionAnswered(metering.ExemptYes, "e-1"),
		announced(at(1), "standard@1", metering.ConsentGiven),
		{Kind: metering.QueueJoined, At: at(1), Queue: "support"},
	}, talk(2.4, 61.7)...)...)
	if rec.WaitedMs == 2000 || rec.TalkMs == 59000 {
		t.Fatalf("the call is of whole seconds: %s", rec.JSON())
	}
	got := rec.Erased("e-random")
	midnight := metering.Time{Time: noon.Truncate(24 * time.Hour)}
	want := rec
	want.Call, want.Caller, want.ExemptionRef = "e-random", "", ""
	want.CallerAlso, want.Trunk = nil, ""
	want.ArrivedAt, want.EndedAt = midnight, midnight
	want.Queues, want.Talk = []metering.QueueEntry{}, []metering.Talk{}
	want.Announcement, want.DetailErased = nil, true
	want.WaitedMs, want.TalkMs = 2000, 59000
	if string(got.JSON()) != string(want.JSON()) {
		t.Errorf("got\n%s\nwant\n%s", got.JSON(), want.JSON())
	}
}
