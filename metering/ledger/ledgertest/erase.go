package ledgertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// erasure replaces all versions of a call that has so many.
func erasure(call metering.CallID, versions int, name metering.CallID) ledger.Supersession {
	s := ledger.Supersession{Call: call, After: versions, At: noon}
	for v := 1; v <= versions; v++ {
		s.Erased = append(s.Erased, record(call, v).Erased(name))
	}
	return s
}

// eraseTests hold the contract of ledger.Eraser, and of ledger.Superseder where it erases.
var eraseTests = map[string]func(*testing.T, Store){
	"Erasing replaces all versions, and takes the detail": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a")...)
		second, gone := versions("a", 1, 1), erasure("a", 2, "e-1")
		second.Pending = &ledger.PendingRecord{Call: "a", ArrivedAt: noon, EncryptedCaller: []byte("x")}
		supersede(t, l, second)
		if err := l.OpenDispute(t.Context(), "a", noon, "case 7"); err != nil {
			t.Fatal(err)
		}
		if err := l.CloseDispute(t.Context(), "a", noon); err != nil {
			t.Fatal(err)
		}
		supersede(t, l, gone)
		wantEvidence(t, l, "a")
		v, err := l.Versions(t.Context(), "e-1")
		if err != nil || len(v) != 2 || string(v[1]) != string(gone.Erased[1].JSON()) {
			t.Errorf("versions %q, %v", v, err)
		}
		if v, err := l.Versions(t.Context(), "a"); err != nil || len(v) != 0 {
			t.Errorf("versions under the former name %q, %v; want none", v, err)
		}
		if got := newest(t, l, ledger.Query{}); !slices.Equal(got, []string{"r-a2"}) {
			t.Errorf("the newest version is %q: a superseded one came back", got)
		}
		if p, err := l.PendingRecords(t.Context()); err != nil || len(p) != 0 {
			t.Errorf("%+v, %v: still pending", p, err)
		}
		if d, err := l.Disputes(t.Context()); err != nil || len(d) != 0 {
			t.Errorf("%+v, %v: the dispute names the call", d, err)
		}
		if c, err := l.Erasable(t.Context(), noon.Add(time.Hour), 10); err != nil || len(c) != 0 {
			t.Errorf("%q, %v: still erasable", c, err)
		}
	},
	"An open dispute holds erasure, also of a call found before": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a")...)
		found, err := l.Erasable(t.Context(), noon.Add(time.Hour), 10)
		if err != nil || !slices.Equal(found, []metering.CallID{"a"}) {
			t.Fatalf("%q, %v; want a", found, err)
		}
		if err := l.OpenDispute(t.Context(), "a", noon, ""); err != nil {
			t.Fatal(err)
		}
		gone := erasure("a", 1, "e-1")
		if err := l.Supersede(t.Context(), &gone); !errors.Is(err, ledger.ErrDisputed) {
			t.Errorf("%v, want ErrDisputed", err)
		}
		wantEvidence(t, l, "a", "1", "2")
		supersede(t, l, versions("a", 1, 1)) // a dispute holds nothing else
		if err := l.CloseDispute(t.Context(), "a", noon); err != nil {
			t.Fatal(err)
		}
		supersede(t, l, erasure("a", 2, "e-1"))
		wantEvidence(t, l, "a")
	},
	"Before the last erased call, and in its hour, none is entered": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a", "b")...)
		supersede(t, l, erasure("a", 1, "e-1"))
		for call, c := range map[metering.CallID]struct {
			arrived time.Time
			want    error
		}{
			"a": {noon, ledger.ErrErased}, "x": {noon.Add(-time.Hour), ledger.ErrErased},
			"y": {noon.Add(time.Hour - time.Millisecond), ledger.ErrErased}, "z": {noon.Add(time.Hour), nil},
		} {
			next := versions(call, 0, 1)
			next.Records[0].ArrivedAt.Time = c.arrived
			if err := l.Supersede(t.Context(), &next); !errors.Is(err, c.want) {
				t.Errorf("call %s of %s: %v, want %v", call, c.arrived, err, c.want)
			}
		}
		wantEvidence(t, l, "a")
		supersede(t, l, versions("b", 1, 1)) // it is not erased
	},
	"Erasable calls come by arrival, no open or disputed ones": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		for i := range 5 {
			call := metering.CallID(fmt.Sprint("c", i))
			r := record(call, 1)
			r.ArrivedAt.Time = noon.Add(-time.Duration(i) * time.Hour)
			commit(t, l, ledger.Batch{Opened: opened(call)},
				ledger.Batch{Records: []metering.Record{r}})
		}
		more := versions("c4", 1, 2)
		for i := range more.Records {
			more.Records[i].ArrivedAt.Time = noon.Add(-4 * time.Hour)
		}
		supersede(t, l, more)
		commit(t, l, ledger.Batch{Opened: opened("open")})
		if err := l.OpenDispute(t.Context(), "c3", noon, ""); err != nil {
			t.Fatal(err)
		}
		for limit, want := range map[int][]metering.CallID{2: {"c4", "c2"}, 9: {"c4", "c2", "c1"}} {
			if c, err := l.Erasable(t.Context(), noon, limit); err != nil || !slices.Equal(c, want) {
				t.Errorf("up to %d: %q, %v; want %q", limit, c, err, want)
			}
		}
	},
}
