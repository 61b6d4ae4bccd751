package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Two companies publish their reports, signed with the keys of their ledgers. One is changed.
func TestPublishAndCompare(t *testing.T) {
	dir := t.TempDir()
	var files []string
	var keys []byte
	for _, name := range []string{"Rossi", "Bianchi"} {
		path := writtenLedger(t)
		text, code := cli(t, "report", "publish", "--ledger", path, "--key", path+".key", "--period",
			"2026-11", "--company", name)
		if code != 0 || !strings.Contains(text, "\n— risposta-ledger ") {
			t.Fatalf("exit code %d: %s", code, text)
		}
		file := filepath.Join(dir, name+".json")
		public, err := os.ReadFile(path + ".key.pub")
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, public...)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	keyFile := filepath.Join(dir, "keys")
	if err := os.WriteFile(keyFile, keys, 0o600); err != nil {
		t.Fatal(err)
	}
	compare := func(more ...string) (string, int) {
		return cli(t, append(append([]string{"compare", "--keys", keyFile}, files...), more...)...)
	}
	if text, code := compare("--language", "it"); code != 0 ||
		!strings.Contains(text, "Rossi: help") || !strings.Contains(text, "Bianchi: help") {
		t.Errorf("exit code %d: %s", code, text)
	}
	if text, code := compare("--format", "csv"); code != 0 ||
		!strings.Contains(text, "2026-11,figure,Bianchi,help,answer_time_mean,1,s,") {
		t.Errorf("exit code %d: %s", code, text)
	}

	text, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `"suppressed": true`, `"suppressed": false`, 1)
	if err := os.WriteFile(files[1], []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, code := compare(); code != exitFailed || !strings.Contains(text, files[1]) ||
		strings.Contains(text, "<h1>") {
		t.Errorf("a changed file: exit code %d: %s", code, text)
	}
	if text, code := cli(t, "report", "publish", "--ledger", files[0], "--period", "2026",
		"--company", "x"); code == 0 {
		t.Errorf("a report was published without a key: %s", text)
	}
}

func TestReportAsWorkbook(t *testing.T) {
	text, code := cli(t, "report", "--ledger", writtenLedger(t), "--period", "2026-11",
		"--format", "xlsx")
	if code != 0 || !strings.HasPrefix(text, "PK\x03\x04") {
		t.Errorf("exit code %d: %.100q", code, text)
	}
}
