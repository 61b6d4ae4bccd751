package metering_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

func arrived(terms *metering.Terms) metering.Fact {
	return metering.Fact{Kind: metering.CallArrived, Call: "c1", Node: "pbx", Service: "help", Caller: "c-x", Terms: terms, At: noon}
}

func price() *tariff.Tariff {
	return &tariff.Tariff{Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR"}
}

func fold(t *testing.T, facts ...metering.Fact) metering.Record {
	t.Helper()
	m := metering.NewMeter()
	for i, f := range facts {
		f.Call = "c1"
		if ended := m.Apply(f); ended != nil {
			if i != len(facts)-1 || m.Len() != 0 {
				t.Fatalf("fact %d ended the call, %d are left", i, m.Len())
			}
			return metering.NewRecord(ended, metering.Evidence{Events: len(facts), Digest: "sha256:00"})
		}
	}
	t.Fatal("the facts do not end the call")
	return metering.Record{}
}

func TestRecordIsTheseBytes(t *testing.T) {
	rec := fold(t,
		arrived(&metering.Terms{Tariff: price(), AskExemption: true}),
		metering.Fact{Kind: metering.ExemptionAnswered, At: at(0), Exemption: metering.Exemption{Verdict: metering.ExemptNo}},
		metering.Fact{Kind: metering.QueueJoined, At: at(0.5), Queue: "support"},
		metering.Fact{Kind: metering.QueueLeft, At: at(2.5), Queue: "support"},
		metering.Fact{Kind: metering.TalkStarted, At: at(2.5), Operator: "PJSIP/agent1", Queue: "support"},
		metering.Fact{Kind: metering.TalkPaused, At: at(5), State: metering.Held, Operator: "PJSIP/agent1"},
		metering.Fact{Kind: metering.TalkStarted, At: at(6), Operator: "PJSIP/agent1", Queue: "support"},
		metering.Fact{Kind: metering.GapStarted, At: at(8), Why: "connection_lost"},
		metering.Fact{Kind: metering.GapEnded, At: at(9), State: metering.Waiting},
		metering.Fact{Kind: metering.CallEnded, At: at(10), Why: metering.EndedByCaller},
	)
	const want = `{"record":"r-2d626829e90d5f36543f5b24","version":1,"node":"pbx","call":"c1","service":"help","caller":"c-x",` +
		`"arrived_at":"2026-11-23T12:00:00.000Z","ended_at":"2026-11-23T12:00:10.000Z","outcome":"talked",` +
		`"queues":[{"name":"support","joined_at":"2026-11-23T12:00:00.500Z","left_at":"2026-11-23T12:00:02.500Z"}],` +
		`"talk":[{"from":"2026-11-23T12:00:02.500Z","to":"2026-11-23T12:00:05.000Z","ms":2500,"operator":"PJSIP/agent1","queue":"support"},` +
		`{"from":"2026-11-23T12:00:06.000Z","to":"2026-11-23T12:00:08.000Z","ms":2000,"operator":"PJSIP/agent1","queue":"support"}],` +
		`"waited_ms":3500,"held_ms":1000,"unseen_ms":1000,"talk_ms":4500,"billable_seconds":4,"exempt":false,"exemption_ref":"",` +
		`"tariff":"standard@ecda9c6c99d8","policy":"","charge":{"amount":"0.06","currency":"EUR"},"reasons":["talk","unseen"],` +
		`"evidence":{"events":10,"digest":"sha256:00"}}`
	if got := string(rec.JSON()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNothingIsChargedInDoubt(t *testing.T) {
	talk := []metering.Fact{
		{Kind: metering.TalkStarted, At: at(1), Operator: "PJSIP/agent1"},
		{Kind: metering.CallEnded, At: at(61), Why: metering.EndedByService},
	}
	for name, c := range map[string]struct {
		terms   metering.Terms
		verdict metering.Verdict
		want    metering.Reason
		exempt  bool
	}{
		"no tariff":      {metering.Terms{}, metering.ExemptNo, metering.ReasonNoTariff, false},
		"exempt":         {metering.Terms{Tariff: price(), AskExemption: true}, metering.ExemptYes, metering.ReasonExempt, true},
		"lookup is late": {metering.Terms{Tariff: price(), AskExemption: true}, metering.ExemptUnknown, metering.ReasonExemptionUnresolved, false},
	} {
		t.Run(name, func(t *testing.T) {
			facts := []metering.Fact{arrived(&c.terms), {Kind: metering.ExemptionAnswered, At: at(0), Exemption: metering.Exemption{Verdict: c.verdict}}}
			rec := fold(t, append(facts, talk...)...)
			if rec.Charge.Minor != 0 || rec.Reasons[0] != c.want || rec.Exempt != c.exempt || rec.TalkMs != 60000 {
				t.Errorf("got %s %v exempt %t, want nothing because of %s", rec.Charge, rec.Reasons, rec.Exempt, c.want)
			}
		})
	}
}

func TestFactsAboutNoCallAreABrokenInvariant(t *testing.T) {
	for name, facts := range map[string][]metering.Fact{
		"never arrived": {{Kind: metering.TalkStarted, Call: "c2"}},
		"arrived twice": {arrived(nil), arrived(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it passed in silence: a call would have been lost")
				}
			}()
			m := metering.NewMeter()
			for _, f := range facts {
				m.Apply(f)
			}
		})
	}
}

// Whatever the facts and however their instants step back: the parts add up to the whole, stretches of talk do not overlap, and no more is
// charged than was talk.
func TestPartsAddUpWhateverTheFacts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := metering.NewMeter()
		m.Apply(arrived(&metering.Terms{Tariff: price()}))
		now := noon
		kinds := []metering.FactKind{
			metering.TalkStarted, metering.TalkPaused, metering.GapStarted, metering.GapEnded, metering.QueueJoined, metering.QueueLeft, metering.CallerAnswered,
		}
		for range rapid.IntRange(0, 30).Draw(t, "facts") {
			now = now.Add(time.Duration(rapid.IntRange(-10, 5000).Draw(t, "step")) * time.Millisecond)
			m.Apply(metering.Fact{
				Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Call: "c1", At: now, Operator: "o", Queue: "q",
				State: rapid.SampledFrom([]metering.State{metering.Waiting, metering.Held, metering.Unseen}).Draw(t, "state"),
			})
		}
		end := now.Add(time.Duration(rapid.IntRange(-10, 5000).Draw(t, "end")) * time.Millisecond)
		rec := metering.NewRecord(m.Apply(metering.Fact{Kind: metering.CallEnded, Call: "c1", At: end}), metering.Evidence{})
		whole := rec.EndedAt.Sub(rec.ArrivedAt.Time).Milliseconds()
		if sum := rec.WaitedMs + rec.HeldMs + rec.UnseenMs + rec.TalkMs; sum != whole {
			t.Fatalf("parts %d, whole %d: %s", sum, whole, rec.JSON())
		}
		last := rec.ArrivedAt.Time
		for _, talk := range rec.Talk {
			if talk.From.Before(last) || talk.To.Before(talk.From.Time) {
				t.Fatalf("stretches overlap: %s", rec.JSON())
			}
			last = talk.To.Time
		}
		if last.After(rec.EndedAt.Time) {
			t.Fatalf("talk after the end: %s", rec.JSON())
		}
		if rec.BillableSeconds*1000 > rec.TalkMs {
			t.Fatalf("%d s billed of %d ms of talk", rec.BillableSeconds, rec.TalkMs)
		}
	})
}
