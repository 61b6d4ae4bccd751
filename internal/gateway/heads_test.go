package gateway_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/ari/aritest"
)

// Each signed head is kept in the second place. A ledger that is put back to an older state is
// reported at the start, and metered on.
func TestHeadsAreKeptInASecondPlaceAndCompared(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	dir := t.TempDir()
	heads := filepath.Join(t.TempDir(), "heads")
	conf := configure(t, pbx, dir, "")
	conf.Ledger.HeadsFile = heads
	older := filepath.Join(t.TempDir(), "older.db")

	r := start(t, pbx, conf)
	r.until("pbx.synced", 1)
	r.stop()
	text, err := os.ReadFile(conf.Ledger.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(older, text, 0o600); err != nil {
		t.Fatal(err)
	}

	r = start(t, pbx, conf)
	r.until("pbx.synced", 1)
	for _, frame := range holdTransfer(t) {
		r.send(frame)
	}
	r.until(`"state":"final"`, 1)
	r.stop()
	signed := strings.Count(r.log.String(), `"event":"ledger.signed"`)
	text, err = os.ReadFile(heads)
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(text, []byte("\n")); signed == 0 || lines <= signed {
		t.Errorf("%d heads were kept, of two runs; the second signed %d", lines, signed)
	}
	if strings.Contains(r.log.String(), "heads_differ") {
		t.Errorf("an honest ledger was reported:\n%s", r.log)
	}
	half := append(text, `{"event":"ledger.signed","head":"go.sum`...) // a crash cut it short
	if err := os.WriteFile(heads, half, 0o600); err != nil {
		t.Fatal(err)
	}

	if err := os.Rename(older, conf.Ledger.File); err != nil {
		t.Fatal(err)
	}
	r = start(t, pbx, conf)
	r.until("ledger.heads_differ", 1)
	r.untilMetric("risposta_ledger_heads_differ 1")
	r.until("pbx.synced", 1)
	r.stop()
}
