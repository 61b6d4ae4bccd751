package ledgertest

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// versions adds further versions to a call that has so many, with one frame for each.
func versions(call metering.CallID, after, further int) ledger.Supersession {
	s := ledger.Supersession{Call: call, After: after}
	for v := after + 1; v <= after+further; v++ {
		s.Records = append(s.Records, record(call, v))
		s.Frames = append(s.Frames, []byte("v"+strconv.Itoa(v)))
	}
	return s
}

func supersede(t *testing.T, l ledger.Superseder, all ...ledger.Supersession) {
	t.Helper()
	for i := range all {
		if err := l.Supersede(t.Context(), &all[i]); err != nil {
			t.Fatal(err)
		}
	}
}

// supersedeTests hold the contract of ledger.Superseder where it adds versions.
var supersedeTests = map[string]func(*testing.T, Store){
	"A supersession adds versions and evidence, all versions are kept": func(t *testing.T, s Store) {
		l := s.reopened(t, ended("a")...)
		supersede(t, l, versions("a", 1, 2))
		wantEvidence(t, l, "a", "1", "2", "v2", "v3")
		v, err := l.Versions(t.Context(), "a")
		if err != nil || len(v) != 3 || string(v[0]) != string(record("a", 1).JSON()) {
			t.Errorf("versions %q, %v", v, err)
		}
		if got := newest(t, l, ledger.Query{}); !slices.Equal(got, []string{"r-a3"}) {
			t.Errorf("the newest version is %q", got)
		}
	},
	"A supersession may be the first record of an unseen call": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		supersede(t, l, versions("a", 0, 1))
		wantEvidence(t, l, "a", "v1")
		if got := newest(t, l, ledger.Query{}); !slices.Equal(got, []string{"r-a1"}) {
			t.Errorf("%q", got)
		}
	},
	"An open call is ErrOpen, other versions are ErrExists": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, append(ended("done"), ledger.Batch{Opened: opened("open")})...)
		for _, c := range []struct {
			next ledger.Supersession
			want error
		}{
			{versions("open", 0, 1), ledger.ErrOpen},
			{versions("done", 0, 1), ledger.ErrExists},
			{versions("done", 2, 1), ledger.ErrExists},
		} {
			if err := l.Supersede(t.Context(), &c.next); !errors.Is(err, c.want) {
				t.Errorf("%s after %d: %v, want %v", c.next.Call, c.next.After, err, c.want)
			}
		}
		wantEvidence(t, l, "open")
		wantEvidence(t, l, "done", "1", "2")
	},
	"Of two changes from the same versions one is kept": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a")...)
		errs := make(chan error, 2)
		for _, writer := range []ledger.Superseder{l, s.open(t, ledger.ReadWrite)} {
			go func() {
				next := versions("a", 1, 1)
				errs <- writer.Supersede(t.Context(), &next)
			}()
		}
		first, second := <-errs, <-errs
		if (first == nil) == (second == nil) || !errors.Is(errors.Join(first, second), ledger.ErrExists) {
			t.Errorf("%v and %v, want nil and ErrExists", first, second)
		}
		wantEvidence(t, l, "a", "1", "2", "v2")
	},
	"A supersession is durable, an erasure is, too": func(t *testing.T, s Store) {
		l, err := s.Open(ledger.Exclusive)
		if err != nil {
			t.Fatal(err)
		}
		commit(t, l, ended("a", "b")...)
		supersede(t, l, versions("a", 1, 1), erasure("b", 1, "e-1"))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = s.open(t, ledger.Exclusive)
		wantEvidence(t, l, "a", "1", "2", "v2")
		wantEvidence(t, l, "b")
		// An erased record has the first instant of its day.
		if got := newest(t, l, ledger.Query{}); !slices.Equal(got, []string{"r-b1", "r-a2"}) {
			t.Errorf("%q", got)
		}
		if leaves := wantWholeLog(t, l); len(leaves) != 4 {
			t.Errorf("%d leaves, want 4", len(leaves))
		}
	},
	"A call waits for an answer until a version without Pending": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		pending := ledger.PendingRecord{Call: "a", ArrivedAt: noon, EncryptedCaller: []byte("x")}
		batches := ended("a")
		batches[1].Pending = []ledger.PendingRecord{pending}
		commit(t, l, batches...)
		other, none := pending, pending
		other.EncryptedCaller, none.EncryptedCaller = []byte("other"), nil
		for i, wait := range []*ledger.PendingRecord{&pending, &other, &none} {
			still := versions("a", 1+i, 1)
			still.Pending = wait
			supersede(t, l, still)
			p, err := l.PendingRecords(t.Context())
			if err != nil || len(p) != 1 || string(p[0].EncryptedCaller) != "x" {
				t.Errorf("%+v, %v; want the row as it was", p, err)
			}
		}
		supersede(t, l, versions("a", 4, 1))
		if p, err := l.PendingRecords(t.Context()); err != nil || len(p) != 0 {
			t.Errorf("%+v, %v; want none", p, err)
		}
	},
	"A call begins to wait only with a number to ask about": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a", "b")...)
		for call, number := range map[metering.CallID][]byte{"a": []byte("x"), "b": nil} {
			next := versions(call, 1, 1)
			next.Pending = &ledger.PendingRecord{Call: call, ArrivedAt: noon, EncryptedCaller: number}
			supersede(t, l, next)
		}
		if p, err := l.PendingRecords(t.Context()); err != nil || len(p) != 1 || p[0].Call != "a" {
			t.Errorf("%+v, %v; want a alone", p, err)
		}
	},
	"A contradiction is ErrBroken, and nothing is written": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a", "b")...)
		swapped, taken, wait := versions("a", 1, 2), versions("a", 1, 1), versions("a", 1, 1)
		slices.Reverse(swapped.Records)
		taken.Records[0].Record = "r-b1"
		wait.Pending = &ledger.PendingRecord{Call: "b", ArrivedAt: noon, EncryptedCaller: []byte("x")}
		both, foreign := erasure("a", 1, "e-1"), erasure("a", 1, "e-1")
		both.Records = versions("a", 1, 1).Records
		foreign.Erased[0].Record = "r-b1"
		for name, next := range map[string]ledger.Supersession{
			"a version is left out":        versions("a", 2, 1),
			"versions in the wrong order":  swapped,
			"a record of another call":     versions("b", 1, 1),
			"a record id that exists":      taken,
			"a pending row of another":     wait,
			"nothing":                      {},
			"no erased form":               {Erased: []metering.Record{}},
			"too many erased forms":        erasure("a", 2, "e-1"),
			"an erased form of another":    foreign,
			"an erased form with detail":   {Erased: []metering.Record{record("a", 1)}},
			"an erased form, same name":    erasure("a", 1, "a"),
			"an erased form, name taken":   erasure("a", 1, "b"),
			"an erased form and a version": both,
		} {
			next.Call, next.After = "a", 1
			if err := l.Supersede(t.Context(), &next); !errors.Is(err, ledger.ErrBroken) {
				t.Errorf("%s: %v, want ErrBroken", name, err)
			}
		}
		wantEvidence(t, l, "a", "1", "2")
		if v, err := l.Versions(t.Context(), "a"); err != nil || len(v) != 1 {
			t.Errorf("versions %q, %v; want one", v, err)
		}
		if leaves := wantWholeLog(t, l); len(leaves) != 2 {
			t.Errorf("%d leaves, want 2", len(leaves))
		}
	},
}
