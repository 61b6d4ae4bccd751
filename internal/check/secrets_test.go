package check_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/internal/config"
)

// everyFile is a configuration in which each key that names a file names this one.
func everyFile(t *testing.T, dir, file string) *config.Config {
	t.Helper()
	conf := configured(t, dir, "")
	p, d := &conf.PBX[0], config.Delivery{}
	for _, path := range []*string{
		&p.PasswordFile, &p.CAFile, &p.Listen.PasswordFile, &p.Listen.CertFile, &p.Listen.KeyFile,
		&conf.Callers.KeyFile, &conf.Exemption.Registry, &conf.Exemption.CSV,
		&conf.Exemption.SQL.DSNFile, &conf.Exemption.HTTP.TokenFile, &conf.Exemption.HTTP.CAFile,
		&conf.Ledger.KeyFile, &conf.Admin.PasswordFile, &conf.Admin.CertFile, &conf.Admin.KeyFile,
		&d.Webhook.CAFile, &d.Webhook.TokenFile, &d.Webhook.SecretFile, &d.Webhook.TemplateFile,
		&d.Postgres.DSNFile, &d.NATS.CAFile, &d.NATS.CredentialsFile, &d.NATS.TokenFile,
	} {
		*path = file
	}
	conf.Ledger.Heads = []config.HeadPlace{{CAFile: file, TokenFile: file}}
	conf.Delivery = []config.Delivery{d}
	if n := len(conf.Files()); n != 25 {
		t.Fatalf("%d of the configuration's files are named, want all 25", n)
	}
	return conf
}

// secretFile makes a file of a secret, in a folder that others may enter.
func secretFile(t *testing.T, mode os.FileMode) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

func TestMachineReportsSecretsThatEverybodyCanRead(t *testing.T) {
	for mode, readable := range map[os.FileMode]bool{
		0o600: false, 0o640: false, 0o604: true, 0o602: true, 0o644: true,
	} {
		dir, file := secretFile(t, mode)
		conf := everyFile(t, dir, file)
		got := strings.Join(findings(conf, machine), "\n")
		for _, f := range conf.Files() {
			want := fmt.Sprintf("true %s: %s is readable or writable by every user (%s)", f.Key, file, mode)
			if strings.Contains(got, want) != (readable && f.Secret) {
				t.Errorf("%s: got %q, want %q: %v", mode, got, want, readable && f.Secret)
			}
		}
	}
}

// Files that the user of the service cannot read. Root's check takes the owner of the ledger's folder
// for that user; anybody else's takes the own one.
func TestMachineReportsFilesThatTheServiceCannotRead(t *testing.T) {
	const service = 65534
	dir, file := secretFile(t, 0o200)
	conf := everyFile(t, dir, file)
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, service, service); err != nil {
			t.Fatal(err)
		}
	}
	got := strings.Join(findings(conf, machine), "\n")
	for _, f := range conf.Files() {
		if want := fmt.Sprintf("true %s: %s cannot be read by ", f.Key, file); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", f.Key, got, want)
		}
	}
	gone := everyFile(t, dir, filepath.Join(dir, "gone"))
	got = strings.Join(findings(gone, machine), "\n")
	for _, f := range gone.Files() {
		if want := "true " + f.Key + ": "; strings.Contains(got, want) != !f.Made {
			t.Errorf("%s: got %q, want %q: %v, because the first run makes it", f.Key, got, want, f.Made)
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
