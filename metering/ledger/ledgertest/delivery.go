package ledgertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// charged is a version that charges some cents.
func charged(call metering.CallID, version int, cents int64) metering.Record {
	r := record(call, version)
	r.Charge = tariff.Amount{Minor: cents, Digits: 2, Currency: "EUR"}
	return r
}

// summary is what the changes are, in order.
func summary(t *testing.T, f ledger.Feed) (all []string) {
	t.Helper()
	end, err := f.EndOfLog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	changes, err := f.Changes(t.Context(), 0, end)
	if err != nil {
		t.Fatal(err)
	}
	last := int64(-1)
	for _, c := range changes {
		if c.Position <= last || c.Position >= end {
			t.Errorf("position %d follows %d of %d", c.Position, last, end)
		}
		last = c.Position
		id := strings.SplitN(string(c.JSON), `"`, 5)[3]
		text := fmt.Sprintf("%s erasure=%t after=%t erased=%t", id, c.Erasure, c.Before != nil,
			strings.Contains(string(c.JSON), "detail_erased"))
		all = append(all, text)
	}
	return all
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// deliveryTests hold the contracts of ledger.Feed and ledger.Deliveries.
var deliveryTests = map[string]func(*testing.T, Store){
	"Changes come in the order of committing, later versions and erasures too": func(t *testing.T, s Store) {
		l := s.reopened(t, ended("a", "b")...)
		if err := l.Supersede(t.Context(), &ledger.Supersession{
			Call: "a", After: 1, Records: []metering.Record{record("a", 2)},
		}); err != nil {
			t.Fatal(err)
		}
		want(t, summary(t, l), "r-a1 erasure=false after=false erased=false",
			"r-b1 erasure=false after=false erased=false", "r-a2 erasure=false after=true erased=false")
		if err := l.Supersede(t.Context(), &ledger.Supersession{Call: "a", After: 2, At: noon,
			Erased: []metering.Record{record("a", 1).Erased("e-x"), record("a", 2).Erased("e-x")},
		}); err != nil {
			t.Fatal(err)
		}
		want(t, summary(t, l), "r-a1 erasure=false after=false erased=true",
			"r-b1 erasure=false after=false erased=false", "r-a2 erasure=false after=true erased=true",
			"r-a1 erasure=true after=false erased=true", "r-a2 erasure=true after=true erased=true")
		if err := l.NoteRegister(t.Context(), []byte("other leaves are no changes")); err != nil {
			t.Fatal(err)
		}
		if n := len(summary(t, l)); n != 5 {
			t.Errorf("%d changes", n)
		}
	},
	"A cursor is kept with its dead letters, each sink's own": func(t *testing.T, s Store) {
		l, err := s.Open(ledger.Exclusive)
		if err != nil {
			t.Fatal(err)
		}
		c := ledger.Cursor{Next: 7, Until: 9}
		dead := []ledger.DeadLetter{
			{Position: 5, Record: "r-5", At: noon, Tries: 1, Why: "no", State: ledger.LetterDead},
			{Position: 6, Record: "r-6", At: noon, Tries: 1, Why: "no", State: ledger.LetterDead},
		}
		if err := l.SaveCursor(t.Context(), "one", c, dead); err != nil {
			t.Fatal(err)
		}
		if err := l.SaveCursor(t.Context(), "one", c, dead[:1]); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = s.open(t, ledger.Exclusive)
		got, err := l.Cursor(t.Context(), "one")
		if other, err2 := l.Cursor(t.Context(), "two"); err != nil || err2 != nil || got != c ||
			other != (ledger.Cursor{}) {
			t.Errorf("%+v, %v; of another sink %+v, %v", got, err, other, err2)
		}
		dead[0].Tries = 2
		letters, err := l.DeadLetters(t.Context(), "one")
		if err != nil || !slices.Equal(letters, dead) {
			t.Errorf("%+v, %v; want %+v", letters, err, dead)
		}
	},
	"Dead letters are retried, skipped and removed": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		for i, record := range []string{"r-1", "r-2", "r-2"} {
			if err := l.SaveCursor(t.Context(), "one", ledger.Cursor{}, []ledger.DeadLetter{{
				Position: int64(i), Record: record, At: noon, State: ledger.LetterDead,
			}}); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			record string
			state  ledger.LetterState
			marks  int
		}{{"r-2", ledger.LetterSkipped, 2}, {"r-3", ledger.LetterRetry, 0}, {"", ledger.LetterRetry, 3}} {
			n, err := l.MarkLetters(t.Context(), "one", c.record, c.state)
			if err != nil || n != c.marks {
				t.Errorf("%+v: %d, %v", c, n, err)
			}
		}
		if err := l.SettleLetter(t.Context(), "one", 1); err != nil {
			t.Fatal(err)
		}
		letters, err := l.DeadLetters(t.Context(), "one")
		if err != nil || len(letters) != 2 || letters[1].Position != 2 ||
			letters[1].State != ledger.LetterRetry {
			t.Errorf("%+v, %v", letters, err)
		}
	},
}

