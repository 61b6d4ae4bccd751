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

const key = "0123456789abcdef0123456789abcdef"

var secrets = []string{"RISPOSTA_PBX_0_PASSWORD=s3cret-word", "RISPOSTA_CALLERS_KEY=" + key, "PATH=/bin"}

func noFiles(string) ([]byte, error) { return nil, os.ErrNotExist }

func TestGoodConfiguration(t *testing.T) {
	c, err := config.Parse("gw.yaml", []byte(good), append(secrets, "RISPOSTA_LOG_LEVEL=debug", "RISPOSTA_OPERATORS=PJSIP/a*,PJSIP/b*",
		"RISPOSTA_TARIFFS_0_INCREMENT=30s", "RISPOSTA_CONFIG=ignored"), config.AllSecrets, noFiles)
	if err != nil {
		t.Fatal(err)
	}
	if c.PBX[0].Password.Reveal() != "s3cret-word" || c.PBX[0].Application != "risposta" || c.Log.Format != "json" || c.Log.Level != "debug" ||
		len(c.Operators) != 2 || c.Tariffs[0].Increment != 30*time.Second || c.Exemption.Timeout != 2*time.Second || c.Admin.Listen != "127.0.0.1:9108" {
		t.Errorf("got %+v", c)
	}
	if said := fmt.Sprintf("%v %+v %#v %d", c, c, c, c.PBX[0].Password); strings.Contains(said, "s3cret") || strings.Contains(said, key) {
		t.Errorf("a secret prints: %s", said)
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
			t.Errorf("%+v is of service %q, %t; want %t", ch.channel, name, ok, ch.want)
		}
	}
	if got := rules.Terms("help", time.Now()).Tariff; got == nil || got.PerMinute != "0.96" {
		t.Errorf("the terms of help are %+v", got)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "gw.yaml")
	text := strings.Replace(good, "    username: risposta\n", "    username: risposta\n    password_file: "+dir+"/ari\n", 1) +
		"callers: {key_file: " + dir + "/key}\n"
	for name, content := range map[string]string{path: text, dir + "/ari": "from-file\n", dir + "/key": key + "\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(path, nil, config.AllSecrets)
	if err != nil || c.PBX[0].Password.Reveal() != "from-file" || c.Callers.Key.Reveal() != key {
		t.Errorf("got %v", err)
	}
	c, err = config.Load(path, secrets, config.AllSecrets)
	if err != nil || c.PBX[0].Password.Reveal() != "s3cret-word" {
		t.Errorf("the environment must win: %v", err)
	}
	c, err = config.Load(path, secrets, config.NoSecrets)
	if err != nil || !c.PBX[0].Password.Empty() || !c.Callers.Key.Empty() {
		t.Errorf("a reading command got a secret, or failed: %v", err)
	}
	c, err = config.Load(path, nil, config.CallersKey)
	if err != nil || !c.PBX[0].Password.Empty() || c.Callers.Key.Empty() {
		t.Errorf("replay needs the callers' key alone: %v", err)
	}
}

