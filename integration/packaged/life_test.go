//go:build live

package packaged

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// install installs a package file of this machine as apt does.
func (c container) install(file string) {
	c.t.Helper()
	c.copyIn(file, "/root/risposta.deb")
	c.run("apt-get install -y --no-install-recommends /root/risposta.deb")
}

// A package lives on Debian 12 beside a PBX: installed, configured, started, reloaded, killed, hung,
// upgraded with an open call, removed with the ledger kept, purged.
func TestPackagedLife(t *testing.T) {
	c := bootPBX(t)
	first := deb(t, "1.0.0")
	c.install(first)
	t.Run("installed", func(t *testing.T) {
		c := container{t, c.name}
		wantOutput(t, c, "systemctl is-enabled risposta", "enabled")
		wantOutput(t, c, "systemctl is-active risposta || true", "inactive")
		for _, unit := range []string{"risposta-tap", "risposta-proxy"} { // for who has a cluster
			wantOutput(t, c, "systemctl is-enabled "+unit+" || true", "disabled")
		}
		wantOutput(t, c, "stat -c '%U:%G %a' /etc/risposta", "root:risposta 750")
		wantOutput(t, c, "risposta version", "1.0.0")
		wantOutput(t, c, "gzip -dc /usr/share/man/man1/risposta.1.gz | head -2 | tail -1", ".TH RISPOSTA 1")
		wantOutput(t, c, "bash -c '. /usr/share/bash-completion/completions/risposta; "+
			"COMP_WORDS=(risposta exempt ad); COMP_CWORD=2; _risposta; echo ${COMPREPLY[@]}'", "add")
	})
	c.run("risposta setup --pbx http://127.0.0.1:8088/ari --operators 'PJSIP/agent*' " +
		"--callers 'PJSIP/trunk*' --service 1001 --context from-trunk --law it --country 39 " +
		"--price 0.96 --did +390612345678")
	c.run("cp /etc/risposta/ari-user.conf /root/")
	c.run(namesAndARI)
	c.run("systemctl start risposta")
	c.untilLogged("pbx.synced", 1)
	t.Run("misconfigured", func(t *testing.T) { misconfigured(t, container{t, c.name}) })
	t.Run("hardened", func(t *testing.T) { hardened(t, container{t, c.name}) })
	t.Run("reloaded", func(t *testing.T) { reloaded(t, container{t, c.name}) })
	t.Run("killed", func(t *testing.T) { killed(t, container{t, c.name}) })
	t.Run("upgraded", func(t *testing.T) { upgraded(t, container{t, c.name}) })
	t.Run("removed", func(t *testing.T) { removed(t, container{t, c.name}, first) })
}

func wantOutput(t *testing.T, c container, script, want string) {
	t.Helper()
	if got := strings.TrimSpace(c.run(script)); got != want {
		t.Errorf("%s: %q, want %q", script, got, want)
	}
}

// maxExposure is what `systemd-analyze security` may give the service, of 10.
const maxExposure = 2.0

var exposure = regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`)

func hardened(t *testing.T, c container) {
	for _, unit := range []string{"risposta", "risposta-tap", "risposta-proxy"} {
		m := exposure.FindStringSubmatch(
			c.run("systemd-analyze security --no-pager " + unit + ".service"))
		if m == nil {
			t.Fatalf("systemd-analyze security names no level of %s", unit)
		}
		t.Logf("systemd-analyze security %s: %s", unit, m[1])
		if level, err := strconv.ParseFloat(m[1], 64); err != nil || level > maxExposure {
			t.Errorf("%s: %s is more than %.1f", unit, m[1], maxExposure)
		}
	}
}

func reloaded(t *testing.T, c container) {
	pid := c.run("systemctl show -P MainPID risposta")
	c.run(`sed -i 's/per_minute: .*/per_minute: "0.60x"/' /etc/risposta/gateway.yaml
systemctl reload risposta`)
	c.untilLogged("config.refused", 1)
	c.run(`sed -i 's/per_minute: .*/per_minute: "0.90"/' /etc/risposta/gateway.yaml
