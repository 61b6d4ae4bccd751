//go:build live

package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/judge"
	"github.com/risposta/gateway/integration/lab"
)

// pbxNode is the entityid of deploy/asterisk/etc/asterisk.conf.
const pbxNode = "02:00:00:00:00:01"

// What runs beside the PBX of a cluster.
const (
	tapConfig = `
pbx:
  - {name: live, url: "{{ari}}", username: risposta}
operators: ["PJSIP/op*"]
nats: {NATS, stream_bytes: 268435456}
tap: {folder: "{{dir}}/journal", journal_bytes: 67108864}
admin: {listen: "{{admin}}"}
`
	proxyConfig = `
pbx:
  - {name: live, url: "{{ari}}", username: risposta}
nats: {NATS}
admin: {listen: "{{admin}}"}
`
)

// clustered is a harness whose PBX has a tap and a proxy beside it. Its gateway is the first of the
// meters, which share a ledger in PostgreSQL.
type clustered struct {
	*harness
	nats       *lab.Secured
	tap, proxy *lab.Gateway
	meters     []*lab.Gateway
}

// natsOf is how a user's configuration reaches NATS.
func natsOf(n *lab.Secured, user string) string {
	return fmt.Sprintf(`urls: ["%s"], ca_file: %q, username: %s, replicas: %d`,
		strings.Join(n.URLs, `", "`), n.CA, user, len(n.URLs))
}

// as gives a part the password of its user, and has it trust the servers.
func (c *clustered) as(t *testing.T, p *lab.Gateway, user string) {
	t.Helper()
	password, err := c.nats.Password(user)
	if err != nil {
		t.Fatal(err)
	}
	p.Setenv("RISPOSTA_NATS_PASSWORD", password)
	p.Setenv("SSL_CERT_FILE", c.nats.CA) // for ari-proxy's client
}

// ofCluster is a gateway's configuration as a meter of a cluster has it.
func ofCluster(t *testing.T, config string, nats *lab.Secured) string {
	t.Helper()
	for old, with := range map[string]string{
		"pbx:\n  - {name: live, url: \"{{ari}}\", username: risposta}\n": fmt.Sprintf(
			"source: cluster\nnats: {%s}\n", natsOf(nats, "meter")),
		`ledger: {file: "{{dir}}/ledger.db"}`: `ledger: {key_file: "{{dir}}/key"}`,
	} {
		if !strings.Contains(config, old) {
			t.Fatalf("the configuration has no %q", old)
		}
		config = strings.Replace(config, old, with, 1)
	}
	if !strings.Contains(config, "\nexemption:") {
		config += "exemption: {csv: \"{{dir}}/exempt.csv\"}\n"
	}
	return config
}

// newClustered starts Asterisk, NATS, PostgreSQL, tap and proxy. The meters are configured but not
// started.
func newClustered(
	t *testing.T, config string, meters int, services []service, files map[string]string,
) *clustered {
	t.Helper()
	n := startSecured(t)
	config = ofCluster(t, config, n)
	c := &clustered{nats: n, harness: newHarnessWith(t, config, services, files)}
	pg, err := lab.StartPostgres(c.ctx, "fsync=on") // the ledger refuses any other
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	for i := range meters {
		c.addMeter(t, i, pg.DSN())
	}
	if out, code, err := c.gw.Command(c.ctx, "key", "rotate"); err != nil || code != 0 {
		t.Fatalf("making the key: exit %d, %v: %s", code, err, out)
	}
	t.Cleanup(func() { // each part has what it needs
		if strings.Contains(n.Log(), "Permissions Violation") || t.Failed() {
			t.Errorf("what NATS logged:\n%s", n.Log())
		}
	})
	c.tap = c.beside(t, "tap", lab.NewTap, tapConfig)
	c.proxy = c.beside(t, "proxy", lab.NewProxy, proxyConfig)
	return c
}