// Each problem is one line with file, line and key.
func TestProblemsAreOneLineEach(t *testing.T) {
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in the good configuration", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, c := range map[string]struct {
		text string
		env  []string
		want string
	}{
		"unknown key":        {text: swap("    tariff: standard", "    tarif: standard"), want: "gw.yaml:10: services[0].tarif: unknown key; known here: name, number"},
		"unknown at the top": {text: good + "colour: blue\n", want: "gw.yaml:21: colour: unknown key"},
		"key twice":          {text: good + "ledger: {file: x}\n", want: "gw.yaml:21: ledger: given twice"},
		"not YAML":           {text: "pbx: [", want: "gw.yaml: line 1: did not find expected node content"},
		"empty":              {text: "", want: "gw.yaml: the configuration is empty"},
		"a list":             {text: "- a\n", want: "gw.yaml:1: must hold keys"},
		"two documents":      {text: good + "---\na: 1\n", want: "more than one YAML document"},
		"alias":              {text: swap(`["PJSIP/agent*"]`, "&a [x]"), want: "gw.yaml:5: operators: anchors"},
		"bad duration":       {text: swap("increment: 1s", "increment: soon"), want: `gw.yaml:16: tariffs[0].increment: "soon" is not a duration`},
		"bad increment":      {text: swap("increment: 1s", "increment: 1500ms"), want: "gw.yaml:16: tariffs[0].increment: 1.5s is not a whole number"},
		"bad price":          {text: swap(`"0.96"`, `"0,96"`), want: `gw.yaml:15: tariffs[0].per_minute: "0,96" is not an amount`},
		"bad currency":       {text: swap("EUR", "LIRE"), want: "gw.yaml:17: tariffs[0].currency"},
		"no such tariff":     {text: swap("tariff: standard", "tariff: other"), want: `gw.yaml:10: services[0].tariff: "other" is not the name of a tariff`},
		"bad glob":           {text: swap(`"PJSIP/agent*"`, `"PJSIP/[agent"`), want: `gw.yaml:5: operators[0]: "PJSIP/[agent" is not a pattern`},
		"no operators":       {text: swap("operators: [\"PJSIP/agent*\"]\n", ""), want: "gw.yaml: operators: missing"},
		"no PBX":             {text: good[strings.Index(good, "operators:"):], env: secrets[1:], want: "gw.yaml: pbx: missing"},
		"bad URL":            {text: swap("http://127.0.0.1:8088/ari", "127.0.0.1:8088"), want: "gw.yaml:3: pbx[0].url"},
		"password in URL":    {text: swap("http://127", "http://u:p@127"), want: "gw.yaml:3: pbx[0].url: holds a user or a password"},
		"password in YAML":   {text: swap("    username: risposta\n", "    username: risposta\n    password: s3cret-word\n"), want: "gw.yaml:5: pbx[0].password: a secret does not belong into this file"},
		"no password":        {text: good, env: secrets[1:], want: "gw.yaml:2: pbx[0].password: missing: set RISPOSTA_PBX_0_PASSWORD"},
		"no key":             {text: good, env: secrets[:1], want: "gw.yaml: callers.key: missing: set RISPOSTA_CALLERS_KEY"},
		"short key":          {text: good, env: []string{secrets[0], "RISPOSTA_CALLERS_KEY=short"}, want: "gw.yaml: callers.key: the key is too short"},
		"unknown variable":   {text: good, env: append([]string{"RISPOSTA_LEDGR_FILE=x"}, secrets...), want: "environment: RISPOSTA_LEDGR_FILE: unknown variable"},
		"bad variable":       {text: good, env: append([]string{"RISPOSTA_EXEMPTION_TIMEOUT=soon"}, secrets...), want: "environment: RISPOSTA_EXEMPTION_TIMEOUT"},
		"open admin port":    {text: good + "admin: {listen: \"0.0.0.0:9108\"}\n", want: "gw.yaml:21: admin.listen: \"0.0.0.0:9108\" is not on loopback"},
		"bad log format":     {text: good + "log: {format: xml}\n", want: "gw.yaml:21: log.format"},
		"bad log level":      {text: good + "log: {level: loud}\n", want: "gw.yaml:21: log.level"},
		"bad country":        {text: good + "callers: {country_code: \"+39\"}\n", want: "gw.yaml:21: callers.country_code"},
		"no policy":          {text: swap("law: {policy: it}\n", ""), want: "services[0].tariff: policy strictest allows this service no price: rule service_free, Ley 10/2025; law.policy is strictest, the rules of every country at once"},
		"an Italian telecom": {text: swap("policy: it", "policy: it, sector: telecom"), want: "gw.yaml:10: services[0].tariff: policy it allows this service no price: rule telecom_free, AGCOM 255/24/CONS"},
		"Spain":              {text: swap("policy: it", "policy: es"), want: "gw.yaml:10: services[0].tariff: policy es allows this service no price: rule service_free, Ley 10/2025"},
		"no such policy":     {text: swap("policy: it", "policy: ch"), want: `gw.yaml:20: law: "ch" is none of de, es, fr, it, strictest, uk`},
		"no such rule":       {text: swap("policy: it", "policy: it, also: [service_paid]"), want: `gw.yaml:20: law: rule "service_paid" can't be added`},
		"after sales, too dear": {text: swap(`    did: "+390612345678"`, "    did: \"+390612345678\"\n    after_sales: true"),
			want: "gw.yaml:10: services[0].tariff: policy it lets an after-sales line cost no more than law.basic_rate, 0.00: rule basic_rate, Directive 2011/83/EU"},
		"no did":                   {text: swap("    did: \"+390612345678\"\n", ""), want: "services[0].did: missing: the number that callers dial from outside"},
		"a premium did":            {text: swap("+390612345678", "899123456"), env: append([]string{"RISPOSTA_CALLERS_COUNTRY_CODE=39"}, secrets...), want: "gw.yaml:12: services[0].did: is of kind premium, which may carry no charge under policy it"},
		"an extension as did":      {text: swap("+390612345678", "1001"), want: "gw.yaml:12: services[0].did: is of kind unknown"},
		"extensions of any length": {text: good + "extensions: [\"8*\"]\n", want: `gw.yaml:21: extensions[0]: "8*" is not an extension`},
		"a band without zone":      {text: swap("    currency: EUR\n", "    currency: EUR\n    bands: [{name: day, from: \"08:00\", until: \"18:00\", per_minute: \"2\"}]\n"), want: "gw.yaml:14: tariffs[0].zone: missing: bands go by the clock"},
		"bands overlap": {text: swap("    currency: EUR\n", "    currency: EUR\n    zone: Europe/Rome\n    bands:\n      - {name: day, from: \"08:00\", until: \"18:00\", per_minute: \"2\"}\n      - {name: noon, from: \"12:00\", until: \"13:00\", per_minute: \"3\"}\n"),
			want: `gw.yaml:21: tariffs[0].bands[1].from: overlaps with band "day"`},
		"free seconds":           {text: swap("    currency: EUR\n", "    currency: EUR\n    free_seconds: -1\n"), want: "gw.yaml:18: tariffs[0].free_seconds: -1 is not from 0"},
		"cap":                    {text: swap("    currency: EUR\n", "    currency: EUR\n    cap_per_call: five\n"), want: `gw.yaml:18: tariffs[0].cap_per_call: "five" is not an amount`},
		"neither true nor false": {text: swap(`    did: "+390612345678"`, "    did: \"+390612345678\"\n    after_sales: maybe"), want: `services[0].after_sales: "maybe" is neither true nor false`},
		"language":               {text: good + "front_desk: {language: Italian}\n", want: "gw.yaml:21: front_desk.language"},
		"consent":                {text: good + "front_desk: {without_consent: charge}\n", want: `gw.yaml:21: front_desk.without_consent: "charge" is neither hangup nor free`},
		"a DSN in YAML":          {text: good + "exemption: {sql: {dsn: \"password=s3cret-word\", query: q}}\n", want: "gw.yaml:21: exemption.sql.dsn: a secret does not belong into this file"},
		"no DSN":                 {text: good + "exemption: {sql: {query: q}}\n", want: "exemption.sql.dsn: missing: set RISPOSTA_EXEMPTION_SQL_DSN"},
		"no query":               {text: good + "exemption: {sql: {dsn_file: x}}\n", want: "exemption.sql.query: missing"},
		"numbers in clear":       {text: good + "exemption: {http: {url: \"http://registry.example/x\"}}\n", want: "gw.yaml:21: exemption.http.url: \"http://registry.example/x\" carries callers' numbers over the network in clear"},
		"settle_for":             {text: good + "exemption: {settle_for: 1s}\n", want: "gw.yaml:21: exemption.settle_for"},
		"cache":                  {text: good + "exemption: {cache: 2h}\n", want: "gw.yaml:21: exemption.cache"},
		"zone":                   {text: good + "exemption: {zone: Mars}\n", want: `gw.yaml:21: exemption.zone: "Mars" is no time zone`},
		"timeout too long":       {text: good + "exemption: {timeout: 2h}\n", want: "gw.yaml:21: exemption.timeout"},
		"password unreadable": {text: swap("    username: risposta\n", "    username: risposta\n    password_file: /nowhere\n"), env: secrets[1:],
			want: "gw.yaml:5: pbx[0].password_file: can't be read"},
		"tariffs overlap": {text: swap("tariffs:\n", "tariffs:\n  - {name: standard, per_minute: \"1\", increment: 1s, currency: EUR, valid_until: 2026-07-01, zone: Europe/Rome}\n"),
			want: `gw.yaml:14: tariffs[0]: "standard" overlaps with another of its name`},
		"tariffs leave a gap": {text: swap("    currency: EUR\n", "    currency: EUR\n    valid_until: 2026-06-30\n    zone: Europe/Rome\n  - {name: standard, per_minute: \"1\", increment: 1s, currency: EUR, valid_from: 2026-07-01, zone: Europe/Rome}\n"),
			want: `gw.yaml:14: tariffs[0]: "standard" leaves a gap: one of its name ends at 2026-06-30T00:00:00+02:00, the next begins at 2026-07-01T00:00:00+02:00`},
		"day without zone": {text: swap("    currency: EUR\n", "    currency: EUR\n    valid_until: 2026-06-30\n"), want: "gw.yaml:14: tariffs[0].zone: missing"},
		"no such zone":     {text: swap("    currency: EUR\n", "    currency: EUR\n    zone: Europe/Roma\n"), want: `gw.yaml:18: tariffs[0].zone: "Europe/Roma" is no time zone`},
		"no day":           {text: swap("    currency: EUR\n", "    currency: EUR\n    valid_from: 1.7.2026\n    zone: Europe/Rome\n"), want: `gw.yaml:18: tariffs[0].valid_from: "1.7.2026" is not a day`},
		"number twice":     {text: swap("services:\n", "services:\n  - {number: \"1001\", context: from-trunk}\n"), want: "gw.yaml:8: services[1]: 1001@from-trunk is listed twice"},
		"one name, two prices": {text: swap("services:\n", "services:\n  - {number: \"1002\", context: from-trunk, name: help}\n"),
			want: `gw.yaml:11: services[1].tariff: service "help" has another tariff above`},
	} {
		t.Run(name, func(t *testing.T) {
			env := c.env
			if env == nil {
				env = secrets
			}
			_, err := config.Parse("gw.yaml", []byte(c.text), env, config.AllSecrets, noFiles)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v\nwant %s", err, c.want)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("a secret stands in the error: %v", err)
			}
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "gw.yaml") && !strings.HasPrefix(line, "environment") {
					t.Errorf("a line without its file: %q", line)
				}
			}
		})
	}
}

func TestMissingFile(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), nil, config.NoSecrets)
	var p config.Problem
	if !errors.As(err, &p) || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
}

// Whatever the bytes: a configuration that can be used, or problems of one line each.
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
			t.Fatalf("accepted, but it makes no rules: %v\n%s", err, text)
		}
	})
}
