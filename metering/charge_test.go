package metering_test

import (
	"slices"
	"strings"
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

func announced(ended time.Time, tariffRef, consent string) metering.Fact {
	return metering.Fact{
		Kind: metering.AnnouncementMade, At: at(1),
		Announcement: &metering.Announcement{
			AnnouncedAt: metering.Time{Time: ended}, Tariff: tariffRef, Consent: consent,
		},
	}
}

// A minute of talk from second 10 on, at 0.96 a minute, under each policy and with different
// announcements.
func TestPolicyAndAnnouncementDecideTheCharge(t *testing.T) {
	const (
		given   = metering.ConsentGiven
		refused = metering.ConsentRefused
	)
	ref := price().Ref()
	reached := func(kind string) metering.Fact {
		return metering.Fact{Kind: metering.NumberReached, At: at(1), Why: kind}
	}
	answered := metering.Fact{Kind: metering.CallerAnswered, At: at(0)}
	free := metering.Fact{
		Kind: metering.AnnouncementMade, At: at(1), Announcement: &metering.Announcement{Free: true},
	}
	atDesk := metering.Fact{Kind: metering.CallerAtDesk, At: at(1)}
	it, de, uk := law(t, "it", "other"), law(t, "de", "other"), law(t, "uk", "other")
	told := func(at time.Time, seconds int64) metering.Fact {
		f := announced(noon.Add(time.Second), ref, "")
		f.Announcement.WaitToldAt, f.Announcement.WaitSeconds = metering.Time{Time: at}, seconds
		return f
	}
	telecom, es := law(t, "it", "telecom"), law(t, "es", "other")
	strictest, fr := law(t, "", "other"), law(t, "fr", "other")
	type facts []metering.Fact
	for name, c := range map[string]struct {
		law   policy.Policy
		facts facts
		want  metering.Reason
	}{
		"it: not announced":   {it, nil, metering.ReasonTalk},
		"it: answered early":  {it, facts{answered}, metering.ReasonTalk},
		"it: announced late":  {it, facts{announced(at(7.1), ref, "")}, metering.ReasonAnnouncedLate},
		"it: announced":       {it, facts{announced(at(7), ref, "")}, metering.ReasonTalk},
		"it: refused":         {it, facts{announced(at(1), ref, refused)}, metering.ReasonNoConsent},
		"it: announced free":  {it, facts{free}, metering.ReasonAnnouncedFree},
		"it: desk was silent": {it, facts{atDesk}, metering.ReasonNotAnnounced},
		"it: a landline":      {it, facts{reached("geographic")}, metering.ReasonTalk},
		"it: a premium number": {
			it, facts{reached("geographic"), reached("premium")}, metering.ReasonNumberRefused,
		},
		"it: an unknown number": {it, facts{reached("unknown")}, metering.ReasonNumberRefused},
		"it: a telecom company": {telecom, nil, metering.ReasonPriceForbidden},
		"es":                    {es, nil, metering.ReasonPriceForbidden},
		"strictest": {
			strictest, facts{announced(at(1), ref, given)}, metering.ReasonPriceForbidden,
		},
		"fr":                {fr, nil, metering.ReasonTalk},
		"de: not announced": {de, nil, metering.ReasonNotAnnounced},
		"de: announced":     {de, facts{told(at(7), 60)}, metering.ReasonTalk},
		"de: the wait not told": {
			de, facts{announced(at(7), ref, "")}, metering.ReasonWaitNotTold,
		},
		"de: the wait told in talk": {de, facts{told(at(11), 60)}, metering.ReasonWaitNotTold},
		"de: the wait not known":    {de, facts{told(at(5), 0)}, metering.ReasonWaitNotTold},
		"de: another price announced": {
			de, facts{announced(at(1), "other@0", "")}, metering.ReasonNotAnnounced,
		},
		"de: answered early": {
			de, facts{answered, announced(at(1), ref, "")}, metering.ReasonWaitCharged,
		},
		"uk: not announced": {uk, nil, metering.ReasonNoConsent},
		"uk: not asked":     {uk, facts{announced(at(1), ref, "")}, metering.ReasonNoConsent},
		"uk: agreed":        {uk, facts{announced(at(1), ref, given)}, metering.ReasonTalk},
		"uk: agreed, announced again in talk": {
			uk, facts{announced(at(1), ref, given), announced(at(30), ref, given)},
			metering.ReasonAnnouncedLate,
		},
	} {
		t.Run(name, func(t *testing.T) {
			all := facts{arrived(&metering.Terms{Tariff: price(), Policy: c.law})}
			rec := record(t, append(append(all, c.facts...), talk(10, 70)...)...)
			want := "0.00"
			if c.want == metering.ReasonTalk {
				want = "0.96"
			}
			if rec.Reasons[0] != c.want || rec.Charge.String() != want || rec.TalkMs != 60000 ||
				rec.Policy != c.law.Ref() {
				t.Errorf("%s because of %v under %s, want %s because of %s", rec.Charge, rec.Reasons,
					rec.Policy, want, c.want)
			}
		})
	}
}

// Under German law the wait must be told on numbers that are neither free, geographic nor mobile.
func TestTheWaitMustBeToldByTheKindOfNumber(t *testing.T) {
	for kind, want := range map[string]metering.Reason{
		"geographic": metering.ReasonTalk, "mobile": metering.ReasonTalk,
		"freephone": metering.ReasonTalk, "voip": metering.ReasonWaitNotTold,
		"": metering.ReasonWaitNotTold,
	} {
		terms := metering.Terms{Tariff: price(), Policy: law(t, "de", "other"), NumberKind: kind}
		facts := []metering.Fact{arrived(&terms), announced(at(1), price().Ref(), "")}
		rec := record(t, append(facts, talk(10, 70)...)...)
		if rec.Reasons[0] != want {
			t.Errorf("%q: %v, want %s", kind, rec.Reasons, want)
		}
	}
}

// The number that callers dial is the first that a call is led to.
func TestServicesOwnNumberCounts(t *testing.T) {
	for kind, want := range map[string]metering.Reason{
		"geographic": metering.ReasonTalk, "premium": metering.ReasonNumberRefused,
	} {
		terms := metering.Terms{Tariff: price(), Policy: law(t, "it", "other"), NumberKind: kind}
		rec := record(t, append([]metering.Fact{arrived(&terms)}, talk(1, 61)...)...)
		if rec.Reasons[0] != want || len(rec.Numbers) != 1 || rec.Numbers[0] != kind {
			t.Errorf("%s: %v, %v", kind, rec.Reasons, rec.Numbers)
		}
	}
}

func TestCapIsAReason(t *testing.T) {
	capped := price()
	capped.CapPerCall = "0.50"
	facts := []metering.Fact{arrived(&metering.Terms{Tariff: capped})}
	rec := record(t, append(facts, talk(1, 61)...)...)
	if rec.Charge.String() != "0.50" || rec.Reasons[0] != metering.ReasonCapped {
		t.Errorf("%s %v", rec.Charge, rec.Reasons)
	}
}

// Nothing is pending where nothing would be charged.
func TestOnlyAChargeIsPending(t *testing.T) {
	cheap := price()
	cheap.PerMinute = "0.000001"
	for name, tr := range map[string]*tariff.Tariff{"no tariff": nil, "less than a cent": cheap} {
		ended := askedCall(t, metering.ExemptUnknown, tr)
		if rec := metering.NewRecord(ended, metering.Evidence{}); rec.State != "" {
			t.Errorf("%s: the record is %s", name, rec.State)
		}
	}
	withheld := askedCall(t, metering.ExemptUnknown, price())
	withheld.Caller = ""
	rec := metering.NewRecord(withheld, metering.Evidence{})
	if rec.State != "" || rec.Charge.Minor != 0 {
		t.Errorf("a withheld caller, whom no lookup can know: %q, %s", rec.State, rec.Charge)
	}
}

// An answer about a number that nobody vouches for is a no with a reason of its own; a code counts all
// the same. The attestation is the number's, whatever came first, and belongs to that number alone.
func TestAttestationOfTheNumberIsKept(t *testing.T) {
	untrusted := exemptionAnswered(metering.ExemptNo, "")
	untrusted.Exemption.Untrusted, untrusted.Exemption.Attestation = true, metering.AttestedPartly
	code := exemptionAnswered(metering.ExemptYes, "code")
	identified := metering.Fact{Kind: metering.CallerIdentified, At: at(1), Caller: "c-y"}
	type facts = []metering.Fact
	for name, c := range map[string]struct {
		facts       facts
		attestation metering.Attestation
		exempt      bool
		untrusted   bool
	}{
		"number":                      {facts{untrusted}, metering.AttestedPartly, false, true},
		"number, then code":           {facts{untrusted, code}, metering.AttestedPartly, true, false},
		"code, then number":           {facts{code, untrusted}, metering.AttestedPartly, true, false},
		"code":                        {facts{code}, metering.AttestationUnknown, true, false},
		"of a number that came later": {facts{untrusted, identified}, metering.AttestationUnknown, false, false},
	} {
		all := facts{arrived(&metering.Terms{Tariff: price(), AskExemption: true})}
		rec := record(t, append(append(all, c.facts...), talk(2, 62)...)...)
		if rec.Attestation != c.attestation || rec.Exempt != c.exempt ||
			slices.Contains(rec.Reasons, metering.ReasonNumberUntrusted) != c.untrusted {
			t.Errorf("%s: %s, exempt %v, %v", name, rec.Attestation, rec.Exempt, rec.Reasons)
		}
		if (rec.Charge.Minor == 0) == c.untrusted {
			t.Errorf("%s: %s", name, rec.Charge)
		}
	}
}

// A code that the caller typed counts, whatever the answer about the number is, before or after it.
func TestExemptionIsNotTakenBack(t *testing.T) {
	yes := exemptionAnswered(metering.ExemptYes, "code")
	no := exemptionAnswered(metering.ExemptNo, "")
	for _, order := range [][]metering.Fact{{yes, no}, {no, yes}} {
		facts := []metering.Fact{arrived(&metering.Terms{Tariff: price(), AskExemption: true})}
		rec := record(t, append(append(facts, order...), talk(2, 62)...)...)
		if !rec.Exempt || rec.ExemptionRef != "code" || rec.Charge.Minor != 0 {
			t.Errorf("%v: exempt %t by %q, %s", order, rec.Exempt, rec.ExemptionRef, rec.Charge)
		}
	}
}

// A minute at 0.96, of which 22 % is tax: 0.96 / 1.22 is 0.7868... What is not charged has no tax.
func TestRecordSaysWhatIsTax(t *testing.T) {
	for _, c := range []struct {
		tax               string
		verdict           metering.Verdict
		charge, net, paid string
	}{
		{tariff.TaxIncluded, metering.ExemptNo, "0.96", "0.78", "0.18"},
		{tariff.TaxAdded, metering.ExemptNo, "1.17", "0.96", "0.21"},
		{tariff.TaxAdded, metering.ExemptYes, "0.00", "0.00", "0.00"},
		{tariff.TaxAdded, metering.ExemptUnknown, "0.00", "0.00", "0.00"},
	} {
		tr := price()
		tr.Tax, tr.TaxPercent = c.tax, "22"
		rec := metering.NewRecord(askedCall(t, c.verdict, tr), metering.Evidence{})
		if rec.Charge.String() != c.charge || rec.Net.String() != c.net || rec.Tax.String() != c.paid ||
			rec.TaxPercent != "22" {
			t.Errorf("%+v: %s", c, rec.JSON())
		}
	}
	rec := metering.NewRecord(askedCall(t, metering.ExemptNo, price()), metering.Evidence{})
	if strings.Contains(string(rec.JSON()), "tax") || strings.Contains(string(rec.JSON()), "net") {
		t.Errorf("the tariff names no tax: %s", rec.JSON())
	}
}
