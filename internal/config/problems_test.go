package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/risposta/gateway/internal/config"
)

// problem is a configuration that does not load. The text is the good configuration with replace in
// place of old, and add at its end, or text alone.
type problem struct {
	old, replace, add, text string
	env                     []string // in place of secrets
	want                    string   // part of the error
}

// check holds that each problem is one line with its file, and that no error holds a secret.
func (p problem) check(t *testing.T) {
	t.Helper()
	text, env := p.text, p.env
	if p.old != "" || p.add != "" {
		text = swap(t, p.old, p.replace) + p.add
	}
	if env == nil {
		env = secrets
	}
	_, err := config.Parse("gw.yaml", []byte(text), env, config.AllSecrets, noFiles)
	if err == nil || !strings.Contains(err.Error(), p.want) {
		t.Fatalf("got %v\nwant %s", err, p.want)
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a secret is in the error: %v", err)
	}
	for line := range strings.Lines(err.Error()) {
		if !strings.HasPrefix(line, "gw.yaml") && !strings.HasPrefix(line, "environment") {
			t.Errorf("a line without its file: %q", line)
		}
	}
}

func checkAll(t *testing.T, problems map[string]problem) {
	t.Helper()
	for name, p := range problems {
		t.Run(name, p.check)
	}
}

func TestProblemsOfTheLedger(t *testing.T) {
	checkAll(t, map[string]problem{
		"commits too close": {
			old: "ledger:\n", replace: "ledger:\n  commit_every: 1ms\n",
			want: "ledger.commit_every: 1ms is not from 10ms to 1s",
		},
		"a file and PostgreSQL": {
			old: "ledger:\n", replace: "ledger:\n  postgres: {dsn_file: dsn}\n",
			want: "ledger.postgres: there is ledger.file, too: give one of them",
		},
		"PostgreSQL without a key": {
			old: "  file: /var/lib/risposta/ledger.db\n", replace: "  postgres: {dsn_file: dsn}\n",
			want: "ledger.key_file: missing: the key that signs the ledger log",
		},
		"PostgreSQL without a lookup": {
			old:     "  file: /var/lib/risposta/ledger.db\n",
			replace: "  postgres: {dsn_file: dsn}\n  key_file: ledger.key\n",
			want:    "exemption.registry: missing: the file of the register of exempt callers",
		},
		"neither a file nor PostgreSQL": {
			old: "  file: /var/lib/risposta/ledger.db\n", replace: "  sign_every: 1h\n",
			want: "ledger.file: missing",
		},
		"a file and PostgreSQL from the environment": {
			old: "ledger:\n", replace: "ledger:\n",
			env:  append([]string{"RISPOSTA_LEDGER_POSTGRES_DSN=s3cret"}, secrets...),
			want: "ledger.postgres: there is ledger.file, too: give one of them",
		},
		"commits too rare": {
			old: "ledger:\n", replace: "ledger:\n  commit_every: 2s\n",
			want: "ledger.commit_every: 2s is not from 10ms to 1s",
		},
	})
}

func TestProblemsOfTheFile(t *testing.T) {
	checkAll(t, map[string]problem{
		"unknown key": {
			old: "    tariff: standard", replace: "    tarif: standard",
			want: "gw.yaml:10: services[0].tarif: unknown key; known here: name, number",
		},
		"unknown key at the top": {add: "colour: blue\n", want: "gw.yaml:21: colour: unknown key"},
		"key twice":              {add: "ledger: {file: x}\n", want: "gw.yaml:21: ledger: given twice"},
		"not YAML": {
			text: "pbx: [", want: "gw.yaml: line 1: did not find expected node content",
		},
		"empty":         {text: "", want: "gw.yaml: the configuration is empty"},
		"a list":        {text: "- a\n", want: "gw.yaml:1: must hold keys"},
		"two documents": {add: "---\na: 1\n", want: "more than one YAML document"},
		"alias": {
			old: `["PJSIP/agent*"]`, replace: "&a [x]", want: "gw.yaml:5: operators: anchors",
		},
		"neither true nor false": {
			old: `    did: "+390612345678"`, replace: "    after_sales: maybe",
			want: `services[0].after_sales: "maybe" is neither true nor false`,
		},
		"not a duration": {
			old: "increment: 1s", replace: "increment: soon",
			want: `gw.yaml:16: tariffs[0].increment: "soon" is not a duration`,
		},
	})
}

