package rerating

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// Every change of a record goes through Supersede. What each leaves behind, and that the same change
// made twice writes nothing.
func TestSupersede(t *testing.T) {
	at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	resolved := Resolved(metering.Exemption{Verdict: metering.ExemptNo}, metering.ReasonResolved, at)
	credited := Resolved(metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-1"}, metering.ReasonCredited, at)
	givenUp := Resolved(metering.Exemption{}, metering.ReasonGivenUp, at)
	for _, c := range []struct {
		name     string
		changes  []Change
		versions int
		charge   int64 // of the newest version, in cents: 6.0 s of talk at 1.6 cents
		reason   metering.Reason
		pending  int
		leaves   int
	}{
		{"pending", nil, 1, 0, metering.ReasonExemptionUnresolved, 1, 1},
		{"resolved", []Change{resolved}, 2, 9, metering.ReasonResolved, 0, 2},
		{"resolved, then credited", []Change{resolved, credited}, 3, 0, metering.ReasonCredited, 0, 3},
		{"given up", []Change{givenUp}, 2, 0, metering.ReasonGivenUp, 0, 2},
		{"erased", []Change{Erased(at)}, 1, 0, metering.ReasonExemptionUnresolved, 0, 2},
		{"resolved, then erased", []Change{resolved, Erased(at)}, 2, 9, metering.ReasonResolved, 0, 4},
		{"credited, then erased", []Change{resolved, credited, Erased(at)}, 3, 0, metering.ReasonCredited, 0, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, call := pending(t, &oracle{}, 1000)
			store, ok := r.Store.(ledger.Store)
			if !ok {
				t.Fatal("the store is not whole")
			}
			for _, change := range c.changes {
				if newest, err := Supersede(t.Context(), store, call, change); err != nil || newest == nil {
					t.Fatalf("%v, %v", newest, err)
				}
				if again, err := Supersede(t.Context(), store, call, change); err != nil || again != nil {
					t.Errorf("the same change twice gave %+v, %v", again, err)
				}
			}
			texts := newestOf(t, store)
			if len(texts) != 1 {
				t.Fatalf("one call has %d newest records", len(texts))
			}
			var got metering.Record
			if err := json.Unmarshal(texts[0], &got); err != nil {
				t.Fatal(err)
			}
			versions, err := store.Versions(t.Context(), got.Call)
			if err != nil || len(versions) != c.versions || got.Version != c.versions {
				t.Errorf("version %d of %d, %v; want %d", got.Version, len(versions), err, c.versions)
			}
			if got.Charge.Minor != c.charge || !slices.Contains(got.Reasons, c.reason) {
				t.Errorf("charge %d because of %v, want %d and %s", got.Charge.Minor, got.Reasons, c.charge, c.reason)
			}
			if r.waiting(t) != c.pending {
				t.Errorf("%d pending, want %d", r.waiting(t), c.pending)
			}
			frames, err := store.Evidence(t.Context(), call)
			if err != nil || (len(frames) == 0) != got.DetailErased {
				t.Errorf("%d frames of evidence, %v", len(frames), err)
			}
			leaves := 0
			if err := store.Leaves(t.Context(), func(int64, string, []byte) error { leaves++; return nil }); err != nil || leaves != c.leaves {
				t.Errorf("%d leaves, %v; want %d", leaves, err, c.leaves)
			}
		})
	}
}

func newestOf(t *testing.T, r ledger.Reader) (texts [][]byte) {
	t.Helper()
	err := r.Records(t.Context(), ledger.Query{}, func(text []byte) error {
		texts = append(texts, bytes.Clone(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// The first record of a call that only the CEL knows of is made in the same way.
func TestSupersedeEntersAnUnseenCall(t *testing.T) {
	r, call := pending(t, &oracle{}, 1000)
	frames, err := r.Store.Evidence(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	other := ledgerOf(t)
	newest, err := Supersede(t.Context(), other, call, Reconciled([]byte("x"), frames...))
	if err != nil || newest == nil || newest.Version != 1 {
		t.Fatalf("%+v, %v", newest, err)
	}
	if p, err := other.PendingRecords(t.Context()); err != nil || len(p) != 1 || string(p[0].EncryptedCaller) != "x" {
		t.Errorf("pending %+v, %v", p, err)
	}
	if _, out, err := mediation.Replay(frames); err != nil || string(out.Records[0].JSON()) != string(newest.JSON()) {
		t.Errorf("the record is not that of its evidence: %v", err)
	}
}

// rival is a store in which another change comes first, so many times.
type rival struct {
	Store
	times int
}

func (r *rival) Supersede(ctx context.Context, s *ledger.Supersession) error {
	if r.times > 0 {
		r.times--
		return ledger.ErrExists
	}
	return r.Store.Supersede(ctx, s)
}

func TestSupersedeTriesAgainAfterARival(t *testing.T) {
	at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for times, want := range map[int]error{1: nil, maxTries: ledger.ErrExists} {
		r, call := pending(t, &oracle{}, 1000)
		s := &rival{Store: r.Store, times: times}
		_, err := Supersede(t.Context(), s, call, Resolved(metering.Exemption{Verdict: metering.ExemptNo}, metering.ReasonResolved, at))
		if !errors.Is(err, want) {
			t.Errorf("%d rivals: %v, want %v", times, err, want)
		}
	}
}
