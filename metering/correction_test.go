package metering_test

import (
	"testing"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

// askedCall is a call with a minute of talk whose caller may be exempt.
func askedCall(t *testing.T, v metering.Verdict, tr *tariff.Tariff) *metering.Call {
	t.Helper()
	facts := []metering.Fact{
		arrived(&metering.Terms{Tariff: tr, AskExemption: true}), exemptionAnswered(v, ""),
	}
	return call(t, append(facts, talk(1, 61)...)...)
}

// An answer after the call resolves it, credits it or gives it up. None takes an exemption away.
func TestLateAnswersCorrectTheRecord(t *testing.T) {
	var (
		yes     = metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-1"}
		no      = metering.Exemption{Verdict: metering.ExemptNo}
		unknown = metering.Exemption{}
	)
	for name, c := range map[string]struct {
		before  metering.Verdict
		then    metering.Exemption
		why     metering.Reason
		changes bool
		amount  string
		first   metering.Reason
	}{
		"pending, then no": {
			metering.ExemptUnknown, no, metering.ReasonResolved, true, "0.96", metering.ReasonTalk,
		},
		"pending, then yes": {
			metering.ExemptUnknown, yes, metering.ReasonResolved, true, "0.00", metering.ReasonExempt,
		},
		"pending, then given up": {
			metering.ExemptUnknown, unknown, metering.ReasonGivenUp, true, "0.00",
			metering.ReasonExemptionUnresolved,
		},
		"charged, then yes": {
			metering.ExemptNo, yes, metering.ReasonCredited, true, "0.00", metering.ReasonExempt,
		},
		"charged, then no": {
			metering.ExemptNo, no, metering.ReasonResolved, false, "0.96", metering.ReasonTalk,
		},
		"charged, then given up": {
			metering.ExemptNo, unknown, metering.ReasonGivenUp, false, "0.96", metering.ReasonTalk,
		},
		"exempt, then no": {
			metering.ExemptYes, no, metering.ReasonResolved, false, "0.00", metering.ReasonExempt,
		},
	} {
		t.Run(name, func(t *testing.T) {
			ended := askedCall(t, c.before, price())
			first := metering.NewRecord(ended, metering.Evidence{})
			pending := c.before == metering.ExemptUnknown
			if (first.State == metering.RecordPending) != pending || pending && first.Charge.Minor != 0 {
				t.Errorf("first: %s %q", first.Charge, first.State)
			}
			if ended.Resolve(c.then, c.why) != c.changes {
				t.Fatalf("it changes something: %v, want %v", !c.changes, c.changes)
			}
			rec := metering.NewVersion(ended, 2, metering.Evidence{})
			last := rec.Reasons[len(rec.Reasons)-1]
			if rec.State != "" || rec.Charge.String() != c.amount || rec.Reasons[0] != c.first ||
				c.changes && last != c.why || rec.Record == first.Record {
				t.Errorf("%s %q %v", rec.Charge, rec.State, rec.Reasons)
			}
		})
	}
}

func TestGivenUpCallIsNeverChargedButMayBeCredited(t *testing.T) {
	given := askedCall(t, metering.ExemptUnknown, price())
	given.Resolve(metering.Exemption{}, metering.ReasonGivenUp)
	no := metering.Exemption{Verdict: metering.ExemptNo}
	if given.Resolve(no, metering.ReasonResolved) {
		t.Error("a call that was given up is charged")
	}
	yes := metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-1"}
	if !given.Resolve(yes, metering.ReasonCredited) {
		t.Error("a backdated entitlement is refused after giving up")
	}
}