// payers are the payers of the newest change of each call.
func payers(t *testing.T, l ledger.Deliveries) map[metering.CallID]string {
	t.Helper()
	end, err := l.EndOfLog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	changes, err := l.Changes(t.Context(), 0, end)
	if err != nil {
		t.Fatal(err)
	}
	found := map[metering.CallID]string{}
	for _, c := range changes {
		found[c.Call] = string(c.EncryptedCaller) + "/" + string(c.Payer)
	}
	return found
}

// known is a call that arrived with a number, and ended with a version of its record.
func known(r metering.Record) ledger.Batch {
	open := opened(r.Call)
	open[0].EncryptedCaller = []byte("n-" + r.Call)
	b := ledger.Batch{Opened: open, Evidence: frames(r.Call, "1"), Records: []metering.Record{r}}
	if r.State == metering.RecordPending {
		b.Pending = []ledger.PendingRecord{
			{Call: r.Call, ArrivedAt: noon, EncryptedCaller: open[0].EncryptedCaller},
		}
	}
	return b
}

// payerTests hold the contract of ledger.Payers.
var payerTests = map[string]func(*testing.T, Store){
	"A payer is kept of a call that charges, where payers are kept": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, known(charged("before", 1, 14)))
		if err := l.KeepPayers(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		unresolved := record("waits", 1)
		unresolved.State = metering.RecordPending
		commit(t, l, known(charged("pays", 1, 14)), known(record("free", 1)), known(unresolved))
		withheld := known(charged("withheld", 1, 14))
		withheld.Opened[0].EncryptedCaller = nil
		commit(t, l, withheld)
		got := payers(t, l)
		for call, has := range map[metering.CallID]string{
			"before": "/", "pays": "n-pays/", "free": "/", "waits": "n-waits/", "withheld": "/",
		} {
			if got[call] != has {
				t.Errorf("%s: %q, want %q", call, got[call], has)
			}
		}
	},
	"A payer goes with the charge, with the detail, and where none are kept": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		if err := l.KeepPayers(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		for _, call := range []metering.CallID{"credited", "shortened", "erased"} {
			commit(t, l, known(charged(call, 1, 14)))
		}
		for _, next := range []ledger.Supersession{
			{Call: "credited", After: 1, Records: []metering.Record{record("credited", 2)}},
			{Call: "shortened", After: 1, Records: []metering.Record{charged("shortened", 2, 7)}},
			{Call: "erased", After: 1, At: noon,
				Erased: []metering.Record{charged("erased", 1, 14).Erased("e-x")}},
		} {
			if err := l.Supersede(t.Context(), &next); err != nil {
				t.Fatal(err)
			}
		}
		got := payers(t, l)
		if got["credited"] != "/" || got["shortened"] != "n-shortened/" || got["e-x"] != "/" {
			t.Errorf("got %v", got)
		}
		if err := l.KeepPayers(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		if got := payers(t, l); got["shortened"] != "/" {
			t.Errorf("none are kept: %v", got)
		}
	},
	"The payer of a call that was pending outlives the wait": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		if err := l.KeepPayers(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		missed := charged("missed", 1, 0)
		missed.State = metering.RecordPending
		for _, next := range []ledger.Supersession{
			{Call: "missed", Records: []metering.Record{missed}, Pending: &ledger.PendingRecord{
				Call: "missed", ArrivedAt: noon, EncryptedCaller: []byte("n-missed"),
			}},
			{Call: "missed", After: 1, Records: []metering.Record{charged("missed", 2, 14)}},
		} {
			if err := l.Supersede(t.Context(), &next); err != nil {
				t.Fatal(err)
			}
		}
		if got := payers(t, l); got["missed"] != "n-missed/" {
			t.Errorf("got %v", got)
		}
	},
	"A call that was free and charges later has the payer that the change knows": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		if err := l.KeepPayers(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		commit(t, l, known(record("free", 1)), known(record("still", 1)))
		for _, r := range []metering.Record{charged("free", 2, 14), record("still", 2)} {
			if err := l.Supersede(t.Context(), &ledger.Supersession{
				Call: r.Call, After: 1, Records: []metering.Record{r}, EncryptedCaller: []byte("from the CEL"),
			}); err != nil {
				t.Fatal(err)
			}
		}
		if got := payers(t, l); got["free"] != "from the CEL/" || got["still"] != "/" {
			t.Errorf("got %v", got)
		}
	},
	"A payer is sealed once, and then no longer under the callers' key": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		if err := l.KeepPayers(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		commit(t, l, known(charged("a", 1, 14)))
		for _, seal := range []string{"first", "second"} {
			kept, err := l.SealPayers(t.Context(), map[metering.CallID][]byte{
				"a": []byte(seal), "gone": []byte(seal),
			})
			if err != nil || string(kept["a"]) != "first" || kept["gone"] != nil {
				t.Errorf("%s: %q, %v", seal, kept, err)
			}
		}
		if got := payers(t, l); got["a"] != "/first" {
			t.Errorf("got %v", got)
		}
	},
}
