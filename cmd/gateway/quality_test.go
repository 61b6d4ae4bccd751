package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// audited runs the audit of the ledger's two ended calls against their logs, changed as given.
func audited(t *testing.T, change func(queueLog string) string) (string, int) {
	t.Helper()
	path := writtenLedger(t)
	dir := t.TempDir()
	for _, file := range []string{"cel.csv", "queue_log"} {
		var all string
		for _, trace := range []string{"hold-transfer", "announced"} {
			text, err := os.ReadFile(filepath.Join("../../integration/testdata/traces", trace, file))
			if err != nil {
				t.Fatal(err)
			}
			all += string(text)
		}
		if file == "queue_log" {
			all = change(all)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(all), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cli(t, "quality", "audit", "--ledger", path, "--period", "2026-11",
		"--cel", filepath.Join(dir, "cel.csv"), "--queue-log", filepath.Join(dir, "queue_log"))
}

// By the CEL the two callers waited 2.012 and 3.434 s.
func TestQualityAudit(t *testing.T) {
	text, code := audited(t, func(log string) string { return log })
	for _, want := range []string{"2.723", "12 figures agree", "abandoned_short"} {
		if code != 0 || !strings.Contains(text, want) {
			t.Errorf("exit code %d, without %q:\n%s", code, want, text)
		}
	}

	// An operator who was never connected, and a queue of which the ledger knows nothing.
	text, code = audited(t, func(log string) string {
		return strings.ReplaceAll(log, "|CONNECT|", "|RINGNOANSWER|") +
			"1795427198|pbx1-1.9|other|NONE|ENTERQUEUE||1|1\n"
	})
	for _, want := range []string{"no value", "too far", "queue other: 1 calls in the queue_log, none"} {
		if code != exitFailed || !strings.Contains(text, want) {
			t.Errorf("exit code %d, without %q:\n%s", code, want, text)
		}
	}
}
