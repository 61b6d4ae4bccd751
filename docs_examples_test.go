package gateway_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// example is how a block of commands in a document is kept true: by a test that runs it, whose file
// names the document; or not at all, and why.
type example struct{ test, why string }

// shellLine is a line of a block that somebody is to type.
var shellLine = regexp.MustCompile(`^\s*(?:\$ )?((?:sudo |env |RISPOSTA_\S+ )?(?:risposta|gateway|make|docker|` +
	`docker-compose|apt|curl|grep|tar|systemctl|journalctl|asterisk|go|openssl|psql|chown|cp|scp|sqlite3|` +
	`jq|age|age-keygen|fuser|cat|mkdir|promtool|crontab|install|cd) .*)$`)

// shellBlocks are the blocks of a document with commands: the first command of each.
func shellBlocks(text string) (first []string) {
	lines, inProse := strings.Split(text, "\n"), prose(text)
	found := false // in the present block
	for i, line := range lines {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if inProse[i] != "" || line == "" && inProse[i] == line && !fence {
			found = found && line == ""
			continue
		}
		if fence {
			found = false
			continue
		}
		if m := shellLine.FindStringSubmatch(line); m != nil && !found {
			first, found = append(first, m[1]), true
		}
	}
	return first
}

// Every block of commands in the documents is run by a test, or the table says why none can.
func TestExamplesAreRunOrExplained(t *testing.T) {
	left := maps.Clone(examples)
	for path, text := range documents(t) {
		for _, command := range shellBlocks(text) {
			key := path + ": " + command
			e, ok := examples[key]
			if !ok {
				t.Errorf("%s is new: have a test run it, or say why none can, in examples", key)
				continue
			}
			delete(left, key)
			if e.test == "" {
				if e.why == "" {
					t.Errorf("%q has neither a test nor a reason", key)
				}
				continue
			}
			file, err := os.ReadFile(e.test)
			name := path[strings.LastIndex(path, "/")+1:]
			if err != nil || !strings.Contains(string(file), name) {
				t.Errorf("%q: %s does not name %s, %v", key, e.test, name, err)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		t.Errorf("no document has %q any more", key)
	}
}

// Where examples are run.
const (
	script     = "cmd/gateway/testdata/script/operations.txtar"
	logsScript = "cmd/gateway/testdata/script/logs.txtar"
	quickStart = "integration/packaged/quickstart_test.go"
	composed   = "integration/packaged/compose_test.go"
)

// Why examples are not run.
const (
	runsTests      = "it runs tests itself, or the demonstration, which `make test` holds"
	runningService = "it looks at a running service, its PBX or its journal; what it prints depends on them"
	otherProgram   = "it is about another program's files, which no test of ours has"
	companysData   = "it needs a company's own calls, lists or keys; the command has tests of its own"
)

// examples are the blocks of all documents, by document and first command.
var examples = func() map[string]example {
	all := map[string]example{}
	for e, keys := range map[example][]string{
		{why: runsTests}: {
			`CONTRIBUTING.md: go test -tags live -run TestLiveGatewayKilledMidTalk ./integration/`,
			`CONTRIBUTING.md: make demo      # one call through a real Asterisk`,
			`README.md: make demo    # one call through a real Asterisk: what its CDR bills, and what Risposta bills`,
			`docs/accessibility.md: go test -tags live -run TestLive ./internal/report ./internal/console ` +
				`./internal/gateway`,
			`docs/asterisk.md: go test -tags live -run NAME -record DIRECTORY ./integration/`,
		},
		{test: logsScript}: {`docs/logs.md: risposta logs explain pbx.sync_lost`},
		{test: script}: {
			`README.md: risposta replay --callers 'PJSIP/trunk*' --operators 'PJSIP/agent*' \`,
			`docs/operations.md: cp -a /root/move/etc/. /etc/risposta/`,
			`docs/operations.md: mkdir -p /var/backups/risposta`,
			`docs/operations.md: risposta backup --into /root/before-upgrade`,
			`docs/operations.md: risposta key rotate`,
			`docs/operations.md: systemctl stop risposta`,
		},
		{why: otherProgram}: {
			`docs/billing.md: age-keygen -o billing.key       # the department keeps it; the public key is in it`,
		},
		{why: companysData}: {
			`docs/billing.md: risposta explain pbx1-1795427174.114`,
			`docs/billing.md: risposta payers --numbers customers.txt      # or - for standard input`,
			`docs/delivery.md: risposta delivery list                 # each system, how far it is, and its dead letters`,
			`docs/exemption.md: risposta exempt init`,
			`docs/operations.md: risposta ledger copy --from /var/lib/risposta/ledger.db --to /etc/risposta/dsn`,
			`docs/operations.md: grep '"ledger.signed"' gateway.log | tail -n 1 > head`,
			`docs/page.md: risposta top --plain`,
			`docs/quality.md: risposta quality audit --period 2026 --cel Master.csv --queue-log queue_log`,
			`docs/quality.md: risposta report --period 2026-H1 --service help --language it >report.html`,
			`docs/quality.md: risposta report publish --period 2026 --company "Rossi S.p.A." >rossi.json`,
		},
		{why: runningService}: {
			`docs/cluster.md: systemctl enable --now risposta-tap risposta-proxy`,
			`docs/logs.md: journalctl -u risposta EVENT=record.written`,
			`docs/runbooks/README.md: cp deploy/prometheus/risposta.rules.yml /etc/prometheus/`,
			`docs/runbooks/answered-early.md: asterisk -rx "dialplan show from-trunk" | grep ` +
				`-iE "answer|playback|background|ivr"`,
			`docs/runbooks/answered-early.md: risposta records --since 2026-11-30 | grep answered_early | head -n 1`,
			`docs/runbooks/clock.md: journalctl -u chrony -u systemd-timesyncd --since -2h | grep -iE "step|set|jump"`,
			`docs/runbooks/delivery.md: journalctl -u risposta EVENT=delivery.failing -n 3`,
			`docs/runbooks/journal.md: journalctl -u risposta-tap EVENT=tap.journal_failed -n 3`,
			`docs/runbooks/proxy.md: systemctl status risposta-proxy`,
			`docs/runbooks/stream.md: journalctl -u risposta-tap EVENT=tap.publish_failed -n 3`,
			`docs/runbooks/tap.md: systemctl status risposta-tap`,
			`docs/runbooks/disk.md: journalctl -u risposta EVENT=ledger.commit_failed -n 3`,
			`docs/runbooks/down.md: systemctl status risposta`,
			`docs/runbooks/lookup.md: risposta check | grep -E "exemption"`,
			`docs/runbooks/signing.md: journalctl -u risposta EVENT=ledger.sign_failed -n 3`,
			`docs/runbooks/sync.md: curl -s http://127.0.0.1:9108/readyz`,
			`docs/runbooks/unseen.md: curl -s http://127.0.0.1:9108/metrics | grep ^risposta_pbx_gaps_total`,
			`docs/runbooks/unseen.md: risposta reconcile --cel /var/log/asterisk/cel-custom/cel.csv`,
			`docs/runbooks/waits.md: risposta report --period 2026 --format csv | grep answer_time_mean`,
			`docs/runbooks/waits.md: risposta top --plain`,
		},
		{test: quickStart}: {
			`docs/quickstart.md: cat /etc/risposta/ari-user.conf >>/etc/asterisk/ari.conf`,
			`docs/quickstart.md: risposta check || true`,
			`docs/quickstart.md: risposta records`,
			`docs/quickstart.md: risposta setup --pbx http://127.0.0.1:8088/ari --operators 'PJSIP/agent*' \`,
			`docs/quickstart.md: systemctl start risposta`,
		},
		{test: composed}: {
			`docs/quickstart.md: cd deploy/asterisk`,
		},
	} {
		for _, key := range keys {
			all[key] = e
		}
	}
	return all
}()
