package rerating

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

var (
	learned = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	no      = metering.Exemption{Verdict: metering.ExemptNo}
	yes     = metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-1"}
)

// The changes that need nothing of the call.
var (
	notExempt = Resolved(no, metering.ReasonResolved, learned)
	credited  = Resolved(yes, metering.ReasonCredited, learned)
	givenUp   = Resolved(metering.Exemption{}, metering.ReasonGivenUp, learned)
	erased    = Erased(learned)
)

// state is a call in a ledger: its newest version, and what is kept beside the versions.
type state struct {
	versions int
	charge   int64           // of the newest version, in cents
	reason   metering.Reason // one of the newest version's
	pending  int             // rows
	frames   int             // of evidence, more than at the beginning; erased: none is left
	leaves   int
}

const erasedFrames = -1

// Every later version of a record is made by Supersede. For each change: the call before it, the
// change, and what it leaves behind. The same change made twice writes nothing the second time.
//
// The recorded calls at 1.6 cents a second: early-media has 6.0 s of talk, hold-transfer 9.5 s, of
// which the gateway has seen 2.0 s where it is gapped. The CEL proves 3.5 s of them: those with the
// operator who has put the caller on hold.
func TestSupersede(t *testing.T) {
	const (
		unresolved = metering.ReasonExemptionUnresolved
		answered   = metering.ReasonResolved
		credit     = metering.ReasonCredited
		reconciled = metering.ReasonReconciled
		gone       = erasedFrames
	)
	for _, c := range []struct {
		name   string
		before func(*testing.T) (ledger.Store, metering.CallID, Change) // and what the CEL changes
		make   []Change                                                 // a nil one: what the CEL changes
		want   state
	}{
		{"pending", pendingCall, []Change{}, state{1, 0, unresolved, 1, 0, 1}},
		{"resolved", pendingCall, []Change{notExempt}, state{2, 9, answered, 0, 1, 2}},
		{"credited while pending", pendingCall, []Change{credited}, state{2, 0, credit, 0, 1, 2}},
		{"resolved, credited", pendingCall, []Change{notExempt, credited}, state{3, 0, credit, 0, 2, 3}},
		{"given up", pendingCall, []Change{givenUp}, state{2, 0, metering.ReasonGivenUp, 0, 1, 2}},
		{"given up, credited", pendingCall, []Change{givenUp, credited}, state{3, 0, credit, 0, 2, 3}},
		{"erased", pendingCall, []Change{erased}, state{1, 0, unresolved, 0, gone, 2}},
		{"resolved, erased", pendingCall, []Change{notExempt, erased}, state{2, 9, answered, 0, gone, 4}},
		{
			"resolved, credited, erased", pendingCall,
			[]Change{notExempt, credited, erased}, state{3, 0, credit, 0, gone, 6},
		},
		{"gapped", gappedCall, []Change{}, state{1, 3, metering.ReasonEndUnseen, 0, 0, 1}},
		{"reconciled", gappedCall, nil, state{2, 4, reconciled, 0, 1, 2}},
		{"reconciled, credited", gappedCall, []Change{nil, credited}, state{3, 0, credit, 0, 2, 3}},
		{"reconciled, erased", gappedCall, []Change{nil, erased}, state{2, 4, reconciled, 0, gone, 4}},
		{"reconciled while pending", gappedPendingCall, nil, state{2, 0, reconciled, 1, 1, 2}},
		{
			"reconciled while pending, resolved", gappedPendingCall,
			[]Change{nil, notExempt}, state{3, 4, reconciled, 0, 2, 3},
		},
		{"entered from the CEL", unseenCall, nil, state{2, 0, reconciled, 1, 3, 2}},
		{
			"entered from the CEL, resolved", unseenCall,
			[]Change{nil, notExempt}, state{3, 4, answered, 0, 4, 3},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, call, fromCEL := c.before(t)
			had, err := store.Evidence(t.Context(), call)
			if err != nil {
				t.Fatal(err)
			}
			if c.make == nil {
				c.make = []Change{nil}
			}
			for _, change := range c.make {
				if change == nil {
					change = fromCEL
				}
				newest, err := Supersede(t.Context(), store, call, change)
				if err != nil || newest == nil {
					t.Fatalf("%v, %v", newest, err)
				}
				if again, err := Supersede(t.Context(), store, call, change); err != nil || again != nil {
					t.Errorf("the same change twice gave %+v, %v", again, err)
				}
			}
			wantState(t, store, call, len(had), c.want)
		})
	}
}

func wantState(t *testing.T, store ledger.Store, call metering.CallID, had int, want state) {
	t.Helper()
	var newest []metering.Record
	err := store.Records(t.Context(), ledger.Query{}, func(text []byte) error {
		var r metering.Record
		err := json.Unmarshal(text, &r)
		newest = append(newest, r)
		return err
	})
	if err != nil || len(newest) != 1 {
		t.Fatalf("%d newest records, %v; want one of one call", len(newest), err)
	}
	r := newest[0]
	versions, err := store.Versions(t.Context(), r.Call)
	if err != nil {
		t.Fatal(err)
	}
	pending, err := store.PendingRecords(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	frames, err := store.Evidence(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	leaves := 0
	err = store.Leaves(t.Context(), func(int64, string, []byte) error { leaves++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	got := state{len(versions), r.Charge.Minor, want.reason, len(pending), len(frames) - had, leaves}
	if r.DetailErased && len(frames) == 0 {
		got.frames = erasedFrames
	}
	if !slices.Contains(r.Reasons, want.reason) || r.Version != len(versions) {
		t.Errorf("version %d because of %v, want %s", r.Version, r.Reasons, want.reason)
	}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// contendedStore is a store in which another change comes first, so many times.
type contendedStore struct {
	Store
	times int
}

func (s *contendedStore) Supersede(ctx context.Context, next *ledger.Supersession) error {
	if s.times > 0 {
		s.times--
		return ledger.ErrExists
	}
	return s.Store.Supersede(ctx, next)
}

func TestSupersedeRetriesABoundedNumberOfTimes(t *testing.T) {
	for times, want := range map[int]error{maxTries - 1: nil, maxTries: ledger.ErrExists} {
		store, call, _ := pendingCall(t)
		s := &contendedStore{Store: store, times: times}
		if _, err := Supersede(t.Context(), s, call, notExempt); !errors.Is(err, want) {
			t.Errorf("after %d other changes: %v, want %v", times, err, want)
		}
	}
}

// Resolver and reconcile may change one call at the same time: both changes are kept.
func TestSupersedeKeepsBothOfTwoChanges(t *testing.T) {
	store, call, fromCEL := gappedPendingCall(t)
	errs := make(chan error, 2)
	for _, change := range []Change{fromCEL, notExempt} {
		go func() {
			_, err := Supersede(t.Context(), store, call, change)
			errs <- err
		}()
	}
	if err := errors.Join(<-errs, <-errs); err != nil {
		t.Fatal(err)
	}
	frames, err := store.Evidence(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	wantState(t, store, call, len(frames)-2, state{3, 4, metering.ReasonReconciled, 0, 2, 3})
}
