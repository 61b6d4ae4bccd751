package rerating

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

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/exemption/registry"
	"github.com/risposta/gateway/metering/ledger"
	_ "github.com/risposta/gateway/metering/ledger/sqlite"
	"github.com/risposta/gateway/metering/tariff"
)

// oracle is a lookup that answers what it is set to.
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

// pending is a resolver over a ledger with one recorded call, of up to so many frames,
// whose caller no lookup has told of.
func pending(t *testing.T, o *oracle, frames int) (*Resolver, metering.CallID) {
	t.Helper()
	ctx := context.Background()
	l := ledgerOf(t)
	names, err := metering.ParseKeys("a key for this test only")
	if err != nil {
		t.Fatal(err)
	}
	reg, err := registry.Open(ctx, filepath.Join(t.TempDir(), "exempt.db"), names)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := reg.Close(); err != nil {
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
	return &Resolver{
		Store: l, Lookup: o, Registry: reg, Pseudonyms: names, GiveUpAfter: 1000 * 24 * time.Hour,
		Observer: silent{}, batch: 100,
	}, call
}

func ledgerOf(t *testing.T) ledger.Store {
	t.Helper()
	l, err := ledger.Open(context.WithoutCancel(t.Context()), filepath.Join(t.TempDir(), "ledger.db"), ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// silent is an observer of nothing.
type silent struct{}

func (silent) Pending(int)                               {}
func (silent) Rerated(metering.Reason, *metering.Record) {}
func (silent) RerateFailed(metering.CallID, error)       {}

func (s *Resolver) newest(t *testing.T, call metering.CallID) (r metering.Record) {
	t.Helper()
	text, err := s.Store.Record(context.Background(), call)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s *Resolver) waiting(t *testing.T) int {
	t.Helper()
	h, err := s.Store.PendingRecords(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return len(h)
}

func TestPendingRecordIsAskedAboutAsOfItsTime(t *testing.T) {
	o := &oracle{err: errors.New("down")}
	s, call := pending(t, o, 1000)
	s.resolve(t.Context())
	s.resolve(t.Context()) // too early to ask again
	if r := s.newest(t, call); r.Version != 1 || r.State != metering.RecordPending || s.waiting(t) != 1 || len(o.asked) != 1 {
		t.Fatalf("version %d %q, %d pending, asked %d times", r.Version, r.State, s.waiting(t), len(o.asked))
	}
	o.verdict, o.err = metering.ExemptNo, nil
	s.tries[call].due = time.Time{}
	s.resolve(t.Context())
	r := s.newest(t, call)
	if r.Version != 2 || r.State != "" || r.Charge.Minor == 0 || !slices.Contains(r.Reasons, metering.ReasonResolved) || s.waiting(t) != 0 {
		t.Errorf("resolved: %s, %d pending", r.JSON(), s.waiting(t))
	}
	if !o.asked[1].Equal(r.ArrivedAt.Time) {
		t.Errorf("it was asked as of %s, the call arrived at %s", o.asked[1], r.ArrivedAt)
	}
	s.resolve(t.Context())
	if len(s.tries) != 0 {
		t.Error("tries of resolved records are kept")
	}
}

func TestPendingRecordIsGivenUpInTheEnd(t *testing.T) {
	o := &oracle{}
	s, call := pending(t, o, 1000)
	s.GiveUpAfter = 0
	s.resolve(t.Context())
	r := s.newest(t, call)
	if r.Version != 2 || r.State != "" || r.Charge.Minor != 0 || r.Reasons[0] != metering.ReasonExemptionUnresolved || !slices.Contains(r.Reasons, metering.ReasonGivenUp) || s.waiting(t) != 0 {
		t.Errorf("given up: %s, %d pending", r.JSON(), s.waiting(t))
	}
}

// A backdated entitlement credits once, and is processed again while its caller is in a call.
func TestBackdatedEntitlementCredits(t *testing.T) {
	for _, living := range []bool{false, true} {
		o := &oracle{verdict: metering.ExemptNo}
		s, call := pending(t, o, 1000)
		s.resolve(t.Context())
		if living {
			again := ledger.OpenCall{Call: "still-there", Node: "n", Service: "help", ArrivedAt: s.newest(t, call).ArrivedAt.Time, EncryptedCaller: s.Pseudonyms.Encrypt(metering.NewNumber("+390612345678", ""))}
			if err := s.Store.(ledger.Writer).Commit(t.Context(), &ledger.Batch{Node: "n", Opened: []ledger.OpenCall{again}}); err != nil {
				t.Fatal(err)
			}
		}
		g := registry.Grant{Number: metering.NewNumber("+390612345678", ""), Entitlement: registry.Entitlement{Ref: "e-late", From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}
		if _, err := s.Registry.Add(t.Context(), time.Now().AddDate(1, 0, 0), g); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			s.credit(t.Context())
			r := s.newest(t, call)
			if r.Version != 3 || !r.Exempt || r.ExemptionRef != "e-late" || r.Charge.Minor != 0 || !slices.Contains(r.Reasons, metering.ReasonCredited) {
				t.Fatalf("credited: %s", r.JSON())
			}
		}
		backdated, err := s.Registry.Backdated(t.Context(), 10)
		if err != nil || (len(backdated) == 1) != living {
			t.Errorf("with the caller in a call (%v) %d entitlements are still to be processed, %v", living, len(backdated), err)
		}
	}
}

// The record of an open call is still to come.
func TestOpenCallIsNotSuperseded(t *testing.T) {
	s, call := pending(t, &oracle{verdict: metering.ExemptYes}, 45)
	if err := s.supersede(t.Context(), call, metering.Exemption{Verdict: metering.ExemptYes}, metering.ReasonCredited); err == nil {
		t.Error("an open call was superseded")
	}
}

// Entitlements by the thousand, as an import brings them: all are processed, in batches, and the one
// caller among them who has called is credited.
func TestBackdatedImportIsProcessedInBatches(t *testing.T) {
	s, call := pending(t, &oracle{verdict: metering.ExemptNo}, 1000)
	s.resolve(t.Context())
	const people = 1005
	grants := make([]registry.Grant, people)
	for i := range grants {
		grants[i] = registry.Grant{Number: metering.NewNumber(fmt.Sprintf("+3906%08d", 50_000_000+i), ""), Entitlement: registry.Entitlement{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}
	}
	grants[people-2].Number, grants[people-2].Ref = metering.NewNumber("+390612345678", ""), "e-late"
	if _, err := s.Registry.Add(t.Context(), time.Now().AddDate(1, 0, 0), grants...); err != nil {
		t.Fatal(err)
	}
	s.credit(t.Context())
	if r := s.newest(t, call); r.Version != 3 || r.ExemptionRef != "e-late" {
		t.Errorf("not credited: %s", r.JSON())
	}
	if backdated, err := s.Registry.Backdated(t.Context(), 10); err != nil || len(backdated) != 0 {
		t.Errorf("%d entitlements are still to be processed, %v", len(backdated), err)
	}
}
