package ledgertest

import (
	"errors"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// commitTests hold the contract of ledger.Writer and of a batch.
var commitTests = map[string]func(*testing.T, Store){
	"Commit is durable": func(t *testing.T, s Store) {
		l := s.reopened(t, ledger.Batch{
			Node: "pbx", Opened: opened("a", "b"), Evidence: frames("a", "1"), Watermark: noon,
			Rejects: []ledger.Reject{{At: noon, Bytes: 7, Type: "Dial", SHA256: "00", Error: "x"}},
			Pending: []ledger.PendingRecord{{Call: "p", ArrivedAt: noon, EncryptedCaller: []byte("x")}},
		}, ledger.Batch{Node: "pbx", Records: []metering.Record{record("a", 1)}})
		want := record("a", 1)
		if text, err := l.Record(t.Context(), "a"); err != nil || string(text) != string(want.JSON()) {
			t.Errorf("record %s, %v; want %s", text, err, want.JSON())
		}
		wantEvidence(t, l, "a", "1")
		if calls, err := l.OpenCalls(t.Context(), "pbx"); err != nil || len(calls) != 1 || calls[0].Call != "b" {
			t.Errorf("open calls %+v, %v; want b", calls, err)
		}
		if p, err := l.PendingRecords(t.Context()); err != nil || len(p) != 1 || string(p[0].EncryptedCaller) != "x" {
			t.Errorf("pending records %+v, %v", p, err)
		}
	},
	"A batch is kept whole or not at all, and a contradiction is ErrBroken": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("done")...)
		for name, b := range map[string]ledger.Batch{
			"a record of a call that is not open": {Records: []metering.Record{record("ghost", 1)}},
			"a call opened twice":                 {Opened: opened("x", "x")},
			"a version that exists":               {Opened: opened("done"), Records: []metering.Record{record("done", 1)}},
		} {
			b.Node, b.Watermark, b.Evidence = "pbx", noon, frames("x", "1")
			if err := l.Commit(t.Context(), &b); !errors.Is(err, ledger.ErrBroken) {
				t.Errorf("%s: %v, want ErrBroken", name, err)
			}
		}
		wantEvidence(t, l, "x")
		if at, err := l.Watermark(t.Context(), "pbx"); err != nil || !at.IsZero() {
			t.Errorf("the watermark is %s, %v; want none", at, err)
		}
	},
	"A batch that is committed again is kept once": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		first := ledger.Batch{ID: "run-1", Node: "pbx", Opened: opened("x"), Evidence: frames("x", "1")}
		second := ledger.Batch{ID: "run-2", Node: "pbx", Evidence: frames("x", "2")}
		commit(t, l, first, first, second, second)
		wantEvidence(t, l, "x", "1", "2")
	},
	"A commit never waits for a reader": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a", "b")...)
		committed := make(chan error, 1)
		var once bool
		err := l.Records(t.Context(), ledger.Query{}, func([]byte) error {
			if once {
				return nil
			}
			once = true
			go func() { committed <- l.Commit(t.Context(), &ledger.Batch{Opened: opened("c")}) }()
			select {
			case err := <-committed:
				return err
			case <-time.After(10 * time.Second):
				return errors.New("the commit waits for the reader")
			}
		})
		if err != nil {
			t.Error(err)
		}
	},
	"Commits of many goroutines are serialised": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		const writers, each = 4, 10
		errs := make(chan error, writers)
		for w := range writers {
			go func() {
				for range each {
					b := ledger.Batch{Node: "pbx", Evidence: frames(metering.CallID(rune('a'+w)), "x")}
					if err := l.Commit(t.Context(), &b); err != nil {
						errs <- err
						return
					}
				}
				errs <- nil
			}()
		}
		for range writers {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		for w := range writers {
			if got, err := l.Evidence(t.Context(), metering.CallID(rune('a'+w))); err != nil || len(got) != each {
				t.Errorf("%d frames of writer %d, %v; want %d", len(got), w, err, each)
			}
		}
	},
}

// openTests hold the contract of ledger.OpenCalls and of the modes.
var openTests = map[string]func(*testing.T, Store){
	"Open calls come in the order of arrival, of one node or of all": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		other := ledger.OpenCall{Call: "b", Node: "other", Service: "help", ArrivedAt: noon, EncryptedCaller: []byte("x")}
		commit(t, l, ledger.Batch{Opened: []ledger.OpenCall{opened("c")[0], other, opened("a")[0]}})
		for node, want := range map[string]string{"pbx": "ca", "other": "b", ledger.AnyNode: "cba", "none": ""} {
			calls, err := l.OpenCalls(t.Context(), node)
			got := ""
			for _, c := range calls {
				got += string(c.Call)
				if (c.EncryptedCaller != nil) != (c.Call == "b") || !c.ArrivedAt.Equal(noon) {
					t.Errorf("call %+v came back changed", c)
				}
			}
			if err != nil || got != want {
				t.Errorf("node %q: %q, %v; want %q", node, got, err, want)
			}
		}
	},
	"The watermark never steps back": func(t *testing.T, s Store) {
		l := s.reopened(t, ledger.Batch{Node: "pbx", Watermark: noon}, ledger.Batch{Node: "pbx", Watermark: noon.Add(-time.Second)})
		if at, err := l.Watermark(t.Context(), "pbx"); err != nil || !at.Equal(noon) {
			t.Errorf("the watermark is %s, %v; want %s", at, err, noon)
		}
		if at, err := l.Watermark(t.Context(), "other"); err != nil || !at.IsZero() {
			t.Errorf("another node's is %s, %v; want none", at, err)
		}
	},
	"Any later commit of the node removes the checkpoint": func(t *testing.T, s Store) {
		l := s.reopened(t, ledger.Batch{Node: "pbx", Watermark: noon, Checkpoint: []byte("x")}, ledger.Batch{Node: "other", Watermark: noon})
		if c, err := l.Checkpoint(t.Context(), "pbx"); err != nil || string(c) != "x" {
			t.Errorf("the checkpoint is %q, %v; want x", c, err)
		}
		commit(t, l, ledger.Batch{Node: "pbx", Watermark: noon})
		if c, err := l.Checkpoint(t.Context(), "pbx"); err != nil || c != nil {
			t.Errorf("the checkpoint is %q, %v; want none", c, err)
		}
	},
	"One gateway at a time: ErrLocked": func(t *testing.T, s Store) {
		s.open(t, ledger.Exclusive)
		if l, err := s.Open(ledger.Exclusive); !errors.Is(err, ledger.ErrLocked) {
			t.Errorf("a second gateway: %v, %v; want ErrLocked", l, err)
		}
	},
	"Only a gateway makes a ledger": func(t *testing.T, s Store) {
		for _, mode := range []ledger.Mode{ledger.ReadOnly, ledger.ReadWrite} {
			if _, err := s.Open(mode); err == nil {
				t.Errorf("mode %d opened a ledger that does not exist", mode)
			}
		}
	},
	"Readers and short changes go beside a gateway": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a")...)
		reader, writer := s.open(t, ledger.ReadOnly), s.open(t, ledger.ReadWrite)
		commit(t, l, ledger.Batch{Evidence: frames("a", "3")})
		wantEvidence(t, reader, "a", "1", "2", "3")
		if err := writer.OpenDispute(t.Context(), "a", noon, ""); err != nil {
			t.Error(err)
		}
		if err := reader.OpenDispute(t.Context(), "a", noon, ""); err == nil {
			t.Error("a reader could write")
		}
	},
}
