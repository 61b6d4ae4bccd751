package delivery_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

func version(n int, amount tariff.Amount) metering.Record {
	at := metering.Time{Time: time.Date(2026, 11, 23, 9, 46, 14, 945e6, time.UTC)}
	return metering.Record{
		Record: "r-5kq3zj7wd2xvnp4mhb6c-" + string(rune('0'+n)), Version: n, Call: "pbx1-1.1", Service: "help",
		Caller: "c-1", ArrivedAt: at, EndedAt: at, Outcome: metering.Talked, TalkMs: amount.Minor * 1000,
		Charge: amount, Reasons: []metering.Reason{"talk", "answered_early"},
	}
}

func event(t *testing.T, c ledger.Change) delivery.Event {
	t.Helper()
	e, err := delivery.NewEvent(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func object(t *testing.T, e delivery.Event, names ...string) string {
	t.Helper()
	fields, err := delivery.Select(names)
	if err != nil {
		t.Fatal(err)
	}
	text := fields.Object(&e)
	if !json.Valid(text) {
		t.Errorf("no JSON: %s", text)
	}
	return string(text)
}

// A later version says what it changes, in each currency's own decimals; the changes of all versions
// add up to the newest. An erasure changes nothing.
func TestChangesAddUp(t *testing.T) {
	for _, c := range []struct {
		currency             string
		digits               int
		first, second        int64
		gross, change, minor string
	}{
		{"EUR", 2, 14, 0, "0.00", "-0.14", "-14"}, {"EUR", 2, 0, 96, "0.96", "0.96", "96"},
		{"JPY", 0, 33, 12, "12", "-21", "-21"}, {"KWD", 3, 127, 120, "0.120", "-0.007", "-7"},
	} {
		before := version(1, tariff.Amount{Minor: c.first, Digits: c.digits, Currency: c.currency})
		after := version(2, tariff.Amount{Minor: c.second, Digits: c.digits, Currency: c.currency})
		change := ledger.Change{JSON: after.JSON(), Before: before.JSON()}
		const fields = `"event":"record","record":"r-5kq3zj7wd2xvnp4mhb6c-2",` +
			`"record_name":"r-5kq3zj7wd2xvnp4mhb6c","version":2`
		got := object(t, event(t, change), "gross", "gross_change", "gross_change_minor", "net")
		want := `{` + fields + `,"gross":"` + c.gross + `","gross_change":"` + c.change +
			`","gross_change_minor":` + c.minor + `,"net":null}`
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		change.Erasure = true
		if got := object(t, event(t, change), "gross_change_minor"); !strings.Contains(got,
			`"event":"erasure"`) || !strings.Contains(got, `"gross_change_minor":0`) {
			t.Errorf("erased: %s", got)
		}
	}
}

// Who pays is in no event of a version that charges nothing, of an exempt caller, or without detail.
func TestOnlyWhoPaysIsDelivered(t *testing.T) {
	euro := tariff.Amount{Minor: 14, Digits: 2, Currency: "EUR"}
	free, exempt, pays := version(1, tariff.Amount{Digits: 2, Currency: "EUR"}), version(1, euro), version(1, euro)
	exempt.Exempt = true
	for name, c := range map[string]struct {
		change ledger.Change
		payer  string
	}{
		"pays":    {ledger.Change{JSON: pays.JSON()}, `"cGF5ZXI="`},
		"free":    {ledger.Change{JSON: free.JSON()}, "null"},
		"exempt":  {ledger.Change{JSON: exempt.JSON()}, "null"},
		"erasure": {ledger.Change{JSON: pays.Erased("e-x").JSON(), Erasure: true}, "null"},
		"erased":  {ledger.Change{JSON: pays.Erased("e-x").JSON()}, "null"},
	} {
		c.change.Payer = []byte("payer")
		if got := object(t, event(t, c.change), "payer"); !strings.HasSuffix(got, `"payer":`+c.payer+`}`) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestIDsAreStable(t *testing.T) {
	r := version(2, tariff.Zero(nil))
	for _, erasure := range []bool{false, true} {
		want := map[bool]string{false: r.Record, true: r.Record + ".erased"}[erasure]
		e := event(t, ledger.Change{JSON: r.JSON(), Erasure: erasure, Position: 7})
		fields, err := delivery.Select([]string{"service"})
		if err != nil {
			t.Fatal(err)
		}
		texts, err := fields.Texts(fields.Object(&e))
		if err != nil || e.ID != want || fields.ID(texts) != want {
			t.Errorf("%s, %v; from the values %s; want %s", e.ID, err, fields.ID(texts), want)
		}
		if fields.Digest(texts) != fields.DigestOf(&e) {
			t.Error("the digest of what was sent is another one")
		}
	}
}

// A system gets what identifies an event, and nothing that it was not to get.
func TestSelectGivesNoMoreThanWasAsked(t *testing.T) {
	fields, err := delivery.Select([]string{"version", "gross"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	if want := []string{"event", "record", "record_name", "version", "gross"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	for _, bad := range [][]string{{"number"}, {"gross", "gross"}} {
		if _, err := delivery.Select(bad); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}
