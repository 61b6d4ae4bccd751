// Package ledgertest is the one suite of tests that every store of the ledger passes.
//
// In: how to open a store. Out: a failed test for each sentence of the contracts in package ledger
// that the store breaks. It knows no store, and looks at nothing but the ports.
package ledgertest

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// Store makes stores for the tests. Both functions work on the same place: what one store has
// committed, the next one finds.
type Store struct {
	// Open opens the place in a mode.
	Open func(mode ledger.Mode) (ledger.Store, error)
	// Copy opens a file that Backup has written, for reading.
	Copy func(file string) (ledger.Store, error)
}

// Run runs the suite; place makes a new, empty place for each test.
func Run(t *testing.T, place func(t *testing.T) Store) {
	t.Helper()
	for _, group := range []map[string]func(*testing.T, Store){
		commitTests, contradictionTests, openTests, readTests, supersedeTests, eraseTests, logTests,
		signTests, disputeTests, backupTests, registerTests, qualityTests,
		deliveryTests, payerTests,
	} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) { test(t, place(t)) })
		}
	}
}

// New opens a new, empty ledger for a test of another package, which links the default store.
func New(t testing.TB) ledger.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(context.WithoutCancel(t.Context()), path, ledger.Exclusive)
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

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func (s Store) open(t *testing.T, mode ledger.Mode) ledger.Store {
	t.Helper()
	l, err := s.Open(mode)
	return closing(t, l, err)
}

// closing closes an opened store when the test ends.
func closing(t *testing.T, l ledger.Store, err error) ledger.Store {
	t.Helper()
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

// reopened commits batches in one life of the ledger, and returns the next life.
func (s Store) reopened(t *testing.T, batches ...ledger.Batch) ledger.Store {
	t.Helper()
	l, err := s.Open(ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	for i := range batches {
		err = errors.Join(err, l.Commit(t.Context(), &batches[i]))
	}
	if err = errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	return s.open(t, ledger.Exclusive)
}

func commit(t *testing.T, w ledger.Writer, batches ...ledger.Batch) {
	t.Helper()
	for i := range batches {
		if err := w.Commit(context.WithoutCancel(t.Context()), &batches[i]); err != nil {
			t.Fatal(err)
		}
	}
}

func opened(calls ...metering.CallID) (open []ledger.OpenCall) {
	for _, c := range calls {
		open = append(open, ledger.OpenCall{Call: c, Node: "pbx", Service: "help", ArrivedAt: noon})
	}
	return open
}

func record(call metering.CallID, version int) metering.Record {
	return metering.Record{
		Record: "r-" + string(call) + string(rune('0'+version)), Version: version, Call: call,
		Service: "help", Caller: "c-caller", Charge: tariff.Zero(nil),
		ArrivedAt: metering.Time{Time: noon}, EndedAt: metering.Time{Time: noon},
	}
}

// ended are the batches of calls that came and went, each with two frames of evidence.
func ended(calls ...metering.CallID) []ledger.Batch {
	var b, last ledger.Batch
	b.Opened = opened(calls...)
	for _, c := range calls {
		b.Evidence = append(b.Evidence, frames(c, "1", "2")...)
		last.Records = append(last.Records, record(c, 1))
	}
	return []ledger.Batch{b, last}
}

func frames(call metering.CallID, texts ...string) (all []ledger.Evidence) {
	for _, text := range texts {
		all = append(all, ledger.Evidence{Call: call, Frame: []byte(text)})
	}
	return all
}

// wantEvidence compares a call's frames.
func wantEvidence(t *testing.T, r ledger.Reader, call metering.CallID, want ...string) {
	t.Helper()
	got, err := r.Evidence(t.Context(), call)
	if err != nil || len(got) != len(want) {
		t.Fatalf("evidence of %s: %q, %v; want %q", call, got, err, want)
	}
	for i := range want {
		if string(got[i]) != want[i] {
			t.Errorf("frame %d of %s is %q, want %q", i, call, got[i], want[i])
		}
	}
}

// newest are the ids of the newest versions that a query selects.
func newest(t *testing.T, r ledger.Reader, q ledger.Query) (ids []string) {
	t.Helper()
	err := r.Records(t.Context(), q, func(text []byte) error {
		var rec struct {
			Record string `json:"record"`
		}
		err := json.Unmarshal(text, &rec)
		ids = append(ids, rec.Record)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}
