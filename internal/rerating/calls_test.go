package rerating

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cel"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/ledgertest"
	_ "github.com/risposta/gateway/metering/ledger/sqlite"
	"github.com/risposta/gateway/metering/numbering"
	"github.com/risposta/gateway/metering/tariff"
)

const traces = "../../integration/testdata/traces/"

func newPseudonyms(t *testing.T) *metering.Pseudonyms {
	t.Helper()
	p, err := metering.ParseKeys(strings.Repeat("0123456789abcdef", 4))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// italian reads the callers' numbers.
var italian = numbering.NewReader("39")

// newRules meter every call that comes in over the trunk, at 1.6 cents a second.
func newRules(t *testing.T) mediation.Rules {
	t.Helper()
	operators, err := mediation.NewGlobs("PJSIP/agent*")
	if err != nil {
		t.Fatal(err)
	}
	p := newPseudonyms(t)
	standard := tariff.Tariff{
		Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR",
	}
	return mediation.Rules{
		Service: func(c ari.Channel) (string, bool) {
			return "help", c.Endpoint() == "PJSIP/trunk"
		},
		Operators: operators, Pseudonym: p.Of, Encrypt: p.Encrypt, AskExemption: true,
		ReadCaller: func(_ string, given metering.Number) (metering.Number, bool) {
			return italian.Caller(given.Clear(), "")
		},
		Terms: func(string, time.Time) metering.Terms { return metering.Terms{Tariff: &standard} },
	}
}

// feed passes the first frames of a recording through a mediator; 0: all.
func feed(
	t *testing.T, m *mediation.Mediator, recording string, frames int, out *mediation.Output,
) {
	t.Helper()
	text, err := os.ReadFile(traces + recording + "/ari.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	if frames == 0 {
		frames = len(lines)
	}
	for _, line := range lines[:frames] {
		m.Feed(ari.Frame{Raw: line}, out)
	}
}

func commit(t *testing.T, l ledger.Writer, out *mediation.Output) {
	t.Helper()
	if err := l.Commit(t.Context(), &out.Batch); err != nil {
		t.Fatal(err)
	}
}

// pendingCall has ended, and no lookup has answered.
func pendingCall(t *testing.T) (ledger.Store, metering.CallID, Change) {
	t.Helper()
	l := ledgertest.New(t)
	var out mediation.Output
	feed(t, mediation.New(newRules(t)), "early-media", 0, &out)
	commit(t, l, &out)
	return l, out.Records[0].Call, nil
}

// seenFrames is how much of hold-transfer the gateway has seen where it is gapped: up to the hold
// after the first stretch of talk, of 2.001 s.
const seenFrames = 53

func gapped(t *testing.T, answered bool) (ledger.Store, metering.CallID) {
	t.Helper()
	l := ledgertest.New(t)
	m := mediation.New(newRules(t))
	var out mediation.Output
	feed(t, m, "hold-transfer", seenFrames, &out)
	call := out.Asks[0].Call
	if answered {
		m.Answer(call, metering.Exemption{Verdict: metering.ExemptNo}, &out)
	}
	m.Finish(&out)
	commit(t, l, &out)
	return l, call
}

// gappedCall was on hold as a gap began in which it ended; its caller is not exempt. The CEL has
// all of it.
func gappedCall(t *testing.T) (ledger.Store, metering.CallID, Change) {
	t.Helper()
	l, call := gapped(t, true)
	_, frame := fromCEL(t)
	return l, call, Reconciled(nil, frame)
}

// gappedPendingCall is one about whose caller no lookup has answered. The CEL has no number.
func gappedPendingCall(t *testing.T) (ledger.Store, metering.CallID, Change) {
	t.Helper()
	l, call := gapped(t, false)
	_, frame := fromCEL(t)
	return l, call, Reconciled(nil, frame)
}

// unseenCall is in the CEL alone, with its caller's number.
func unseenCall(t *testing.T) (ledger.Store, metering.CallID, Change) {
	t.Helper()
	arrival, frame := fromCEL(t)
	caller := newPseudonyms(t).Encrypt(metering.NewNumber("+390612345678"))
	ended := time.Date(2026, 11, 23, 9, 46, 30, 951e6, time.UTC)
	frames := mediation.New(newRules(t)).Missed(arrival, ended)
	return ledgertest.New(t), arrival.Call, Reconciled(caller, append(frames, frame)...)
}

// fromCEL is hold-transfer as the CEL has it: the arrival, and the frame for the evidence.
func fromCEL(t *testing.T) (arrival metering.Fact, frame []byte) {
	t.Helper()
	f, err := os.Open(traces + "hold-transfer/cel.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	rules := newRules(t)
	rules.AskExemption = false
	m := mediation.New(rules)
	var out mediation.Output
	err = cel.Read(f, time.UTC, "pbx", func(ev cel.Event) error {
		m.Step(ev.Event, &out)
		return nil
	})
	if err != nil || len(out.Calls) != 1 {
		t.Fatalf("%d calls in the CEL, %v; want one", len(out.Calls), err)
	}
	for _, f := range out.Facts {
		if f.Kind == metering.CallArrived {
			arrival = f
		}
	}
	arrival.Number = metering.NewNumber("+390612345678")
	var frames [][]byte
	for _, e := range out.Evidence {
		frames = append(frames, e.Frame)
	}
	return arrival, evidence.NewReconciled(out.Calls[0].ID, out.Calls[0].EndedAt, frames, false)
}
