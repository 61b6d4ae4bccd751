package gateway_test

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/gateway"
)

// The PBX's clock is set forward by an hour in the middle of talk: the hour is not charged.
func TestAClockSetForwardIsNotCharged(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	r := start(t, pbx, configure(t, pbx, t.TempDir(), ""))
	r.until("pbx.synced", 1)
	r.talk()
	pbx.SetClock(time.Hour)
	r.until("pbx.clock_jumped", 1)
	r.until("talk.started", 2) // after a new snapshot they still talk
	r.happens(ari.Event{Kind: ari.ChannelHangupRequest, Channel: caller})
	r.until("record.written", 1)
	r.stop()
	if rec := r.record(); rec.TalkMs > 60_000 || rec.UnseenMs < 3_500_000 {
		t.Errorf("talk %d ms, unseen %d ms; want seconds of talk and the hour unseen:\n%s",
			rec.TalkMs, rec.UnseenMs, r.log)
	}
}

func TestHealthAndReadiness(t *testing.T) {
	pbx := aritest.New()
	conf := configure(t, pbx, t.TempDir(), "")
	pbx.Unsubscribe(true)
	r := start(t, pbx, conf)
	r.until("pbx.unreachable", 1)
	if code, body := r.get("/readyz"); code != http.StatusServiceUnavailable ||
		body != "pbx fake: not synced\n" {
		t.Errorf("/readyz: %d %q", code, body)
	}
	if code, body := r.get("/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Errorf("/healthz: %d %q", code, body)
	}
	// The series exist before anything has been counted.
	_, body := r.get("/metrics")
	for _, line := range []string{
		`risposta_heartbeats_total{pbx="fake"} 0`, `risposta_pbx_synced{pbx="fake"} 0`,
	} {
		if !strings.Contains(body, line) {
			t.Errorf("/metrics lacks %s:\n%s", line, body)
		}
	}
	pbx.Unsubscribe(false)
	r.until("pbx.synced", 1)
	if code, body := r.get("/readyz"); code != http.StatusOK || body != "ready\n" {
		t.Errorf("/readyz: %d %q", code, body)
	}
	r.stop()
	pbx.Close()
}

func TestAMissingLedgerDirectoryIsReported(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	conf := configure(t, pbx, t.TempDir(), "")
	conf.Ledger.File = filepath.Join(t.TempDir(), "missing", "ledger.db")
	log, err := gateway.NewLogger(conf.Log, zapcore.AddSync(&buffer{}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = gateway.New(context.Background(), conf, log)
	if err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a ledger in a directory that does not exist: %v", err)
	}
}

// A PBX that cannot be told which events to send is metered: that is logged once, and counted at each
// connection.
func TestAPBXThatIsNotFilteredIsMetered(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	pbx.RefuseFilter(true)
	r := start(t, pbx, configure(t, pbx, t.TempDir(), ""))
	r.until("pbx.synced", 1)
	r.talk()
	pbx.Cut()
	r.until("pbx.synced", 2)
	r.untilMetric(`risposta_pbx_not_filtered_total{pbx="fake"} 2`)
	r.stop()
	if n := strings.Count(r.log.String(), `"event":"pbx.not_filtered"`); n != 1 {
		t.Errorf("it is logged %d times, want once:\n%s", n, r.log)
	}
}
