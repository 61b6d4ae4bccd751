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
		calls, err := l.OpenCalls(t.Context(), "pbx")
		if err != nil || len(calls) != 1 || calls[0].Call != "b" {
			t.Errorf("open calls %+v, %v; want b", calls, err)
		}
		p, err := l.PendingRecords(t.Context())
		if err != nil || len(p) != 1 || string(p[0].EncryptedCaller) != "x" {
			t.Errorf("pending records %+v, %v", p, err)
		}
	},
	"A batch that is committed again is kept once": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		first := ledger.Batch{ID: "run-1", Node: "pbx", Opened: opened("x"), Evidence: frames("x", "1")}
		second := ledger.Batch{ID: "run-2", Node: "pbx", Evidence: frames("x", "2")}
		commit(t, l, first, first, second, second)
		wantEvidence(t, l, "x", "1", "2")
	},
	"A commit waits for no reader, and no reader for another": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a", "b")...)
		beside := s.open(t, ledger.ReadOnly) // as `records` of another process
		for name, long := range map[string]ledger.Reader{"its own": l, "another process's": beside} {
			call := metering.CallID("c " + name)
			var once bool
			err := long.Records(t.Context(), ledger.Query{}, func([]byte) error {
				if once {
					return nil
				}
				once = true
				return inTime(func() error {
					err := l.Commit(t.Context(), &ledger.Batch{Opened: opened(call)})
					_, open := l.OpenCalls(t.Context(), "pbx")
					_, evidence := l.Evidence(t.Context(), "a")
					_, record := l.Record(t.Context(), "b")
					return errors.Join(err, open, evidence, record)
				})
			})
			if err != nil {
				t.Errorf("beside %s reading: %v", name, err)
			}
		}
	},
	"Commits of many goroutines are serialised": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		const writers, each = 4, 10
		commit(t, l, ledger.Batch{Opened: opened("a", "b", "c", "d")})
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
			got, err := l.Evidence(t.Context(), metering.CallID(rune('a'+w)))
			if err != nil || len(got) != each {
				t.Errorf("%d frames of writer %d, %v; want %d", len(got), w, err, each)
			}
		}
	},
}

// inTime is the error of f, or of waiting for it too long.
func inTime(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(10 * time.Second):
		return errors.New("it waits for the reader")
	}
}
