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

// supersedeTests hold the contract of ledger.Superseder and ledger.Eraser.
var supersedeTests = map[string]func(*testing.T, Store){
	"A supersession adds versions and evidence, and all versions are kept": func(t *testing.T, s Store) {
		l := s.reopened(t, ended("a")...)
		next := ledger.Supersession{
			Call: "a", After: 1, Frames: [][]byte{[]byte("3")}, Records: []metering.Record{record("a", 2), record("a", 3)},
		}
		if err := l.Supersede(t.Context(), &next); err != nil {
			t.Fatal(err)
		}
		wantEvidence(t, l, "a", "1", "2", "3")
		if v, err := l.Versions(t.Context(), "a"); err != nil || len(v) != 3 || string(v[0]) != string(record("a", 1).JSON()) {
			t.Errorf("versions %q, %v", v, err)
		}
		if got := newest(t, l, ledger.Query{}); !slices.Equal(got, []string{"r-a3"}) {
			t.Errorf("the newest version is %q", got)
		}
	},
	"A supersession may be the first record of an unseen call": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		next := ledger.Supersession{Call: "a", Frames: [][]byte{[]byte("1")}, Records: []metering.Record{record("a", 1)}}
		if err := l.Supersede(t.Context(), &next); err != nil {
			t.Fatal(err)
		}
		if got := newest(t, l, ledger.Query{}); !slices.Equal(got, []string{"r-a1"}) {
			t.Errorf("%q", got)
		}
	},
	"An open call is ErrOpen, other versions are ErrExists, and nothing is written": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, append(ended("done"), ledger.Batch{Opened: opened("open")})...)
		for _, c := range []struct {
			next ledger.Supersession
			want error
		}{
			{ledger.Supersession{Call: "open", Records: []metering.Record{record("open", 1)}}, ledger.ErrOpen},
			{ledger.Supersession{Call: "done", After: 0, Records: []metering.Record{record("done", 2)}}, ledger.ErrExists},
			{ledger.Supersession{Call: "done", After: 2, Records: []metering.Record{record("done", 3)}}, ledger.ErrExists},
		} {
			c.next.Frames = [][]byte{[]byte("x")}
			if err := l.Supersede(t.Context(), &c.next); !errors.Is(err, c.want) {
				t.Errorf("%s after %d: %v, want %v", c.next.Call, c.next.After, err, c.want)
			}
		}
		wantEvidence(t, l, "done", "1", "2")
	},
	"A call waits for an answer until a version without Pending": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		pending := ledger.PendingRecord{Call: "a", ArrivedAt: noon, EncryptedCaller: []byte("x")}
		batches := ended("a")
		batches[1].Pending = []ledger.PendingRecord{pending}
		commit(t, l, batches...)
		for _, step := range []struct {
			version int
			wait    *ledger.PendingRecord
			want    int
		}{{2, &pending, 1}, {3, nil, 0}} {
			next := ledger.Supersession{
				Call: "a", After: step.version - 1, Records: []metering.Record{record("a", step.version)}, Pending: step.wait,
			}
			if err := l.Supersede(t.Context(), &next); err != nil {
				t.Fatal(err)
			}
			if p, err := l.PendingRecords(t.Context()); err != nil || len(p) != step.want {
				t.Errorf("after version %d: %+v, %v; want %d", step.version, p, err, step.want)
			}
		}
	},
	"Erasing replaces all versions, under one name, and takes the detail": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a")...)
		second := ledger.Supersession{
			Call: "a", After: 1, Records: []metering.Record{record("a", 2)},
			Pending: &ledger.PendingRecord{Call: "a", ArrivedAt: noon, EncryptedCaller: []byte("x")},
		}
		if err := l.Supersede(t.Context(), &second); err != nil {
			t.Fatal(err)
		}
		gone := ledger.Supersession{Call: "a", After: 2, At: noon}
		for v := 1; v <= 2; v++ {
			gone.Erased = append(gone.Erased, record("a", v).Erased("e-1"))
		}
		if err := l.Supersede(t.Context(), &gone); err != nil {
			t.Fatal(err)
		}
		wantEvidence(t, l, "a")
		if v, err := l.Versions(t.Context(), "e-1"); err != nil || len(v) != 2 || string(v[1]) != string(gone.Erased[1].JSON()) {
			t.Errorf("versions %q, %v", v, err)
		}
		if got := newest(t, l, ledger.Query{}); !slices.Equal(got, []string{"r-a2"}) {
			t.Errorf("the newest version is %q: a superseded one came back", got)
		}
		if p, err := l.PendingRecords(t.Context()); err != nil || len(p) != 0 {
			t.Errorf("%+v, %v: still pending", p, err)
		}
		if c, err := l.Erasable(t.Context(), noon.Add(time.Hour), 10); err != nil || len(c) != 0 {
			t.Errorf("%q, %v: still erasable", c, err)
		}
	},
	"Erasable calls come in the order of arrival, up to the limit, without open and disputed ones": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		for i := range 5 {
			call := metering.CallID(fmt.Sprint("c", i))
			r := record(call, 1)
			r.ArrivedAt.Time = noon.Add(-time.Duration(i) * time.Hour)
			commit(t, l, ledger.Batch{Opened: opened(call)}, ledger.Batch{Records: []metering.Record{r}})
		}
		commit(t, l, ledger.Batch{Opened: opened("open")})
		if err := l.OpenDispute(t.Context(), "c3", noon, ""); err != nil {
			t.Fatal(err)
		}
		c, err := l.Erasable(t.Context(), noon, 2)
		if err != nil || !slices.Equal(c, []metering.CallID{"c4", "c2"}) {
			t.Errorf("%q, %v; want c4 and c2", c, err)
		}
	},
}
