package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// A call of half past midnight of December the 1st in Rome is one of December there, and one of
// November by UTC. It waited 10 s, one of noon on the same day 40 s.
func TestQualityAuditInAZone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	l, err := ledger.Open(t.Context(), path, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	var batch ledger.Batch
	log := ""
	for call, c := range map[metering.CallID]struct {
		at   time.Time
		wait time.Duration
	}{
		"pbx1-1.1": {time.Date(2026, 11, 30, 23, 30, 0, 0, time.UTC), 10 * time.Second},
		"pbx1-2.1": {time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC), 40 * time.Second},
	} {
		after := func(d time.Duration) metering.Time { return metering.Time{Time: c.at.Add(d)} }
		batch.Opened = append(batch.Opened, ledger.OpenCall{Call: call, ArrivedAt: c.at})
		batch.Evidence = append(batch.Evidence, ledger.Evidence{Call: call, Frame: []byte("1")})
		batch.Records = append(batch.Records, metering.Record{
			Record: "r-" + string(call), Version: 1, Call: call, Service: "help", ArrivedAt: after(0),
			EndedAt: after(time.Minute), Outcome: metering.Talked, WaitedMs: c.wait.Milliseconds(),
			Queues: []metering.QueueEntry{{Name: "support", JoinedAt: after(0)}},
			Talk: []metering.Talk{{
				From: after(c.wait), To: after(time.Minute), Operator: "PJSIP/agent1",
				Ms: (time.Minute - c.wait).Milliseconds(),
			}},
			TalkMs: (time.Minute - c.wait).Milliseconds(), Charge: tariff.Amount{Currency: "EUR", Digits: 2},
			Reasons: []metering.Reason{metering.ReasonNoTariff},
		})
		log += fmt.Sprintf("%d|%s|support|NONE|ENTERQUEUE||1|1\n%d|%s|support|agent1|CONNECT|1|1|1\n",
			c.at.Unix(), call, c.at.Add(c.wait).Unix(), call)
	}
	if err := l.Commit(t.Context(), &batch); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"queue_log": log, "cel.csv": ""} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ period, zone, mean, calls string }{
		{"2026-11", "UTC", "10.000", "1"}, {"2026-12", "UTC", "40.000", "1"},
		{"2026-11", "Europe/Rome", "-", "0"}, {"2026-12", "Europe/Rome", "25.000", "2"},
	} {
		text, _ := cli(t, "quality", "audit", "--ledger", path, "--period", c.period, "--period-zone", c.zone,
			"--cel", filepath.Join(dir, "cel.csv"), "--queue-log", filepath.Join(dir, "queue_log"))
		row := strings.Fields(text[strings.Index(text, "answer_time_mean"):])
		// indicator, unit, ledger, n, logs, n
		if row[2] != c.mean || row[3] != c.calls || row[4] != c.mean || row[5] != c.calls {
			t.Errorf("%s in %s: %v, want %s of %s calls, by both", c.period, c.zone, row[:6], c.mean, c.calls)
		}
	}
	if text, code := cli(t, "quality", "audit", "--ledger", path, "--period", "2026-12", "--period-zone",
		"Rome", "--cel", path, "--queue-log", path); code != exitUsage || !strings.Contains(text, "--period-zone") {
		t.Errorf("a zone that does not exist: %d %s", code, text)
	}
}
