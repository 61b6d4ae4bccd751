package ledgertest

import (
	"errors"
	"testing"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// troubles are batches that contradict themselves, or a ledger in which "open" is open and "done" has
// its record. Each is the trouble of one call.
var troubles = map[string]struct {
	call  metering.CallID
	batch ledger.Batch
}{
	"a call opened that is open":        {"open", ledger.Batch{Opened: opened("open")}},
	"a call opened that has its record": {"done", ledger.Batch{Opened: opened("done")}},
	"a call opened twice":               {"x", ledger.Batch{Opened: opened("x", "x")}},
	"evidence of a call that has its record": {
		"done", ledger.Batch{Evidence: frames("done", "3")},
	},
	"evidence of a call that never arrived": {"x", ledger.Batch{Evidence: frames("x", "1")}},
	"a record of a call that has one": {
		"done", ledger.Batch{Records: []metering.Record{record("done", 1)}},
	},
	"a record of a call that never arrived": {
		"x", ledger.Batch{Records: []metering.Record{record("x", 1)}},
	},
	"a record whose id is another call's": {
		"open", ledger.Batch{Records: []metering.Record{renamed("open", "r-done1")}},
	},
	"two records of a call": {
		"open", ledger.Batch{Records: []metering.Record{record("open", 1), record("open", 1)}},
	},
	"a second version without a first": {
		"open", ledger.Batch{Records: []metering.Record{record("open", 2)}},
	},
}

func renamed(call metering.CallID, id string) metering.Record {
	r := record(call, 1)
	r.Record = id
	return r
}

// contradictionTests hold the contract of ledger.Contradiction.
var contradictionTests = map[string]func(*testing.T, Store){
	"A contradiction names its call, and nothing is kept": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ledger.Batch{Opened: opened("open")})
		commit(t, l, ended("done")...)
		for name, trouble := range troubles {
			b := trouble.batch
			b.ID, b.Node, b.Watermark = "run-1", "pbx", noon
			b.Opened = append(opened("healthy"), b.Opened...)
			b.Evidence = append(frames("healthy", "1"), b.Evidence...)
			var c *ledger.Contradiction
			err := l.Commit(t.Context(), &b)
			if !errors.As(err, &c) || !errors.Is(err, ledger.ErrBroken) {
				t.Errorf("%s: %v, want a contradiction", name, err)
				continue
			}
			recorded := trouble.call == "done"
			if len(c.Calls) != 1 || c.Calls[0].Call != trouble.call || c.Calls[0].Why == "" ||
				recorded && !c.Calls[0].Recorded {
				t.Errorf("%s: %+v, want call %s and why", name, c.Calls, trouble.call)
			}
		}
		for _, call := range []metering.CallID{"healthy", "open", "x"} {
			wantEvidence(t, l, call)
		}
		wantEvidence(t, l, "done", "1", "2")
		if at, err := l.Watermark(t.Context(), "pbx"); err != nil || !at.IsZero() {
			t.Errorf("the watermark is %s, %v; want none", at, err)
		}
	},
	"Without the calls of a contradiction the batch is committed": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("done", "over")...)
		b := ledger.Batch{
			ID: "run-1", Node: "pbx", Opened: opened("done", "healthy"),
			Evidence: append(frames("healthy", "1"), frames("over", "3")...),
		}
		var c *ledger.Contradiction
		if err := l.Commit(t.Context(), &b); !errors.As(err, &c) || len(c.Calls) != 2 {
			t.Fatalf("%v, want a contradiction of done and over", err)
		}
		b.Opened, b.Evidence = b.Opened[1:], b.Evidence[:1]
		commit(t, l, b)
		wantEvidence(t, l, "healthy", "1")
	},
	"Closed closes calls that have their record, and no others": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ledger.Batch{Opened: opened("a", "b")})
		commit(t, l, ledger.Batch{Closed: []metering.CallID{"a", "unknown"}})
		calls, err := l.OpenCalls(t.Context(), "pbx")
		if err != nil || len(calls) != 2 {
			t.Errorf("open calls %+v, %v; want a and b, which have no record", calls, err)
		}
	},
}
