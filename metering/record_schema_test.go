package metering_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/recordtest"
	"github.com/risposta/gateway/metering/tariff"
)

func evidence() metering.Evidence {
	return metering.Evidence{Events: 3, Digest: "sha256:" + strings.Repeat("0f", 32)}
}

// fullRecord is a record of a call in which everything happened.
func fullRecord(t *testing.T) metering.Record {
	t.Helper()
	tr := price()
	tr.Tax, tr.TaxPercent = tariff.TaxIncluded, "22"
	arrival := arrived(&metering.Terms{
		Tariff: tr, AskExemption: true, Policy: law(t, "it", "other"), NumberKind: "geographic",
		OutsideHours: true, ChoiceMarked: true,
	})
	arrival.Origin = metering.Origin{
		Trunk: "PJSIP/trunk", CallerAlso: []string{"c-y"}, CallerUnread: true,
	}
	answered := exemptionAnswered(metering.ExemptYes, "e-1")
	answered.Exemption.Attestation = metering.AttestedPartly
	facts := []metering.Fact{
		arrival,
		answered,
		{Kind: metering.CallerAnswered, At: at(0)},
		{Kind: metering.CallerAtDesk, At: at(0)},
		announcedWith(metering.Announcement{
			AnnouncedAt: metering.Time{Time: at(1)}, Tariff: tr.Ref(),
			Consent: metering.ConsentGiven, WaitToldAt: metering.Time{Time: at(1)}, WaitSeconds: 120,
		}),
		{Kind: metering.CallerChose, At: at(1)},
		{Kind: metering.QueueJoined, At: at(1), Queue: "support"},
		{Kind: metering.QueueLeft, At: at(5), Queue: "support"},
		{Kind: metering.TalkStarted, At: at(5), Operator: "PJSIP/agent1", Queue: "support"},
		{Kind: metering.TalkPaused, At: at(6), State: metering.Held, Operator: "PJSIP/agent1"},
		{Kind: metering.NumberReached, At: at(7), Why: "mobile"},
		{Kind: metering.GapStarted, At: at(7), Why: "connection_lost"},
		{Kind: metering.GapEnded, At: at(8), State: metering.Waiting},
		{Kind: metering.TalkStarted, At: at(9), Operator: "PJSIP/agent2"},
		{
			Kind: metering.SurveyAnswered, At: at(20),
			Survey: &metering.Survey{Satisfaction: 5, Solved: metering.SolvedYes},
		},
		{Kind: metering.CallEnded, At: at(20), Why: metering.EndedByService},
	}
	return metering.NewRecord(call(t, facts...), evidence())
}

func announcedWith(a metering.Announcement) metering.Fact {
	return metering.Fact{Kind: metering.AnnouncementMade, At: at(1), Announcement: &a}
}

func TestRecordsMatchTheSchema(t *testing.T) {
	full := fullRecord(t)
	pending := metering.NewRecord(askedCall(t, metering.ExemptUnknown, price()), evidence())
	if pending.State != metering.RecordPending {
		t.Fatalf("the record is not pending: %s", pending.JSON())
	}
	yen := price()
	yen.Currency, yen.CapPerCall = "JPY", "1"
	refused := announced(time.Time{}, "", metering.ConsentRefused)
	for name, rec := range map[string]metering.Record{
		"everything":      full,
		"erased":          full.Erased("e-random"),
		"pending":         pending,
		"nothing":         metering.NewRecord(call(t, arrived(nil), talk(0, 0)[1]), evidence()),
		"yen, capped":     metering.NewRecord(askedCall(t, metering.ExemptNo, yen), evidence()),
		"consent refused": metering.NewRecord(call(t, arrived(nil), refused, talk(0, 1)[1]), evidence()),
		"end unseen": metering.NewRecord(call(t, arrived(nil), metering.Fact{
			Kind: metering.CallEnded, At: at(1), Why: metering.EndedUnseen, Unseen: true,
		}), evidence()),
	} {
		t.Run(name, func(t *testing.T) { recordtest.Validate(t, rec.JSON()) })
	}
}

// Each field of the full record is there, so that the schema is not held to a part of it only.
func TestFullRecordHasEveryField(t *testing.T) {
	full := fullRecord(t)
	full.DetailErased, full.State = true, metering.RecordPending
	full.Announcement.Free = true
	var value map[string]any
	if err := json.Unmarshal(full.JSON(), &value); err != nil {
		t.Fatal(err)
	}
	for _, f := range schemaFields(t) {
		within := value
		if f.within != "" {
			within, _ = value[f.within].(map[string]any)
			if list, ok := value[f.within].([]any); ok {
				within, _ = list[0].(map[string]any)
			}
		}
		if _, ok := within[f.name]; !ok {
			t.Errorf("the full record has no field %s", strings.TrimPrefix(f.within+"."+f.name, "."))
		}
	}
}

