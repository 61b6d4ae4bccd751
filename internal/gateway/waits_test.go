package gateway

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/policy"
)

// Under a law that wants the wait told, and on a number that it concerns, callers are told what the
// latest waits were like, for their place in the queue. Nothing is told from too few of them.
func TestTheFrontDeskTellsTheExpectedWait(t *testing.T) {
	w := sourceless(t, filepath.Join(t.TempDir(), "ledger.db"), zap.NewNop())
	b := w.deskBackend
	b.lookup = lookups.ByNumber{Lookup: lookupFake(func(metering.Number) (exemption.Answer, error) {
		return exemption.Answer{Exemption: metering.Exemption{Verdict: metering.ExemptNo}}, nil
	})}
	law, err := policy.For("de", policy.SectorOther, nil)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	arrives := func(kind string) metering.CallID {
		calls++
		c := &metering.Call{
			ID: metering.CallID(fmt.Sprint(calls)), Service: "help", ArrivedAt: at(0),
			Terms: metering.Terms{Tariff: &standard, Policy: law, NumberKind: kind},
		}
		b.arrived(c, metering.Number{})
		b.arrived(c, metering.Number{}) // its number has come: it is the same call
		return c.ID
	}
	offer := func(call metering.CallID) frontdesk.Offer {
		o, ok := b.Offer(t.Context(), call)
		if !ok {
			t.Fatal("the front desk does not know the call")
		}
		return o
	}
	for n := range 3 {
		call := arrives("voip")
		if o := offer(call); !o.TellWait || o.Wait != 0 {
			t.Errorf("after %d answers: %+v", n, o)
		}
		b.answered(call, at(40))
		b.answered(call, at(90)) // a second operator
	}
	first := arrives("voip")
	arrives("voip")
	arrives("voip")
	last := arrives("voip")
	if got := offer(last).Wait; got != 4*40*time.Second {
		t.Errorf("behind three others: %s", got)
	}
	b.ended(first)
	if got := offer(last).Wait; got != 3*40*time.Second {
		t.Errorf("behind two others: %s", got)
	}
	landline := arrives("geographic")
	if o := offer(landline); o.TellWait {
		t.Errorf("on a geographic number: %+v", o)
	}
	b.setTellWait(true) // front_desk.tell_wait
	if o := offer(landline); !o.TellWait || o.Wait == 0 {
		t.Errorf("as configured: %+v", o)
	}
	if b.SolvedFirst(last) {
		t.Error("the order of the survey is not that of the policy")
	}
}
