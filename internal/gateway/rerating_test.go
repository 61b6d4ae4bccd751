package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/exemption/registry"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/sqlite"
	"github.com/risposta/gateway/metering/tariff"
)

// oracle is a lookup that says what it is told to.
type oracle struct {
	verdict metering.Verdict
	err     error
	asked   []time.Time
}

func (o *oracle) Exempt(_ context.Context, n metering.Number, at time.Time) (exemption.Answer, error) {
	if n.Clear() != "+390612345678" {
		return exemption.Answer{}, errors.New("asked about somebody else")
	}
	o.asked = append(o.asked, at)
	return exemption.Answer{Exemption: metering.Exemption{Verdict: o.verdict, Ref: "e-1"}}, o.err
}

// held is a settler over a ledger with one recorded call, of up to so many frames, whose caller nobody could speak of.
func held(t *testing.T, o *oracle, frames int) (*settler, metering.CallID) {
	t.Helper()
	ctx := context.Background()
	l, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	names, err := metering.ParseKeys("a key for this test only")
	if err != nil {
		t.Fatal(err)
	}
	reg, err := registry.Open(ctx, filepath.Join(t.TempDir(), "exempt.db"), names)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(l.Close(), reg.Close()); err != nil {
			t.Error(err)
		}
	})
	operators, err := mediation.NewGlobs("PJSIP/agent*")
	if err != nil {
		t.Fatal(err)
	}
	p := mediation.New(mediation.Rules{
		Service:   func(c ari.Channel) (string, bool) { return "help", c.Endpoint() == "PJSIP/trunk" },
		Operators: operators, Pseudonym: names.Of, Encrypt: names.Encrypt, CountryCode: "39", AskExemption: true,
		Terms: func(string, time.Time) metering.Terms {
			return metering.Terms{Tariff: &tariff.Tariff{Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR"}}
		},
	})
	text, err := os.ReadFile("../../integration/testdata/traces/early-media/ari.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var out mediation.Output
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	for _, line := range lines[:min(frames, len(lines))] {
		p.Feed(ari.Frame{Raw: line}, &out)
	}
	call := out.Asks[0].Call
	if err := l.Commit(ctx, &out.Batch); err != nil {
		t.Fatal(err)
	}
	return &settler{
		ledger: &shared{Ledger: l}, lookup: o, registry: reg, names: names, batch: 100, giveUp: 1000 * 24 * time.Hour, log: zap.NewNop(), metrics: newMetrics(),
		tries: map[metering.CallID]*try{},
	}, call
}

func (s *settler) newest(t *testing.T, call metering.CallID) (r metering.Record) {
	t.Helper()
	text, err := s.ledger.Record(context.Background(), call)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s *settler) waiting(t *testing.T) int {
	t.Helper()
	h, err := s.ledger.PendingRecords(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return len(h)
}

func TestAHeldCallIsAskedAboutAsOfItsTime(t *testing.T) {
	o := &oracle{err: errors.New("down")}
	s, call := held(t, o, 1000)
	s.settle(t.Context())
	s.settle(t.Context()) // too early to ask again
	if r := s.newest(t, call); r.Version != 1 || r.State != metering.RecordPending || s.waiting(t) != 1 || len(o.asked) != 1 {
		t.Fatalf("version %d %q, %d held, asked %d times", r.Version, r.State, s.waiting(t), len(o.asked))
	}
	o.verdict, o.err = metering.ExemptNo, nil
	s.tries[call].due = time.Time{}
	s.settle(t.Context())
	r := s.newest(t, call)
	if r.Version != 2 || r.State != "" || r.Charge.Minor == 0 || !slices.Contains(r.Reasons, metering.ReasonResolved) || s.waiting(t) != 0 {
		t.Errorf("settled: %s, %d held", r.JSON(), s.waiting(t))
	}
	if !o.asked[1].Equal(r.ArrivedAt.Time) {
		t.Errorf("it was asked as of %s, the call arrived at %s", o.asked[1], r.ArrivedAt)
	}
	s.settle(t.Context())
	if len(s.tries) != 0 {
		t.Error("tries of settled calls are kept")
	}
}

func TestAHeldCallIsFreeForGoodInTheEnd(t *testing.T) {
	o := &oracle{}
	s, call := held(t, o, 1000)
	s.giveUp = 0
	s.settle(t.Context())
	r := s.newest(t, call)
	if r.Version != 2 || r.State != "" || r.Charge.Minor != 0 || r.Reasons[0] != metering.ReasonExemptionUnresolved || !slices.Contains(r.Reasons, metering.ReasonGivenUp) || s.waiting(t) != 0 {
		t.Errorf("given up: %s, %d held", r.JSON(), s.waiting(t))
	}
}

// An entitlement that was dated back refunds once, and is looked through again while its caller is in a call.
func TestALateProofRefunds(t *testing.T) {
	for _, living := range []bool{false, true} {
		o := &oracle{verdict: metering.ExemptNo}
		s, call := held(t, o, 1000)
		s.settle(t.Context())
		if living {
			again := ledger.OpenCall{Call: "still-there", Node: "n", Service: "help", ArrivedAt: s.newest(t, call).ArrivedAt.Time, EncryptedCaller: s.names.Encrypt(metering.NewNumber("+390612345678", ""))}
			if err := s.ledger.Commit(t.Context(), &ledger.Batch{Node: "n", Opened: []ledger.OpenCall{again}}); err != nil {
				t.Fatal(err)
			}
		}
		g := registry.Grant{Number: metering.NewNumber("+390612345678", ""), Entitlement: registry.Entitlement{Ref: "e-late", From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}
		if _, err := s.registry.Add(t.Context(), time.Now().AddDate(1, 0, 0), g); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			s.refund(t.Context())
			r := s.newest(t, call)
			if r.Version != 3 || !r.Exempt || r.ExemptionRef != "e-late" || r.Charge.Minor != 0 || !slices.Contains(r.Reasons, metering.ReasonCredited) {
				t.Fatalf("refunded: %s", r.JSON())
			}
		}
		lates, err := s.registry.Backdated(t.Context(), 10)
		if err != nil || (len(lates) == 1) != living {
			t.Errorf("with the caller in a call (%v) %d entitlements are still to be looked through, %v", living, len(lates), err)
		}
	}
}

// A call that lives is not settled: its record is still to come.
func TestAnOpenCallIsNotSettled(t *testing.T) {
	s, call := held(t, &oracle{verdict: metering.ExemptYes}, 45)
	if err := s.supersede(t.Context(), call, metering.Exemption{Verdict: metering.ExemptYes}, metering.ReasonCredited); err == nil {
		t.Error("an open call was superseded")
	}
}

// Entitlements by the thousand, as an import brings them: all are looked through, in batches, and the one caller among them who has called is refunded.
func TestAnImportOfLateProofsIsLookedThrough(t *testing.T) {
	s, call := held(t, &oracle{verdict: metering.ExemptNo}, 1000)
	s.settle(t.Context())
	const people = 1005
	grants := make([]registry.Grant, people)
	for i := range grants {
		grants[i] = registry.Grant{Number: metering.NewNumber(fmt.Sprintf("+3906%08d", 50_000_000+i), ""), Entitlement: registry.Entitlement{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}
	}
	grants[people-2].Number, grants[people-2].Ref = metering.NewNumber("+390612345678", ""), "e-late"
	if _, err := s.registry.Add(t.Context(), time.Now().AddDate(1, 0, 0), grants...); err != nil {
		t.Fatal(err)
	}
	s.refund(t.Context())
	if r := s.newest(t, call); r.Version != 3 || r.ExemptionRef != "e-late" {
		t.Errorf("not refunded: %s", r.JSON())
	}
	if lates, err := s.registry.Backdated(t.Context(), 10); err != nil || len(lates) != 0 {
		t.Errorf("%d entitlements are still to be looked through, %v", len(lates), err)
	}
}
