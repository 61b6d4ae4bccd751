package metering_test

import (
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/tariff"
)

func law(t *testing.T, name, sector string, also ...policy.Rule) policy.Policy {
	t.Helper()
	p, err := policy.For(name, sector, also)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func told(at time.Time, tariffRef, consent string) metering.Fact {
	return metering.Fact{Kind: metering.AnnouncementMade, Announcement: &metering.Announcement{AnnouncedAt: metering.Time{Time: at}, Tariff: tariffRef, Consent: consent}}
}

// A minute of talk from second 10 on, under each law and with what each caller was told. 0.96 a minute.
func TestWhatEachLawMakesOfACall(t *testing.T) {
	ref := price().Ref()
	reached := func(kind string) metering.Fact { return metering.Fact{Kind: metering.NumberReached, Why: kind} }
	answered := metering.Fact{Kind: metering.CallerAnswered, At: at(0)}
	free := metering.Fact{Kind: metering.AnnouncementMade, Announcement: &metering.Announcement{Free: true}}
	it, de, uk := law(t, "it", "other"), law(t, "de", "other"), law(t, "uk", "other")
	for name, c := range map[string]struct {
		law   policy.Policy
		facts []metering.Fact
		want  metering.Reason
	}{
		"it: nothing told":                 {it, nil, metering.ReasonTalk},
		"it: answered early is marked":     {it, []metering.Fact{answered}, metering.ReasonTalk},
		"it: told late":                    {it, []metering.Fact{told(at(7.1), ref, "")}, metering.ReasonAnnouncedLate},
		"it: told in time":                 {it, []metering.Fact{told(at(7), ref, "")}, metering.ReasonTalk},
		"it: refused":                      {it, []metering.Fact{told(at(1), ref, metering.ConsentRefused)}, metering.ReasonNoConsent},
		"it: told that it is free":         {it, []metering.Fact{free}, metering.ReasonToldFree},
		"it: a landline":                   {it, []metering.Fact{reached("geographic")}, metering.ReasonTalk},
		"it: a premium number":             {it, []metering.Fact{reached("geographic"), reached("premium")}, metering.ReasonNumberRefused},
		"it: a number that nobody knows":   {it, []metering.Fact{reached("unknown")}, metering.ReasonNumberRefused},
		"it: a telecom":                    {law(t, "it", "telecom"), nil, metering.ReasonPriceForbidden},
		"es":                               {law(t, "es", "other"), nil, metering.ReasonPriceForbidden},
		"strictest":                        {law(t, "", "other"), []metering.Fact{told(at(1), ref, metering.ConsentGiven)}, metering.ReasonPriceForbidden},
		"fr":                               {law(t, "fr", "other"), nil, metering.ReasonTalk},
		"de: nothing told":                 {de, nil, metering.ReasonNotAnnounced},
		"de: told in time":                 {de, []metering.Fact{told(at(7), ref, "")}, metering.ReasonTalk},
		"de: told another price":           {de, []metering.Fact{told(at(1), "other@0", "")}, metering.ReasonNotAnnounced},
		"de: answered early, the fee goes": {de, []metering.Fact{answered, told(at(1), ref, "")}, metering.ReasonWaitCharged},
		"uk: nothing told":                 {uk, nil, metering.ReasonNoConsent},
		"uk: told, not asked":              {uk, []metering.Fact{told(at(1), ref, "")}, metering.ReasonNoConsent},
		"uk: agreed":                       {uk, []metering.Fact{told(at(1), ref, metering.ConsentGiven)}, metering.ReasonTalk},
		"uk: agreed, told again in talk":   {uk, []metering.Fact{told(at(1), ref, metering.ConsentGiven), told(at(30), ref, metering.ConsentGiven)}, metering.ReasonAnnouncedLate},
	} {
		t.Run(name, func(t *testing.T) {
			facts := []metering.Fact{arrived(&metering.Terms{Tariff: price(), Policy: c.law})}
			for _, f := range c.facts {
				if f.At.IsZero() {
					f.At = at(1)
				}
				facts = append(facts, f)
			}
			facts = append(facts, metering.Fact{Kind: metering.TalkStarted, At: at(10), Operator: "o"}, metering.Fact{Kind: metering.CallEnded, At: at(70), Why: metering.EndedByCaller})
			rec := fold(t, facts...)
			want := "0.00"
			if c.want == metering.ReasonTalk {
				want = "0.96"
			}
			if rec.Reasons[0] != c.want || rec.Charge.String() != want || rec.TalkMs != 60000 || rec.Policy != c.law.Ref() {
				t.Errorf("%s because of %v under %s, want %s because of %s", rec.Charge, rec.Reasons, rec.Policy, want, c.want)
			}
		})
	}
}

// The number that callers dial is the first that a call is led to.
func TestTheServicesOwnNumberCounts(t *testing.T) {
	for kind, want := range map[string]metering.Reason{"geographic": metering.ReasonTalk, "premium": metering.ReasonNumberRefused} {
		rec := fold(t, arrived(&metering.Terms{Tariff: price(), Policy: law(t, "it", "other"), NumberKind: kind}),
			metering.Fact{Kind: metering.TalkStarted, At: at(1), Operator: "o"}, metering.Fact{Kind: metering.CallEnded, At: at(61), Why: metering.EndedByCaller})
		if rec.Reasons[0] != want || len(rec.Numbers) != 1 || rec.Numbers[0] != kind {
			t.Errorf("%s: %v, %v", kind, rec.Reasons, rec.Numbers)
		}
	}
}

func TestTheCapIsNamed(t *testing.T) {
	p := price()
	p.CapPerCall = "0.50"
	rec := fold(t, arrived(&metering.Terms{Tariff: p}), metering.Fact{Kind: metering.TalkStarted, At: at(1), Operator: "o"}, metering.Fact{Kind: metering.CallEnded, At: at(61), Why: metering.EndedByCaller})
	if rec.Charge.String() != "0.50" || rec.Reasons[0] != metering.ReasonCapped {
		t.Errorf("%s %v", rec.Charge, rec.Reasons)
	}
}

// ended is a call with a minute of talk, whose caller's exemption is known as given.
func ended(t *testing.T, v metering.Verdict, tr *tariff.Tariff) *metering.Call {
	t.Helper()
	m := metering.NewMeter()
	for _, f := range []metering.Fact{
		arrived(&metering.Terms{Tariff: tr, AskExemption: true}),
		{Kind: metering.ExemptionAnswered, At: at(0), Exemption: metering.Exemption{Verdict: v}},
		{Kind: metering.TalkStarted, At: at(1), Operator: "o"}, {Kind: metering.CallEnded, At: at(61), Why: metering.EndedByCaller},
	} {
		f.Call = "c1"
		if c := m.Apply(f); c != nil {
			return c
		}
	}
	t.Fatal("the call has not ended")
	return nil
}

// What is learned after the call settles it, refunds it, or lets it go; nothing takes an exemption away.
func TestCallsAreSettledAfterwards(t *testing.T) {
	yes, no, unknown := metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-1"}, metering.Exemption{Verdict: metering.ExemptNo}, metering.Exemption{}
	for name, c := range map[string]struct {
		before        metering.Verdict
		then          metering.Exemption
		why           metering.Reason
		changes       bool
		state, amount string
		first         metering.Reason
	}{
		"held, then no":       {metering.ExemptUnknown, no, metering.ReasonResolved, true, "", "0.96", metering.ReasonTalk},
		"held, then yes":      {metering.ExemptUnknown, yes, metering.ReasonResolved, true, "", "0.00", metering.ReasonExempt},
		"held, then given up": {metering.ExemptUnknown, unknown, metering.ReasonGivenUp, true, "", "0.00", metering.ReasonExemptionUnresolved},
		"charged, then yes":   {metering.ExemptNo, yes, metering.ReasonCredited, true, "", "0.00", metering.ReasonExempt},
		"charged, then no":    {metering.ExemptNo, no, metering.ReasonResolved, false, "", "0.96", metering.ReasonTalk},
		"charged, forgotten":  {metering.ExemptNo, unknown, metering.ReasonGivenUp, false, "", "0.96", metering.ReasonTalk},
		"exempt, then no":     {metering.ExemptYes, no, metering.ReasonResolved, false, "", "0.00", metering.ReasonExempt},
	} {
		t.Run(name, func(t *testing.T) {
			call := ended(t, c.before, price())
			first := metering.NewRecord(call, metering.Evidence{})
			if held := c.before == metering.ExemptUnknown; (first.State == metering.RecordPending) != held || held && first.Charge.Minor != 0 {
				t.Errorf("first: %s %q", first.Charge, first.State)
			}
			if call.Resolve(c.then, c.why) != c.changes {
				t.Fatalf("it changes something: %v, want %v", !c.changes, c.changes)
			}
			rec := metering.NewVersion(call, 2, metering.Evidence{})
			last := rec.Reasons[len(rec.Reasons)-1]
			if rec.State != c.state || rec.Charge.String() != c.amount || rec.Reasons[0] != c.first || c.changes && last != c.why || rec.Record == first.Record {
				t.Errorf("%s %q %v", rec.Charge, rec.State, rec.Reasons)
			}
		})
	}
	given := ended(t, metering.ExemptUnknown, price())
	given.Resolve(unknown, metering.ReasonGivenUp)
	if given.Resolve(no, metering.ReasonResolved) {
		t.Error("a call that was free for good is charged after all")
	}
	if !given.Resolve(yes, metering.ReasonCredited) {
		t.Error("a proof after giving up is not taken")
	}
}

// Nothing is held where nothing would be charged: the service has no price, or too little was talked.
func TestOnlyWhatWouldBeChargedIsHeld(t *testing.T) {
	cheap := price()
	cheap.PerMinute = "0.000001"
	for name, tr := range map[string]*tariff.Tariff{"no tariff": nil, "less than a cent": cheap} {
		if rec := metering.NewRecord(ended(t, metering.ExemptUnknown, tr), metering.Evidence{}); rec.State != "" {
			t.Errorf("%s: the record is %s", name, rec.State)
		}
	}
	withheld := ended(t, metering.ExemptUnknown, price())
	withheld.Caller = ""
	if rec := metering.NewRecord(withheld, metering.Evidence{}); rec.State != "" || rec.Charge.Minor != 0 {
		t.Errorf("a caller whom nobody can ever ask about: %q, %s", rec.State, rec.Charge)
	}
}

// A code that the caller types counts, whatever is said of the number before or after it.
func TestAYesIsNotTakenBack(t *testing.T) {
	yes := metering.Fact{Kind: metering.ExemptionAnswered, At: at(1), Exemption: metering.Exemption{Verdict: metering.ExemptYes, Ref: "code"}}
	no := metering.Fact{Kind: metering.ExemptionAnswered, At: at(1), Exemption: metering.Exemption{Verdict: metering.ExemptNo}}
	for _, order := range [][]metering.Fact{{yes, no}, {no, yes}} {
		facts := append([]metering.Fact{arrived(&metering.Terms{Tariff: price(), AskExemption: true})}, order...)
		rec := fold(t, append(facts, metering.Fact{Kind: metering.TalkStarted, At: at(2), Operator: "o"}, metering.Fact{Kind: metering.CallEnded, At: at(62), Why: metering.EndedByCaller})...)
		if !rec.Exempt || rec.ExemptionRef != "code" || rec.Charge.Minor != 0 {
			t.Errorf("%v: exempt %t by %q, %s", order, rec.Exempt, rec.ExemptionRef, rec.Charge)
		}
	}
}

func TestTheSurveyTakesKeysInTurn(t *testing.T) {
	for keys, want := range map[string]metering.Survey{
		"": {}, "4": {Satisfaction: 4}, "41": {Satisfaction: 4, Solved: "yes"}, "0692": {}, "9512": {Satisfaction: 5, Solved: "yes"}, "32": {Satisfaction: 3, Solved: "no"}, "1*2": {Satisfaction: 1, Solved: "no"},
	} {
		var s metering.Survey
		for _, k := range keys {
			s.Take(string(k))
		}
		if keys == "0692" { // 2 is the first that is an answer
			want = metering.Survey{Satisfaction: 2}
		}
		if s != want {
			t.Errorf("%q: %+v, want %+v", keys, s, want)
		}
	}
}
