package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/config"
)

const good = `pbx:
  - name: main
    url: http://127.0.0.1:8088/ari
    username: risposta
operators: ["PJSIP/agent*"]
services:
  - number: "1001"
    context: from-trunk
    name: help
    tariff: standard
    callers: ["PJSIP/trunk*"]
    did: "+390612345678"
tariffs:
  - name: standard
    per_minute: "0.96"
    increment: 1s
    currency: EUR
ledger:
  file: /var/lib/risposta/ledger.db
law: {policy: it}
`

const key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

var secrets = []string{
	"RISPOSTA_PBX_0_PASSWORD=s3cret-text", "RISPOSTA_CALLERS_KEY=" + key,
	"RISPOSTA_CALLERS_COUNTRY_CODE=39", "PATH=/bin",
}

func noFiles(string) ([]byte, error) { return nil, os.ErrNotExist }

// swap is the good configuration with one text in place of another.
func swap(t *testing.T, before, after string) string {
	t.Helper()
	if !strings.Contains(good, before) {
		t.Fatalf("%q is not in the good configuration", before)
	}
	return strings.Replace(good, before, after, 1)
}

func TestDefaultsAndEnvironment(t *testing.T) {
	environ := append(secrets, "RISPOSTA_LOG_LEVEL=debug", "RISPOSTA_OPERATORS=PJSIP/a*,PJSIP/b*",
		"RISPOSTA_TARIFFS_0_INCREMENT=30s", "RISPOSTA_CONFIG=ignored")
	c, err := config.Parse("gw.yaml", []byte(good), environ, config.AllSecrets, noFiles)
	if err != nil {
		t.Fatal(err)
	}
	for what, ok := range map[string]bool{
		"the secret":            c.PBX[0].Password.Reveal() == "s3cret-text",
		"a default of a list":   c.PBX[0].Application == "risposta",
		"a default":             c.Log.Format == "json" && c.Admin.Listen == "127.0.0.1:9108",
		"a default duration":    c.Exemption.Timeout == 2*time.Second,
		"a text by environment": c.Log.Level == "debug",
		"a list by environment": len(c.Operators) == 2,
		"a list's element":      c.Tariffs[0].Increment == 30*time.Second,
	} {
		if !ok {
			t.Errorf("%s is not set: %+v", what, c)
		}
	}
	printed := fmt.Sprintf("%v %+v %#v %d", c, c, c, c.PBX[0].Password)
	if strings.Contains(printed, "s3cret") || strings.Contains(printed, key) {
		t.Errorf("a secret prints: %s", printed)
	}
}

func TestRulesOfAConfiguration(t *testing.T) {
	c, err := config.Parse("gw.yaml", []byte(good), secrets, config.AllSecrets, noFiles)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := c.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, ch := range []struct {
		channel ari.Channel
		want    bool
	}{
		{ari.Channel{Name: "PJSIP/trunk-1", Context: "from-trunk", Exten: "1001"}, true},
		{ari.Channel{Name: "PJSIP/desk7-1", Context: "from-trunk", Exten: "1001"}, false},
		{ari.Channel{Name: "PJSIP/trunk-1", Context: "agents", Exten: "1001"}, false},
		{ari.Channel{Name: "PJSIP/trunk-1", Context: "from-trunk", Exten: "1002"}, false},
	} {
		if name, ok := rules.Service(ch.channel); ok != ch.want || ok && name != "help" {
			t.Errorf("%+v is on service %q, %t; want %t", ch.channel, name, ok, ch.want)
		}
	}
	if got := rules.Terms("help", time.Now()).Tariff; got == nil || got.PerMinute != "0.96" {
		t.Errorf("the terms of help are %+v", got)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "gw.yaml")
	text := swap(t, "    username: risposta\n",
		"    username: risposta\n    password_file: "+dir+"/ari\n") +
		"callers: {country_code: \"39\", key_file: " + dir + "/key}\n"
	for name, content := range map[string]string{
		path: text, dir + "/ari": "from-file\n", dir + "/key": key + "\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(path, nil, config.AllSecrets)
	if err != nil || c.PBX[0].Password.Reveal() != "from-file" || c.Callers.Key.Reveal() != key {
		t.Errorf("got %v", err)
	}
	c, err = config.Load(path, secrets, config.AllSecrets)
	if err != nil || c.PBX[0].Password.Reveal() != "s3cret-text" {
		t.Errorf("the environment must win: %v", err)
	}
	c, err = config.Load(path, secrets, config.NoSecrets)
	if err != nil || !c.PBX[0].Password.Empty() || !c.Callers.Key.Empty() {
		t.Errorf("a command that only reads got a secret, or failed: %v", err)
	}
	c, err = config.Load(path, nil, config.CallersKey)
	if err != nil || !c.PBX[0].Password.Empty() || c.Callers.Key.Empty() {
		t.Errorf("want the callers' key alone: %v", err)
	}
}

func TestLoadOfAMissingFile(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), nil, config.NoSecrets)
	var p config.Problem
	if !errors.As(err, &p) || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
}

// Any bytes give a configuration with rules, or problems.
func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("pbx: [{url: &a x}, *a]"))
	f.Add([]byte("operators: {a: b}\nledger: []\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := config.Parse("gw.yaml", text, secrets, config.AllSecrets, noFiles)
		if err != nil {
			return
		}
		if _, err := c.Rules(); err != nil {
			t.Fatalf("accepted, but it has no rules: %v\n%s", err, text)
		}
	})
}

// `risposta top` gets the password of the admin port, and no other secret; commands that read the
// ledger do not get it.
func TestTheAdminPasswordIsForThoseWhoNeedIt(t *testing.T) {
	env := append([]string{"RISPOSTA_ADMIN_PASSWORD=s3cret"}, secrets...)
	for needs, want := range map[config.Needs]bool{
		config.NoSecrets: false, config.AdminPassword: true, config.CallersKey: false, config.AllSecrets: true,
	} {
		c, err := config.Parse("gw.yaml", []byte(good), env, needs, noFiles)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Admin.Password.Reveal() == "s3cret"; got != want {
			t.Errorf("needs %d: has the admin password %v, want %v", needs, got, want)
		}
		others := !c.Callers.Key.Empty() || !c.PBX[0].Password.Empty()
		if needs == config.AdminPassword && others {
			t.Error("top has other secrets, too")
		}
	}
}