func TestProblemsOfTheEnvironment(t *testing.T) {
	with := func(variable string) []string { return append([]string{variable}, secrets...) }
	checkAll(t, map[string]problem{
		"unknown variable": {
			text: good, env: with("RISPOSTA_LEDGR_FILE=x"),
			want: "environment: RISPOSTA_LEDGR_FILE: unknown variable",
		},
		"not a duration": {
			text: good, env: with("RISPOSTA_EXEMPTION_TIMEOUT=soon"),
			want: "environment: RISPOSTA_EXEMPTION_TIMEOUT",
		},
	})
}

func TestProblemsOfSecrets(t *testing.T) {
	const user = "    username: risposta\n"
	checkAll(t, map[string]problem{
		"password in YAML": {
			old: user, replace: user + "    password: s3cret-text\n",
			want: "gw.yaml:5: pbx[0].password: a secret does not belong in this file",
		},
		"password unreadable": {
			old: user, replace: user + "    password_file: /nowhere\n", env: secrets[1:],
			want: "gw.yaml:5: pbx[0].password_file: can't be read",
		},
		"no password": {
			text: good, env: secrets[1:],
			want: "gw.yaml:2: pbx[0].password: missing: set RISPOSTA_PBX_0_PASSWORD",
		},
		"no key": {
			text: good, env: secrets[:1],
			want: "gw.yaml: callers.key: missing: set RISPOSTA_CALLERS_KEY",
		},
		"short key": {
			text: good, env: []string{secrets[0], "RISPOSTA_CALLERS_KEY=short"},
			want: "gw.yaml: callers.key: key 1 is not 64 hexadecimal digits",
		},
		"connection string in YAML": {
			add:  "exemption: {sql: {dsn: \"password=s3cret-text\", query: q}}\n",
			want: "gw.yaml:21: exemption.sql.dsn: a secret does not belong in this file",
		},
		"no connection string": {
			add:  "exemption: {sql: {query: q}}\n",
			want: "exemption.sql.dsn: missing: set RISPOSTA_EXEMPTION_SQL_DSN",
		},
	})
}

func TestProblemsOfThePBX(t *testing.T) {
	checkAll(t, map[string]problem{
		"no operators": {
			old: "operators: [\"PJSIP/agent*\"]\n", want: "gw.yaml: operators: missing",
		},
		"not a pattern": {
			old: `"PJSIP/agent*"`, replace: `"PJSIP/[agent"`,
			want: `gw.yaml:5: operators[0]: "PJSIP/[agent" is not a pattern`,
		},
		"ISDN without its second slash": {
			old: `"PJSIP/agent*"`, replace: `"DAHDI/*", "DAHDI/i1*"`,
			want: "gw.yaml:5: operators[0]: \"DAHDI/*\" matches no channel: ISDN channels are DAHDI/i1/NUMBER, " +
				"and * does not match a slash: write DAHDI/i*/*, or DAHDI/[0-9]* for analog lines, DAHDI/1\n" +
				"gw.yaml:5: operators[1]: \"DAHDI/i1*\" matches no channel",
		},
		"a caller of ISDN": {
			old: `"PJSIP/trunk*"`, replace: `"DAHDI/*"`,
			want: `gw.yaml:11: services[0].callers[0]: "DAHDI/*" matches no channel`,
		},
		"a Local operator": {
			old: `"PJSIP/agent*"`, replace: `"Local/100@agents"`,
			want: `gw.yaml:5: operators[0]: "Local/100@agents" matches no channel: a Local channel is nobody's`,
		},
		"chan_sip": {
			old: `"PJSIP/agent*"`, replace: `"SIP/agent*"`,
			want: `operators[0]: "SIP/agent*" matches no channel: Asterisk 22 has no chan_sip`,
		},
		"no such technology": {
			old: `"PJSIP/agent*"`, replace: `"pjsip/agent*"`,
			want: `operators[0]: "pjsip/agent*" matches no channel: Asterisk 22 has no technology pjsip`,
		},
		"no slash": {
			old: `"PJSIP/agent*"`, replace: `"agent*"`,
			want: `operators[0]: "agent*" matches no channel: write a technology, a slash and a name`,
		},
		"a slash too many": {
			old: `"PJSIP/agent*"`, replace: `"PJSIP/100/*"`,
			want: `operators[0]: "PJSIP/100/*" matches no channel: only the names of ISDN channels`,
		},
		"no PBX": {
			text: good[strings.Index(good, "operators:"):], env: secrets[1:],
			want: "gw.yaml: pbx: missing",
		},
		"not a url": {
			old: "http://127.0.0.1:8088/ari", replace: "127.0.0.1:8088", want: "gw.yaml:3: pbx[0].url",
		},
		"password in the url": {
			old: "http://127", replace: "http://u:p@127",
			want: "gw.yaml:3: pbx[0].url: holds a user or a password",
		},
		"admin port on the network": {
			add:  "admin: {listen: \"0.0.0.0:9108\"}\n",
			want: "gw.yaml:21: admin.listen: \"0.0.0.0:9108\" is not on loopback: give cert_file, key_file and",
		},
		"admin port on the network without a password": {
			add:  "admin: {listen: \"0.0.0.0:9108\", cert_file: a, key_file: b}\n",
			want: "gw.yaml:21: admin.password: missing: set RISPOSTA_ADMIN_PASSWORD",
		},
		"admin port on every address without a certificate": {
			add: "admin: {listen: \":9108\", password_file: a}\n", want: "gw.yaml:21: admin.listen: \":9108\" is not",
		},
		"admin port with half a certificate": {
			add:  "admin: {cert_file: a}\n",
			want: "gw.yaml:21: admin.cert_file: give both cert_file and key_file, or neither",
		},
		"admin password that can't be read": {
			add: "admin: {password_file: nowhere}\n", want: "gw.yaml:21: admin.password_file: can't be read",
		},
		"admin password in the file": {
			add: "admin: {password: s3cret}\n", want: "gw.yaml:21: admin.password: a secret does not belong",
		},
		"log format": {add: "log: {format: xml}\n", want: "gw.yaml:21: log.format"},
		"log level":  {add: "log: {level: loud}\n", want: "gw.yaml:21: log.level"},
	})
}