systemctl reload risposta`)
	c.untilLogged("config.reloaded", 1)
	wantOutput(t, c, "systemctl show -P MainPID risposta", strings.TrimSpace(pid))
	wantOutput(t, c, "systemctl is-active risposta", "active")
}

// killed kills it more often than systemd's own limit allows, and makes it hang.
func killed(t *testing.T, c container) {
	const kills = 8
	for range kills {
		before := c.run("systemctl show -P NRestarts risposta")
		c.run("systemctl kill -s KILL risposta")
		c.until("a new start", func() bool {
			_, now := c.try("systemctl show -P NRestarts risposta")
			active, _ := c.try("systemctl is-active risposta")
			return now != before && active
		})
	}
	c.run("mkdir -p /run/systemd/system/risposta.service.d; " +
		"printf '[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\n' >/run/systemd/system/risposta.service.d/fast.conf; " +
		"systemctl daemon-reload; systemctl restart risposta")
	before := c.run("systemctl show -P NRestarts risposta")
	c.run("systemctl kill -s STOP risposta")
	c.until("the watchdog to end a process that hangs", func() bool {
		_, now := c.try("systemctl show -P NRestarts risposta")
		return now != before
	})
	c.run("rm -r /run/systemd/system/risposta.service.d; systemctl daemon-reload; " +
		"systemctl restart risposta")
}

// upgraded installs the next version in the middle of a talk.
func upgraded(t *testing.T, c container) {
	synced := strings.Count(c.journal(), "pbx.synced")
	next := deb(t, "1.0.1")
	c.untilLogged("pbx.synced", synced)
	c.call(25)
	c.untilLogged("talk.started", 1)
	c.install(next)
	c.untilLogged("calls.restored", 1)
	c.untilLogged("record.written", 1)
	wantFields(t, c)
	wantOutput(t, c, "risposta version", "1.0.1")
	var rec struct {
		TalkMs   int64 `json:"talk_ms"`
		UnseenMs int64 `json:"unseen_ms"`
	}
	if err := json.Unmarshal([]byte(c.run("risposta records")), &rec); err != nil {
		t.Fatal(err)
	}
	t.Logf("of 25 s of talk the upgrade left %d ms, and %d ms unseen", rec.TalkMs, rec.UnseenMs)
	// Never more than the phones talked; and both sides of the gap are there.
	if sum := rec.TalkMs + rec.UnseenMs; rec.TalkMs < 3000 || sum < 23_000 || rec.TalkMs > 25_500 {
		t.Errorf("talk %d ms, unseen %d ms of a talk of 25 s", rec.TalkMs, rec.UnseenMs)
	}
	c.run("risposta verify")
}

func removed(t *testing.T, c container, deb string) {
	c.run("apt-get remove -y risposta")
	c.run("test -s /var/lib/risposta/ledger.db && test -s /etc/risposta/gateway.yaml")
	if ok, _ := c.try("test -e /lib/systemd/system/risposta.service || systemctl is-active risposta"); ok {
		t.Error("the service is still there")
	}
	synced := strings.Count(c.journal(), "pbx.synced")
	c.install(deb)
	c.untilLogged("pbx.synced", synced+1)
	if n := strings.Count(c.run("risposta records"), "\n"); n != 1 {
		t.Errorf("after another installation there are %d records, want the 1 from before", n)
	}
	c.run("apt-get purge -y risposta")
	for _, path := range []string{"/etc/risposta", "/var/lib/risposta", "/usr/bin/risposta"} {
		if ok, _ := c.try("test -e " + path); ok {
			t.Errorf("after the purge %s is there", path)
		}
	}
}

// lintian finds nothing in the package.
func TestPackagedIsLintianClean(t *testing.T) {
	out, err := exec.Command("lintian", "--fail-on", "error,warning", "--allow-root",
		deb(t, "1.0.0")).CombinedOutput()
	t.Logf("lintian: %s", out)
	if err != nil {
		t.Errorf("lintian: %v", err)
	}
}
