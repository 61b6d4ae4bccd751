package ledgertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// readTests hold the contract of ledger.Reader.
var readTests = map[string]func(*testing.T, Store){
	"What is not there is ErrNotFound, evidence of it is none": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ledger.Batch{Opened: opened("open")})
		for _, call := range []metering.CallID{"open", "unknown"} {
			if _, err := l.Record(t.Context(), call); !errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("the record of the %s call: %v, want ErrNotFound", call, err)
			}
		}
		if v, err := l.Versions(t.Context(), "unknown"); err != nil || len(v) != 0 {
			t.Errorf("versions %q, %v; want none", v, err)
		}
		wantEvidence(t, l, "unknown")
	},
	"A record leads to its call, by the id of each version": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a", "b")...)
		supersede(t, l, versions("a", 1, 1))
		for _, r := range []metering.Record{record("a", 1), record("a", 2), record("b", 1)} {
			if call, err := l.CallOf(t.Context(), r.Record); err != nil || call != r.Call {
				t.Errorf("record %s is of call %q, %v; want %q", r.Record, call, err, r.Call)
			}
		}
		if call, err := l.CallOf(t.Context(), "r-none"); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("an unknown record is of call %q, %v; want ErrNotFound", call, err)
		}
	},
	"Evidence comes in the order of committing": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		mixed := append(frames("a", "1"), append(frames("b", "1"), frames("a", "2")...)...)
		commit(t, l, ledger.Batch{Opened: opened("a", "b"), Evidence: mixed},
			ledger.Batch{Evidence: frames("a", "3")})
		wantEvidence(t, l, "a", "1", "2", "3")
		wantEvidence(t, l, "b", "1")
	},
	"Records are selected by arrival and service, by order of arrival": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		// The calls end in another order than they arrive.
		for i, call := range []metering.CallID{"a", "b", "c"} {
			r := record(call, 1)
			r.ArrivedAt.Time = noon.Add(-time.Duration(i) * time.Hour)
			if call == "b" {
				r.Service = "sales"
			}
			commit(t, l, ledger.Batch{Opened: opened(call)}, ledger.Batch{Records: []metering.Record{r}})
		}
		for _, c := range []struct {
			q    ledger.Query
			want []string
		}{
			{ledger.Query{}, []string{"r-c1", "r-b1", "r-a1"}},
			{ledger.Query{Since: noon.Add(-time.Hour)}, []string{"r-b1", "r-a1"}},
			{ledger.Query{Until: noon}, []string{"r-c1", "r-b1"}},
			{ledger.Query{Service: "help"}, []string{"r-c1", "r-a1"}},
			{ledger.Query{Since: noon.Add(time.Second)}, nil},
		} {
			if got := newest(t, l, c.q); !slices.Equal(got, c.want) {
				t.Errorf("%+v: %q, want %q", c.q, got, c.want)
			}
		}
	},
	"Records are read byte for byte, the newest version or every one": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a", "b")...)
		supersede(t, l, versions("a", 1, 1))
		a1, a2, b1 := record("a", 1), record("a", 2), record("b", 1)
		if text, err := l.Record(t.Context(), "a"); err != nil || string(text) != string(a2.JSON()) {
			t.Errorf("the newest version is %s, %v; want %s", text, err, a2.JSON())
		}
		var selected, every []string
		err := l.Records(t.Context(), ledger.Query{}, func(text []byte) error {
			selected = append(selected, string(text))
			return nil
		})
		slices.Sort(selected) // the two arrived at the same instant
		if want := []string{string(a2.JSON()), string(b1.JSON())}; err != nil ||
			!slices.Equal(selected, want) {
			t.Errorf("selected are %q, %v; want %q", selected, err, want)
		}
		err = l.EveryRecord(t.Context(), func(row ledger.Row) error {
			every = append(every, row.Record, string(row.JSON))
			want := ledger.Row{
				Record: row.Record, Call: "a", Version: len(every) / 2, Service: a1.Service,
				ArrivedAt: a1.ArrivedAt.Time, JSON: row.JSON,
			}
			switch row.Record {
			case b1.Record:
				want.Call, want.Version, want.Service = "b", 1, b1.Service
				want.ArrivedAt = b1.ArrivedAt.Time
			case a2.Record:
				want.Version = 2
			}
			if diff := cmp.Diff(want, row); diff != "" {
				t.Errorf("a row of %s: %s", row.Record, diff)
			}
			return nil
		})
		if want := []string{
			a1.Record, string(a1.JSON()), b1.Record, string(b1.JSON()), a2.Record, string(a2.JSON()),
		}; err != nil || !slices.Equal(every, want) {
			t.Errorf("every record, by committing: %q, %v; want %q", every, err, want)
		}
	},
	"Reading ends with the reader's own error": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a")...)
		stop := errors.New("enough")
		for name, err := range map[string]error{
			"Records":     l.Records(t.Context(), ledger.Query{}, func([]byte) error { return stop }),
			"EveryRecord": l.EveryRecord(t.Context(), func(ledger.Row) error { return stop }),
			"Leaves":      l.Leaves(t.Context(), func(int64, string, []byte) error { return stop }),
			"Hashes":      l.Hashes(t.Context(), func(int64, []byte) error { return stop }),
		} {
			if !errors.Is(err, stop) || err.Error() != stop.Error() {
				t.Errorf("%s ended with %v, want the error as it is", name, err)
			}
		}
	},
	"A reading sees one state, and its function may read and commit": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a", "b")...)
		next := 0
		change := func() error {
			for _, b := range ended(metering.CallID(fmt.Sprint("c", next))) {
				if err := l.Commit(t.Context(), &b); err != nil {
					return err
				}
			}
			next++
			_, err := l.Record(t.Context(), "a")
			return err
		}
		for name, read := range map[string]func(f func() error) error{
			"Records": func(f func() error) error {
				return l.Records(t.Context(), ledger.Query{}, func([]byte) error { return f() })
			},
			"EveryRecord": func(f func() error) error {
				return l.EveryRecord(t.Context(), func(ledger.Row) error { return f() })
			},
			"Leaves": func(f func() error) error {
				return l.Leaves(t.Context(), func(int64, string, []byte) error { return f() })
			},
			"Hashes": func(f func() error) error {
				return l.Hashes(t.Context(), func(int64, []byte) error { return f() })
			},
		} {
			want, seen := int64(len(newest(t, l, ledger.Query{}))), int64(0)
			if name == "Hashes" {
				want = merkle.Stored(want) // each call has one record, and so one leaf
			}
			err := read(func() error {
				seen++
				return change()
			})
			if err != nil || seen != want {
				t.Errorf("%s read %d of %d that there were, %v", name, seen, want, err)
			}
		}
	},
	"A reading of records that stands still keeps nothing from being scrubbed": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		var calls []metering.CallID
		for i := range 600 { // more than a store reads at once
			calls = append(calls, metering.CallID(fmt.Sprint("c", i)))
		}
		commit(t, l, ended(calls...)...)
		read := 0
		err := l.Records(t.Context(), ledger.Query{}, func([]byte) error {
			if read++; read%200 != 1 {
				return nil
			}
			commit(t, l, ended(metering.CallID(fmt.Sprint("later", read)))...)
			if done, err := l.Scrub(t.Context()); err != nil || !done {
				t.Errorf("after %d records: scrubbed %v, %v", read, done, err)
			}
			return nil
		})
		if err != nil || read != len(calls) {
			t.Errorf("%d of %d records were read, %v", read, len(calls), err)
		}
	},
	"A snapshot is one state, whatever is committed meanwhile": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a", "b")...)
		supersede(t, l, versions("a", 1, 1))
		stop := errors.New("enough")
		err := l.Snapshot(t.Context(), func(snap ledger.Snapshot) error {
			for i, change := range []func(){
				func() { commit(t, l, ended("c")...) }, // before anything is read
				func() { supersede(t, l, versions("b", 1, 1)) },
				func() { supersede(t, l, erasure("a", 2, "e-1")) },
			} {
				change()
				if leaves := wantWholeLog(t, snap); len(leaves) != 3 {
					t.Errorf("after change %d: %d leaves, want 3", i, len(leaves))
				}
				if got := newest(t, snap, ledger.Query{}); !slices.Equal(got, []string{"r-b1", "r-a2"}) {
					t.Errorf("after change %d: records %q", i, got)
				}
				wantEvidence(t, snap, "a", "1", "2", "v2")
			}
			nested := snap.Records(t.Context(), ledger.Query{}, func([]byte) error {
				_, err := snap.Evidence(t.Context(), "a")
				return err
			})
			return errors.Join(nested, stop)
		})
		if !errors.Is(err, stop) {
			t.Errorf("the snapshot ended with %v", err)
		}
		if leaves := wantWholeLog(t, l); len(leaves) != 7 {
			t.Errorf("afterwards: %d leaves, want 7", len(leaves))
		}
	},
	"Pending records come in the order of arrival": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ledger.Batch{Pending: []ledger.PendingRecord{
			{Call: "late", ArrivedAt: noon.Add(time.Hour), EncryptedCaller: []byte("1")},
			{Call: "early", ArrivedAt: noon, EncryptedCaller: []byte("2")},
		}})
		p, err := l.PendingRecords(t.Context())
		if err != nil || len(p) != 2 || p[0].Call != "early" ||
			!p[1].ArrivedAt.Equal(noon.Add(time.Hour)) {
			t.Errorf("%+v, %v", p, err)
		}
	},
}
