package ledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering/ledger"
)

// The scheme of the URL chooses the store; a URL without a scheme is a path, and SQLite's.
func TestOpenChoosesTheStoreByURL(t *testing.T) {
	opened := errors.New("opened")
	var scheme, place string
	var mode ledger.Mode
	for _, name := range []string{"sqlite", "other"} {
		ledger.Register(name, func(_ context.Context, p string, m ledger.Mode) (ledger.Store, error) {
			scheme, place, mode = name, p, m
			return nil, opened
		})
	}
	for url, want := range map[string]string{
		"ledger.db":            "sqlite ledger.db",
		"/var/lib/ledger.db":   "sqlite /var/lib/ledger.db",
		"/srv/a:b/ledger.db":   "sqlite /srv/a:b/ledger.db",
		"sqlite:ledger.db":     "sqlite ledger.db",
		"sqlite:/srv/a:b.db":   "sqlite /srv/a:b.db",
		"other://host/ledger":  "other //host/ledger",
		"ledger.2026:first.db": "sqlite ledger.2026:first.db",
	} {
		_, err := ledger.Open(t.Context(), url, ledger.ReadWrite)
		got := scheme + " " + place
		if !errors.Is(err, opened) || got != want || mode != ledger.ReadWrite {
			t.Errorf("%s opened %q in mode %d, %v; want %q", url, got, mode, err, want)
		}
	}
	_, err := ledger.Open(t.Context(), "mysql://host/ledger", ledger.ReadOnly)
	if err == nil || !strings.Contains(err.Error(), `"mysql"`) ||
		!strings.Contains(err.Error(), "known: other, sqlite") {
		t.Errorf("an unknown scheme: %v; want it, and those that are known", err)
	}
}