// addMeter configures another meter, the first one being the harness's gateway.
func (c *clustered) addMeter(t *testing.T, i int, dsn string) {
	t.Helper()
	meter := c.gw
	if i > 0 {
		text, err := os.ReadFile(c.gw.Config)
		dir := filepath.Join(c.dir, fmt.Sprintf("meter%d", i+1))
		if err == nil {
			err = os.Mkdir(dir, 0o700)
		}
		if err == nil {
			config := strings.Replace(string(text), c.gw.Admin, "{{admin}}", 1)
			meter, err = lab.NewGateway(gatewayBinary, dir, "", config)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	c.as(t, meter, "meter")
	meter.Setenv("RISPOSTA_METER_NAME", fmt.Sprintf("meter%d", i+1))
	meter.Setenv("RISPOSTA_LEDGER_POSTGRES_DSN", dsn)
	c.meters = append(c.meters, meter)
}

// beside starts what runs beside the PBX, and ends it at the end of the test.
func (c *clustered) beside(
	t *testing.T, name string,
	create func(binary, dir, ariURL, config string) (*lab.Gateway, error), config string,
) *lab.Gateway {
	t.Helper()
	dir := filepath.Join(c.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	user := name + "1"
	p, err := create(gatewayBinary, dir, c.pbx.URL(),
		strings.ReplaceAll(config, "NATS", natsOf(c.nats, user)))
	if err != nil {
		t.Fatal(err)
	}
	c.as(t, p, user)
	c.startPart(t, p)
	t.Cleanup(func() {
		if code, err := p.Terminate(c.ctx); err != nil || code != 0 {
			t.Errorf("the %s ended with %d, %v; want 0 after SIGTERM\n%s", name, code, err, p.Log())
		}
		if t.Failed() {
			t.Logf("the %s's log:\n%s", name, p.Log())
		}
	})
	return p
}

func (c *clustered) startPart(t *testing.T, p *lab.Gateway) {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if err := p.WaitReady(c.ctx, time.Minute); err != nil {
		t.Fatal(err)
	}
}

// startMeters starts all meters, and waits until the PBX is metered. It returns who meters it.
func (c *clustered) startMeters(t *testing.T) (metering int) {
	t.Helper()
	for _, m := range c.meters {
		if err := m.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if code, err := m.Terminate(c.ctx); err != nil || code > 0 { // -1: the test has killed it
				t.Errorf("a meter ended with %d, %v; want 0 after SIGTERM\n%s", code, err, m.Log())
			}
			if t.Failed() {
				t.Logf("a meter's log:\n%s", m.Log())
			}
		})
	}
	err := lab.Until(c.ctx, time.Minute, "the PBX to be metered", func() error {
		for i, m := range c.meters {
			if strings.Contains(m.Log(), `"event":"pbx.synced"`) {
				metering = i
				return nil
			}
		}
		return errors.New("no meter has it")
	})
	if err != nil {
		t.Fatal(err)
	}
	return metering
}

// takeoverWithin is how long the talk may go on unseen by any meter: a lease of 3 s, and the time to
// find that it has ended.
const takeoverWithin = 5 * time.Second

// A meter is killed while a caller talks, and another goes on: nothing of the call is unseen, and its
// talk is that of Asterisk's own log.
func TestLiveTakeoverInMidTalk(t *testing.T) {
	t.Parallel()
	services := []service{servedBy("op1", "talking", queued)}
	c := newClustered(t, gatewayConfig, 2, services, nil)
	first := c.startMeters(t)
	c.gw = c.meters[first]
	c.operator(t, "op1", lab.Called(half).WaitBye())
	caller := c.caller(t, 0, lab.Calls().Pause(12*second).Bye())
	c.logged(t, "talk.started", 1)
	if err := c.gw.Kill(c.ctx); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	c.gw = c.meters[1-first]
	c.logged(t, "calls.resumed", 1)
	took := time.Since(killed)
	t.Logf("%s after the kill another meter went on", took)
	if took > takeoverWithin {
		t.Errorf("the takeover took %s, want %s at most", took, takeoverWithin)
	}
	c.finish(t, caller)
	rec := c.record(t, "talking")
	truth := judge.Sum(c.truth(t, 0))
	talk := time.Duration(rec.TalkMs) * time.Millisecond
	t.Logf("talk %s, by the CEL %s", talk, truth)
	if rec.UnseenMs != 0 || len(rec.Reasons) != 1 || rec.Reasons[0] != "talk" {
		t.Errorf("unseen %d ms, %v; want nothing unseen", rec.UnseenMs, rec.Reasons)
	}
	if (talk - truth).Abs() > takeoverTolerance {
		t.Errorf("talk %s, the CEL has %s", talk, truth)
	}
	c.wantVerified(t, "")
}

// takeoverTolerance is how far the events' time and that of the CEL may differ.
const takeoverTolerance = 20 * time.Millisecond
