package gateway_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/ari/aritest"
)

// The register goes while the gateway runs. Its callers may have been in it: the record is pending,
// and charges nothing, until the register is back and answers no.
func TestRegisterThatGoesChargesNobody(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	dir := t.TempDir()
	register := filepath.Join(dir, "exempt.db")
	conf := configure(t, pbx, dir, "")
	r := start(t, pbx, conf)
	r.until("pbx.synced", 1)
	r.untilMetric("risposta_exemption_register_usable 1")
	if err := os.Rename(register, register+".away"); err != nil {
		t.Fatal(err)
	}
	r.until("exemption.register_unusable", 1)
	r.untilMetric("risposta_exemption_register_usable 0")
	for _, frame := range holdTransfer(t) {
		r.send(frame)
	}
	r.until(`"state":"pending"`, 1)
	if rec := r.record(); rec.TalkMs != 9478 || rec.Amount != "0.00" {
		t.Errorf("while the register is away: talk %d ms, %s EUR", rec.TalkMs, rec.Amount)
	}
	r.stop()

	// It is not made anew.
	r = start(t, pbx, conf)
	r.until("exemption.register_unusable", 1)
	if _, err := os.Stat(register); !os.IsNotExist(err) {
		t.Errorf("an empty register was made: %v", err)
	}
	if err := os.Rename(register+".away", register); err != nil {
		t.Fatal(err)
	}
	r.until("exemption.register_usable", 1)
	r.until(`"reasons":["talk","answered_early","resolved"]`, 1)
	r.stop()
	if rec := r.record(); rec.Amount != "0.14" || !strings.Contains(r.log.String(), `"state":"final"`) {
		t.Errorf("resolved: %s EUR", rec.Amount)
	}
}
