package ledgertest

import (
	"errors"
	"testing"
	"time"

	"github.com/risposta/gateway/metering/ledger"
)

// disputeTests hold the contract of ledger.Disputes.
var disputeTests = map[string]func(*testing.T, Store){
	"A dispute is of a call with a record, and can be opened again": func(t *testing.T, s Store) {
		l := s.reopened(t, ended("a")...)
		for name, err := range map[string]error{
			"opening one of no call":       l.OpenDispute(t.Context(), "none", noon, ""),
			"closing one that is not open": l.CloseDispute(t.Context(), "a", noon),
		} {
			if !errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", name, err)
			}
		}
		for range 2 {
			if err := l.OpenDispute(t.Context(), "a", noon, "case 7"); err != nil {
				t.Fatal(err)
			}
			d, err := l.Disputes(t.Context())
			if err != nil || len(d) != 1 || d[0].Note != "case 7" ||
				!d[0].ClosedAt.IsZero() || !d[0].OpenedAt.Equal(noon) {
				t.Errorf("%+v, %v", d, err)
			}
			if err := l.CloseDispute(t.Context(), "a", noon.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			if d, err := l.Disputes(t.Context()); err != nil || !d[0].ClosedAt.Equal(noon.Add(time.Hour)) {
				t.Errorf("%+v, %v", d, err)
			}
		}
	},
	"An open call has no dispute yet": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ledger.Batch{Opened: opened("open")})
		err := l.OpenDispute(t.Context(), "open", noon, "")
		if !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("%v, want ErrNotFound", err)
		}
	},
	"Disputes come oldest first": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a", "b")...)
		later := l.OpenDispute(t.Context(), "a", noon.Add(time.Hour), "")
		if err := errors.Join(later, l.OpenDispute(t.Context(), "b", noon, "")); err != nil {
			t.Fatal(err)
		}
		d, err := l.Disputes(t.Context())
		if err != nil || len(d) != 2 || d[0].Call != "b" || d[1].Call != "a" {
			t.Errorf("%+v, %v; want b, then a", d, err)
		}
	},
}
