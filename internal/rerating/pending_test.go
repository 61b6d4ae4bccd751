package rerating

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/exemption/registry"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/ledgertest"
)

const callersNumber = "+390612345678"

// fixedLookup gives the answer that it is set to.
type fixedLookup struct {
	verdict metering.Verdict
	err     error
	asked   []time.Time
}

func (l *fixedLookup) Exempt(
	_ context.Context, n metering.Number, at time.Time,
) (exemption.Answer, error) {
	if n.Clear() != callersNumber {
		return exemption.Answer{}, errors.New("asked about another number")
	}
	l.asked = append(l.asked, at)
	return exemption.Answer{Exemption: metering.Exemption{Verdict: l.verdict, Ref: "e-1"}}, l.err
}

// observed notes what an Observer is called with.
type observed struct {
	pending    []int
	rerated    []metering.Reason
	failed     []error
	unreadable []int
}

func (o *observed) Pending(records int) { o.pending = append(o.pending, records) }
func (o *observed) Rerated(why metering.Reason, _ *metering.Record) {
	o.rerated = append(o.rerated, why)
}
func (o *observed) Unreadable(records int)                    { o.unreadable = append(o.unreadable, records) }
func (o *observed) RerateFailed(_ metering.CallID, err error) { o.failed = append(o.failed, err) }

// fixture is a resolver over a ledger with one recorded call, about whose caller no lookup has
// answered.
type fixture struct {
	*Resolver
	saw    *observed
	lookup *fixedLookup
	ledger ledger.Store
	call   metering.CallID
}

// newFixture takes the first frames of the recording; 0: all.
func newFixture(t *testing.T, verdict metering.Verdict, frames int) fixture {
	t.Helper()
	f := fixture{saw: &observed{}, lookup: &fixedLookup{verdict: verdict}, ledger: ledgertest.New(t)}
	pseudonyms := newPseudonyms(t)
	conf := registry.Config{
		Path: filepath.Join(t.TempDir(), "exempt.db"), CountryCode: "39", Pseudonyms: pseudonyms,
	}
	if err := registry.Create(t.Context(), conf, registry.Author{At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	reg := registry.New(conf)
	t.Cleanup(func() {
		if err := reg.Close(); err != nil {
			t.Error(err)
		}
	})
	var out mediation.Output
	feed(t, mediation.New(newRules(t)), "early-media", frames, &out)
	commit(t, f.ledger, &out)
	f.call = out.Asks[0].Call
	f.Resolver = &Resolver{
		Store: f.ledger, Lookup: f.lookup, Registry: reg, Pseudonyms: pseudonyms,
		GiveUpAfter: 1000 * 24 * time.Hour, Observer: f.saw, batch: 100,
	}
	return f
}

func (f fixture) newest(t *testing.T) (r metering.Record) {
	t.Helper()
	text, err := f.ledger.Record(t.Context(), f.call)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (f fixture) rows(t *testing.T) int {
	t.Helper()
	p, err := f.ledger.PendingRecords(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(p)
}

func TestPendingRecordIsAskedAboutAsOfItsTime(t *testing.T) {
	f := newFixture(t, metering.ExemptUnknown, 0)
	f.lookup.err = errors.New("down")
	f.resolve(t.Context())
	f.resolve(t.Context()) // too early to ask again
	r, asked := f.newest(t), len(f.lookup.asked)
	if r.Version != 1 || r.State != metering.RecordPending || f.rows(t) != 1 || asked != 1 {
		t.Fatalf("version %d %q, %d rows, asked %d times", r.Version, r.State, f.rows(t), asked)
	}
	f.lookup.verdict, f.lookup.err = metering.ExemptNo, nil
	f.tries[f.call].due = time.Time{}
	f.resolve(t.Context())
	r = f.newest(t)
	if r.Version != 2 || r.State != "" || r.Charge.Minor != 9 ||
		!slices.Contains(r.Reasons, metering.ReasonResolved) || f.rows(t) != 0 {
		t.Errorf("resolved: %s, %d rows", r.JSON(), f.rows(t))
	}
	if !f.lookup.asked[1].Equal(r.ArrivedAt.Time) {
		t.Errorf("it was asked as of %s, the call arrived at %s", f.lookup.asked[1], r.ArrivedAt)
	}
	f.resolve(t.Context())
	if len(f.tries) != 0 {
		t.Error("tries of resolved records are kept")
	}
	if !slices.Equal(f.saw.pending, []int{1, 1, 1, 0}) || len(f.saw.failed) != 0 ||
		!slices.Equal(f.saw.rerated, []metering.Reason{metering.ReasonResolved}) {
		t.Errorf("observed %+v", f.saw)
	}
}

func TestPendingRecordIsGivenUpInTheEnd(t *testing.T) {
	f := newFixture(t, metering.ExemptUnknown, 0)
	f.GiveUpAfter = 0
	f.resolve(t.Context())
	r := f.newest(t)
	if r.Version != 2 || r.State != "" || r.Charge.Minor != 0 || f.rows(t) != 0 ||
		r.Reasons[0] != metering.ReasonExemptionUnresolved ||
		!slices.Contains(r.Reasons, metering.ReasonGivenUp) {
		t.Errorf("given up: %s, %d rows", r.JSON(), f.rows(t))
	}
}

// The record of an open call is still to come.
func TestOpenCallIsNotSuperseded(t *testing.T) {
	f := newFixture(t, metering.ExemptYes, 45)
	err := f.supersede(t.Context(), f.call, yes, metering.ReasonCredited)
	if !errors.Is(err, ledger.ErrOpen) || len(f.saw.rerated) != 0 {
		t.Errorf("%v, observed %+v; want ErrOpen", err, f.saw)
	}
}
