package check_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/internal/config"
)

func TestMachineReportsSecretsThatEverybodyCanRead(t *testing.T) {
	for mode, readable := range map[os.FileMode]bool{
		0o600: false, 0o640: false, 0o604: true, 0o602: true, 0o644: true,
	} {
		dir := t.TempDir()
		key := filepath.Join(dir, "callers.key")
		if err := os.WriteFile(key, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(key, mode); err != nil {
			t.Fatal(err)
		}
		conf := configured(t, dir, "")
		conf.Callers.KeyFile = key
		conf.Ledger.Heads = []config.HeadPlace{{To: "https://c.example/", TokenFile: key}}
		got := strings.Join(findings(conf, machine), "\n")
		want := fmt.Sprintf("true callers.key_file: %s is readable or writable by every user (%s)", key, mode)
		token := strings.Replace(want, "callers.key_file", "ledger.heads[0].token_file", 1)
		if strings.Contains(got, want) != readable || strings.Contains(got, token) != readable {
			t.Errorf("%s: got %q, want %q: %v", mode, got, want, readable)
		}
	}
}

func TestMachineReportsTheExamplesPassword(t *testing.T) {
	for url, reported := range map[string]bool{
		"http://127.0.0.1:8088/ari": false, "https://localhost/ari": false, "https://pbx.example/ari": true,
	} {
		text := strings.NewReplacer("URL", url, "DIR", t.TempDir()).Replace(`
pbx: [{name: main, url: "URL", username: u}]
operators: ["PJSIP/agent*"]
services: [{number: "1001", context: from-trunk}]
ledger: {file: "DIR/ledger.db"}
`)
		environ := []string{
			"RISPOSTA_PBX_0_PASSWORD=change-me", "RISPOSTA_CALLERS_KEY=" + strings.Repeat("0123456789abcdef", 4),
		}
		conf, err := config.Parse("gw.yaml", []byte(text), environ, config.AllSecrets, os.ReadFile)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(findings(conf, machine), "\n")
		if strings.Contains(got, "true pbx[0].password: is the example's") != reported {
			t.Errorf("%s: %q; want it reported: %v", url, got, reported)
		}
	}
}
