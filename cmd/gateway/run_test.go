package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The code tells systemd whether to start it again: only what an edit mends is 78.
func TestExitCodesOfRun(t *testing.T) {
	const good = `pbx: [{name: main, url: "http://127.0.0.1:1/ari", username: u, password_file: none}]
operators: ["PJSIP/agent*"]
services: [{number: "1001", context: from-trunk}]
law: {policy: it}
callers: {key_file: none, country_code: "39"}
ledger: {file: ledger.db}
`
	dir := t.TempDir()
	path := filepath.Join(dir, "gateway.yaml")
	exit := func(args ...string) (int, string) {
		t.Helper()
		var errs strings.Builder
		code := run(t.Context(), append(args, "--config", path), nil, &errs, &errs)
		return code, errs.String()
	}
	if code, text := exit("run"); code != exitUsage || !strings.Contains(text, "no such file") {
		t.Errorf("without a file: %d %s, want %d", code, text, exitUsage)
	}
	for name, c := range map[string]struct {
		text, command, says string
		want                int
	}{
		"no secret yet":         {good, "run", "password_file: can't be read", exitUsage},
		"a key that is unknown": {good + "price: 1\n", "run", "price: unknown key", exitConfig},
		"another command":       {good + "price: 1\n", "check", "price: unknown key", exitUsage},
		"no level of the log":   {good + "log: {level: loud}\n", "run", "log.level", exitConfig},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, text := exit(c.command)
		if code != c.want || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %s\nwant %d and %q", name, code, text, c.want, c.says)
		}
	}
}
