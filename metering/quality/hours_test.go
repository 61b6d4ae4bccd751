package quality_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/risposta/gateway/metering/quality"
)

func TestOpeningHours(t *testing.T) {
	h, err := quality.NewHours("Europe/Rome", []quality.Opening{
		{Days: "mon-fri", From: "08:00", Until: "12:30"},
		{Days: "mon-fri", From: "14:00", Until: "18:00"},
		{Days: "sat,sun", From: "22:00", Until: "24:00"},
	}, []string{"2026-12-25"})
	if err != nil {
		t.Fatal(err)
	}
	for at, outside := range map[string]bool{ // Rome is UTC+1 in winter, UTC+2 in summer
		"2026-11-23T06:59:59.999Z": true, // a Monday
		"2026-11-23T07:00:00Z":     false,
		"2026-11-23T11:29:59Z":     false,
		"2026-11-23T11:30:00Z":     true,
		"2026-11-23T13:00:00Z":     false,
		"2026-11-23T17:00:00Z":     true,
		"2026-07-20T06:00:00Z":     false, // 8 in summer
		"2026-11-28T10:00:00Z":     true,  // a Saturday
		"2026-11-28T22:59:59Z":     false,
		"2026-11-28T23:00:00Z":     true, // Sunday has begun in Rome
		"2026-12-25T09:00:00Z":     true, // a Friday
		"2026-12-24T22:59:00Z":     true,
		"2026-12-24T23:30:00Z":     true, // the 25th in Rome
	} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if h.Outside(instant) != outside {
			t.Errorf("%s: outside is %v", at, !outside)
		}
	}
	if (quality.Hours{}).Outside(time.Now()) {
		t.Error("a service without hours is closed")
	}
}

func TestBadOpeningHours(t *testing.T) {
	good := []quality.Opening{{Days: "mon-fri", From: "08:00", Until: "18:00"}}
	for want, c := range map[string]struct {
		zone   string
		open   []quality.Opening
		closed []string
	}{
		"zone: ":           {"", good, nil},
		`zone: "Local"`:    {"Local", good, nil},
		"hours[0].days: ":  {"UTC", []quality.Opening{{Days: "lun", From: "08:00", Until: "18:00"}}, nil},
		"hours[0].from: ":  {"UTC", []quality.Opening{{From: "8:00", Until: "18:00"}}, nil},
		"hours[0].until: ": {"UTC", []quality.Opening{{From: "18:00", Until: "08:00"}}, nil},
		"closed[1]: ":      {"UTC", good, []string{"2026-12-25", "25.12.2026"}},
		"hours: missing":   {"UTC", nil, nil},
	} {
		if _, err := quality.NewHours(c.zone, c.open, c.closed); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := quality.NewHours("", nil, nil); err != nil {
		t.Error(err)
	}
}
