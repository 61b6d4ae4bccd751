package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// fakeStore is a ledger in memory.
type fakeStore struct {
	mu      sync.Mutex
	changes []ledger.Change
	cursor  ledger.Cursor
	letters []ledger.DeadLetter
	payers  map[metering.CallID][]byte
	saves   int
	// step is called before (false) and after (true) each change of the store; an error ends it.
	step func(after bool) error
}

func (s *fakeStore) add(versions ...metering.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range versions {
		s.changes = append(s.changes, ledger.Change{
			Position: int64(len(s.changes)), Call: r.Call, JSON: r.JSON(),
		})
	}
}

// rec is a version that charges some cents.
func rec(call, version int, cents int64) metering.Record {
	at := metering.Time{Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	return metering.Record{
		Record: fmt.Sprintf("r-%020d-%d", call, version), Version: version, Service: "help",
		Call: metering.CallID(fmt.Sprint("c", call)), Caller: "c-x", ArrivedAt: at, EndedAt: at,
		Charge:  tariff.Amount{Minor: cents, Digits: 2, Currency: "EUR"},
		Reasons: []metering.Reason{metering.ReasonTalk},
	}
}

func (s *fakeStore) Changes(_ context.Context, from, before int64) ([]ledger.Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changes := slices.Clone(s.changes[from:before])
	for i := range changes {
		if p := s.payers[changes[i].Call]; p != nil {
			changes[i].Payer, changes[i].EncryptedCaller = p, nil
		}
	}
	return changes, nil
}

func (s *fakeStore) EndOfLog(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.changes)), nil
}

func (s *fakeStore) Cursor(context.Context, string) (ledger.Cursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor, nil
}

func (s *fakeStore) change(f func()) error {
	if s.step != nil {
		if err := s.step(false); err != nil {
			return err
		}
	}
	s.mu.Lock()
	f()
	s.mu.Unlock()
	if s.step != nil {
		return s.step(true)
	}
	return nil
}

func (s *fakeStore) SaveCursor(
	_ context.Context, _ string, c ledger.Cursor, dead []ledger.DeadLetter,
) error {
	return s.change(func() {
		s.saves++
		s.cursor = c
		for _, d := range dead {
			s.letters = slices.DeleteFunc(s.letters, func(l ledger.DeadLetter) bool {
				return l.Position == d.Position
			})
			s.letters = append(s.letters, d)
		}
	})
}

func (s *fakeStore) DeadLetters(context.Context, string) ([]ledger.DeadLetter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.letters), nil
}

func (s *fakeStore) SettleLetter(_ context.Context, _ string, position int64) error {
	return s.change(func() {
		s.letters = slices.DeleteFunc(s.letters, func(l ledger.DeadLetter) bool {
			return l.Position == position
		})
	})
}

func (s *fakeStore) MarkLetters(
	_ context.Context, _, _ string, state ledger.LetterState,
) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.letters {
		s.letters[i].State = state
	}
	return len(s.letters), nil
}

func (s *fakeStore) KeepPayers(context.Context, bool) error { return nil }

func (s *fakeStore) SealPayers(
	_ context.Context, sealed map[metering.CallID][]byte,
) (map[metering.CallID][]byte, error) {
	kept := map[metering.CallID][]byte{}
	return kept, s.change(func() {
		for call, payer := range sealed {
			if s.payers == nil {
				s.payers = map[metering.CallID][]byte{}
			}
			if s.payers[call] == nil {
				s.payers[call] = payer
			}
			kept[call] = s.payers[call]
		}
	})
}

// fakeSink is another system.
type fakeSink struct {
	ids     []string // in the order of arrival, with repeats
	bounds  [][2]int64
	payers  map[string]string
	fail    func() error // nil: it works
	refuses map[string]bool
	// step is called before (false) and after (true) the batch has arrived.
	step func(after bool) error
}

var errAway = errors.New("away")

func (s *fakeSink) Deliver(
	_ context.Context, b delivery.Batch,
) (int, []delivery.Refusal, error) {
	if s.fail != nil {
		if err := s.fail(); err != nil {
			return 0, nil, err
		}
	}
	if s.step != nil {
		if err := s.step(false); err != nil {
			return 0, nil, err
		}
	}
	s.bounds = append(s.bounds, [2]int64{b.From, b.Until})
	var refused []delivery.Refusal
	for i := range b.Events {
		e := &b.Events[i]
		if s.refuses[e.ID] {
			refused = append(refused, delivery.Refusal{Index: i, Why: "no"})
			continue
		}
		s.ids = append(s.ids, e.ID)
		if e.Payer != nil {
			if s.payers == nil {
				s.payers = map[string]string{}
			}
			s.payers[e.ID] = string(e.Payer)
		}
	}
	if s.step != nil {
		if err := s.step(true); err != nil {
			return 0, nil, err
		}
	}
	return len(b.Events), refused, nil
}

func (s *fakeSink) Close() {}

// quiet observes nothing but how far the sink is behind, and what is wrong.
type quiet struct {
	lag   int64
	waits []time.Duration
	dead  []string
}

func (q *quiet) Lag(_ string, leaves int64, _ time.Duration) { q.lag = leaves }
func (q *quiet) Delivered(string, int)                       {}
func (q *quiet) Failing(_ string, _ error, wait time.Duration, _ bool) {
	q.waits = append(q.waits, wait)
}
func (q *quiet) Resumed(string)           {}
func (q *quiet) Dead(_, record, _ string) { q.dead = append(q.dead, record) }
func (q *quiet) Letters(string, int)      {}

func mustSelect(t *testing.T, names ...string) delivery.Fields {
	t.Helper()
	fields, err := delivery.Select(names)
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

// listOf is what a system has.
func listOf(all []metering.Record, digest func(metering.Record) string) held {
	return func(_ context.Context, f func(id, digest string) error) error {
		for _, r := range all {
			if err := f(r.Record, digest(r)); err != nil {
				return err
			}
		}
		return nil
	}
}