func TestProblemsOfExemptionLookups(t *testing.T) {
	checkAll(t, map[string]problem{
		"no query": {
			add: "exemption: {sql: {dsn_file: x}}\n", want: "exemption.sql.query: missing",
		},
		"numbers unencrypted": {
			add: "exemption: {http: {url: \"http://registry.example/x\"}}\n",
			want: "gw.yaml:21: exemption.http.url: \"http://registry.example/x\" sends callers' numbers " +
				"over the network unencrypted",
		},
		"give_up_after": {
			add: "exemption: {give_up_after: 1s}\n", want: "gw.yaml:21: exemption.give_up_after",
		},
		"cache": {add: "exemption: {cache: 2h}\n", want: "gw.yaml:21: exemption.cache"},
		"zone": {
			add:  "exemption: {zone: Mars}\n",
			want: `gw.yaml:21: exemption.zone: "Mars" is not a time zone`,
		},
		"timeout": {add: "exemption: {timeout: 2h}\n", want: "gw.yaml:21: exemption.timeout"},
	})
}

func TestSecondPlacesOfHeads(t *testing.T) {
	for place, want := range map[string]string{
		"{to: file:/mnt/heads}":                              "",
		"{to: syslog+tls://c.example:6514, ca_file: ca.pem}": "",
		"{to: http://127.0.0.1:8080/heads}":                  "",
		"{to: file:/mnt/a}, {to: file:/mnt/a}":               "ledger.heads[1].to: file:/mnt/a is listed twice",
		"{to: http://c.example/heads}":                       "ledger.heads[0].to: sends the token over the network",
		"{to: https://anna:s3cret@c.example/}":               "ledger.heads[0].to: holds a user or a password",
		"{to: /mnt/s3cret}":                                  "ledger.heads[0].to: is not an address such as",
		"{to: file:/mnt/a, ca_file: ca.pem}":                 "ledger.heads[0].ca_file: is for an https or syslog+tls",
		"{to: file:/mnt/a, token_file: t}":                   "ledger.heads[0].token_file: is for an https address only",
		"{ca_file: ca.pem}":                                  "ledger.heads[0].to: is not an address such as",
	} {
		text := swap(t, "ledger:\n", "ledger:\n  heads: ["+place+"]\n")
		_, err := config.Parse("gw.yaml", []byte(text), secrets, config.AllSecrets, noFiles)
		got := fmt.Sprint(err)
		if (err != nil) != (want != "") || !strings.Contains(got, want) || strings.Contains(got, "s3cret") {
			t.Errorf("%s: %v; want %q", place, err, want)
		}
	}
}
