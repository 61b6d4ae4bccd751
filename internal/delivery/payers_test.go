package delivery

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	stdage "filippo.io/age"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/delivery/age"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

func keys(t *testing.T, digit string) *metering.Pseudonyms {
	t.Helper()
	p, err := metering.ParseKeys(strings.Repeat(digit, 2*metering.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// pay adds a version whose caller's number the ledger keeps, under some key.
func (s *fakeStore) pay(r metering.Record, under *metering.Pseudonyms, number metering.Number) {
	s.add(r)
	s.changes[len(s.changes)-1].EncryptedCaller = under.Encrypt(number)
}

// The payer of what is charged comes encrypted, the same each time, to whoever has the private key
// alone; nobody's number comes with what is free.
func TestPayerIsSealedOnceToTheBillingDepartment(t *testing.T) {
	id, err := stdage.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	to, err := age.ParseRecipient(id.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		present, gone := keys(t, "a"), keys(t, "b")
		number := metering.NewNumber("+390612345678").Or(metering.NewNumber("+3906123456"))
		store, sink := &fakeStore{}, &fakeSink{}
		exempt, pending := rec(1, 1, 0), rec(2, 1, 0)
		exempt.Exempt, pending.State = true, metering.RecordPending
		store.pay(rec(0, 1, 14), present, number)
		store.pay(exempt, present, number)
		store.pay(pending, present, number)
		store.pay(rec(3, 1, 14), gone, number)
		store.add(rec(4, 1, 14)) // withheld
		w, q := worker(store, sink)
		w.Payers = NewPayers(present, to)
		run(t, w, time.Second)
		again := &fakeSink{}
		store.cursor = ledger.Cursor{}
		w, _ = worker(store, again)
		w.Payers = NewPayers(present, to)
		run(t, w, time.Second)

		first := rec(0, 1, 14).Record
		sealed := sink.payers[first]
		if len(sink.payers) != 1 || sealed == "" || again.payers[first] != sealed {
			t.Fatalf("payers of %d events; the same again: %t", len(sink.payers), again.payers[first] == sealed)
		}
		if strings.Contains(sealed, "0612345678") {
			t.Error("the number is in clear")
		}
		opened, err := stdage.Decrypt(strings.NewReader(sealed), id)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(opened)
		if want := "+390612345678\n+3906123456\n"; err != nil || string(text) != want {
			t.Errorf("%q, %v; want %q", text, err, want)
		}
		if len(q.dead) != 1 || q.dead[0] != rec(3, 1, 14).Record ||
			!strings.Contains(store.letters[0].Why, "put back the key") {
			t.Errorf("dead letters %v: %+v", q.dead, store.letters)
		}
	})
}

// A sink that is to have no payer gets none, also where another one has it.
func TestSinkWithoutPayersGetsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, sink := &fakeStore{}, &fakeSink{}
		store.pay(rec(0, 1, 14), keys(t, "a"), metering.NewNumber("+390612345678"))
		store.payers = map[metering.CallID][]byte{"c0": []byte("sealed")}
		w, _ := worker(store, sink)
		run(t, w, time.Second)
		if len(sink.ids) != 1 || len(sink.payers) != 0 {
			t.Errorf("events %v with payers %v", sink.ids, sink.payers)
		}
	})
}

func TestRecipientMustBeAKeyOfAge(t *testing.T) {
	for _, bad := range []string{"", "age1", "AGE-SECRET-KEY-1QQ", "ssh-ed25519 AAAA"} {
		if _, err := age.ParseRecipient(bad); err == nil || bad != "" && strings.Contains(err.Error(), bad) &&
			bad != "age1" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// What the other side has is compared: missing, unknown, other values, and repeats.
func TestVerifyFindsEachDifference(t *testing.T) {
	store := &fakeStore{}
	store.add(calls(5)...)
	store.cursor.Next = 4
	store.letters = []ledger.DeadLetter{{Position: 3, Record: rec(3, 1, 14).Record}}
	fields := mustSelect(t, "gross")
	digest := func(r metering.Record) string {
		return fields.Digest([]string{
			"record", r.Record, r.Record[:len(r.Record)-2], "1", r.Charge.String() + "0",
		})
	}
	dearer := rec(1, 1, 14)
	dearer.Charge = tariff.Amount{Minor: 15, Digits: 2, Currency: "EUR"}
	for _, c := range []struct {
		name, want string
		has        []metering.Record
	}{
		{"all", "", []metering.Record{rec(0, 1, 14), rec(1, 1, 14), rec(2, 1, 14)}},
		{"a repeat", "", []metering.Record{rec(0, 1, 14), rec(0, 1, 14), rec(1, 1, 14), rec(2, 1, 14)}},
		{"one is missing", "missing " + rec(1, 1, 14).Record, []metering.Record{rec(0, 1, 14), rec(2, 1, 14)}},
		{"one too many", "unknown " + rec(4, 1, 14).Record,
			[]metering.Record{rec(0, 1, 14), rec(1, 1, 14), rec(2, 1, 14), rec(4, 1, 14)}},
		{"another amount", "other " + dearer.Record,
			[]metering.Record{rec(0, 1, 14), dearer, rec(2, 1, 14)}},
	} {
		got, err := Verify(t.Context(), []Log{{Store: store}}, "s", fields, listOf(c.has, digest), false)
		if err != nil {
			t.Fatal(err)
		}
		var found bytes.Buffer
		for what, ids := range map[string][]string{
			"missing ": got.Missing, "unknown ": got.Unknown, "other ": got.Other,
		} {
			for _, id := range ids {
				found.WriteString(what + id)
			}
		}
		if found.String() != c.want || got.OK() != (c.want == "") {
			t.Errorf("%s: %q, want %q", c.name, found.String(), c.want)
		}
	}
}