func TestSchemaRefusesWhatIsNoRecord(t *testing.T) {
	full := string(fullRecord(t).JSON())
	for name, change := range map[string][2]string{
		"a field too many":      {`{"record":`, `{"novelty":1,"record":`},
		"a field too few":       {`"node":"pbx",`, ``},
		"an inner field":        {`"queues":[{`, `"queues":[{"novelty":1,`},
		"an unknown outcome":    {`"outcome":"talked"`, `"outcome":"chatted"`},
		"an unknown reason":     {`"reasons":[`, `"reasons":["luck",`},
		"a repeated reason":     {`"reasons":["exempt"`, `"reasons":["exempt","exempt"`},
		"a final state":         {`"queues":`, `"state":"final","queues":`},
		"a number in clear":     {`"caller":"c-x"`, `"caller":"+390612345678"`},
		"an unknown number":     {`"numbers":["geographic"`, `"numbers":["lunar"`},
		"a charge as a number":  {`"amount":"0.00"`, `"amount":0.00`},
		"no currency":           {`"currency":"EUR"`, `"currency":""`},
		"time without zone":     {`12:00:00.000Z"`, `12:00:00.000"`},
		"time that is none":     {`"2026-11-23T12:00:00.000Z"`, `"2026-13-23T12:00:00.000Z"`},
		"time of microseconds":  {`12:00:00.000Z"`, `12:00:00.000000Z"`},
		"negative talk":         {`"waited_ms":`, `"waited_ms":-`},
		"satisfaction of 6":     {`"satisfaction":5`, `"satisfaction":6`},
		"half a second billed":  {`"billable_seconds":`, `"billable_seconds":0.`},
		"evidence without hash": {`"digest":"sha256:`, `"digest":"`},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(full, change[0], change[1], 1)
			if text == full {
				t.Fatalf("%s is not in %s", change[0], full)
			}
			if recordtest.Check([]byte(text)) == nil {
				t.Errorf("it was accepted: %s", text)
			}
		})
	}
}

// Whatever the facts, the record matches the schema, and reading it changes no byte.
func TestAnyRecordMatchesTheSchema(t *testing.T) {
	policies := []policy.Policy{{}, law(t, "it", "telecom"), law(t, "de", "other"), law(t, "", "tv")}
	rapid.Check(t, func(t *rapid.T) {
		tr := price()
		tr.Currency = rapid.SampledFrom([]string{"EUR", "JPY"}).Draw(t, "currency")
		tr.FreeSeconds = rapid.Int64Range(0, 30).Draw(t, "free seconds")
		terms := metering.Terms{
			Tariff: tr, AskExemption: rapid.Bool().Draw(t, "ask"),
			Policy: rapid.SampledFrom(policies).Draw(t, "policy"),
		}
		if rapid.Bool().Draw(t, "no tariff") {
			terms.Tariff = nil
		}
		m := metering.NewMeter()
		m.Apply(arrived(&terms))
		for _, f := range rapid.SliceOfN(anyFact(), 0, 20).Draw(t, "facts") {
			f.Call = "c1"
			m.Apply(f)
		}
		ends := rapid.SampledFrom([]string{metering.EndedByCaller, metering.EndedByService})
		ended := m.Apply(metering.Fact{
			Kind: metering.CallEnded, Call: "c1", At: at(100), Why: ends.Draw(t, "by"),
			Unseen: rapid.Bool().Draw(t, "end unseen"),
		})
		text := metering.NewRecord(ended, evidence()).JSON()
		if err := recordtest.Check(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var back metering.Record
		if err := json.Unmarshal(text, &back); err != nil || !bytes.Equal(back.JSON(), text) {
			t.Fatalf("%v: %s reads as %s", err, text, back.JSON())
		}
	})
}

// anyFact is a fact that does not end the call.
func anyFact() *rapid.Generator[metering.Fact] {
	return rapid.Custom(func(t *rapid.T) metering.Fact {
		return metering.Fact{
			Kind: rapid.SampledFrom([]metering.FactKind{
				metering.CallerAnswered, metering.QueueJoined, metering.QueueLeft,
				metering.TalkStarted, metering.TalkPaused, metering.GapStarted, metering.GapEnded,
				metering.ExemptionAnswered, metering.CallerAtDesk, metering.AnnouncementMade,
				metering.SurveyAnswered, metering.TalkRetracted, metering.CallerChose,
			}).Draw(t, "kind"),
			At:       at(float64(rapid.IntRange(0, 99000).Draw(t, "ms")) / 1000),
			Operator: "o", Queue: "q",
			State: rapid.SampledFrom([]metering.State{
				metering.Waiting, metering.Held, metering.Unseen,
			}).Draw(t, "state"),
			Exemption: metering.Exemption{Verdict: rapid.SampledFrom([]metering.Verdict{
				metering.ExemptUnknown, metering.ExemptNo, metering.ExemptYes,
			}).Draw(t, "verdict")},
			Announcement: &metering.Announcement{
				Free:    rapid.Bool().Draw(t, "free"),
				Consent: rapid.SampledFrom([]string{"", metering.ConsentGiven}).Draw(t, "consent"),
			},
			Survey: &metering.Survey{Satisfaction: rapid.IntRange(0, 5).Draw(t, "satisfaction")},
		}
	})
}
