//go:build live

package integration

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// gatewayBinary is built once, with the race detector: a data race ends the gateway with status 66.
var gatewayBinary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "risposta-live-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		gatewayBinary = filepath.Join(dir, "gateway")
		build := exec.Command("go", "build", "-race", "-o", gatewayBinary, "../cmd/gateway")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the gateway: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// liveTimeout is the limit of one live test.
const liveTimeout = 5 * time.Minute

// harness is one Asterisk and a gateway beside it.
type harness struct {
	ctx   context.Context
	dir   string
	pbx   *lab.Asterisk
	gw    *lab.Gateway
	ports map[string]int // of the operators' phones
	files map[string]string
}

// service is one metered number: its dialplan, its queues and its operators.
type service struct {
	name     string
	dialplan string   // the extension's applications, separated by "; "
	queues   string   // queues.conf
	agents   []string // names of endpoints; each gets a port, unless they share a phone
	onePhone bool     // all agents are at the first one's port
	measured string   // more keys of the service in the gateway's configuration, ", " before each
}

// newHarness starts an Asterisk with these services. The gateway is configured but not started.
func newHarness(t *testing.T, services []service, files map[string]string) *harness {
	t.Helper()
	return newHarnessWith(t, gatewayConfig, services, files)
}

// newHarnessWith is newHarness with another configuration, and options for `docker run`.
func newHarnessWith(
	t *testing.T, config string, services []service, files map[string]string, options ...string,
) *harness {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), liveTimeout)
	t.Cleanup(cancel)
	h := &harness{ctx: ctx, dir: t.TempDir(), ports: map[string]int{}, files: map[string]string{}}
	maps.Copy(h.files, files)
	yaml := h.addServices(t, services)
	exempt := filepath.Join(h.dir, "exempt.csv")
	err := os.WriteFile(exempt, []byte("number,from,until,ref\ntotal,0,,\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if h.pbx, err = lab.StartAsterisk(
		ctx, filepath.Join(h.dir, "etc"), h.files, options...,
	); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.stopPBX(t) })
	h.gw, err = lab.NewGateway(gatewayBinary, h.dir, h.pbx.URL(), config+"services:\n"+yaml)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// addServices adds Asterisk's files of the services, and returns their part of the configuration.
func (h *harness) addServices(t *testing.T, services []service) (yaml string) {
	t.Helper()
	var pjsip, queues, extensions, config strings.Builder
	extensions.WriteString("[from-trunk](+)\n")
	for i, s := range services {
		number := numberOf(i)
		for p, app := range strings.Split(s.dialplan, "; ") {
			app = strings.ReplaceAll(app, "{next}", numberOf(i+1))
			fmt.Fprintf(&extensions, "exten => %s,%d,%s\n", number, p+1, app)
		}
		queues.WriteString(s.queues + "\n")
		for n, a := range s.agents {
			port, err := lab.FreePort("udp")
			if err != nil {
				t.Fatal(err)
			}
			if s.onePhone && n > 0 {
				port = h.ports[s.agents[0]]
			}
			h.ports[a] = port
			fmt.Fprintf(&pjsip, "[%[1]s](operator)\ndtmf_mode = info\naors = %[1]s\n"+
				"[%[1]s]\ntype = aor\ncontact = sip:%[1]s@127.0.0.1:%[2]d\n", a, port)
		}
		fmt.Fprintf(&config, "  - {number: %q, context: from-trunk, name: %s, tariff: standard, "+
			"did: \"+390612340000\"%s}\n", number, s.name, s.measured)
	}
	h.files["pjsip.d/live.conf"] = pjsip.String()
	h.files["queues.d/live.conf"] = queues.String()
	h.files["extensions.d/live.conf"] = extensions.String() + transferTargets
	return config.String()
}

// stopPBX stops Asterisk at the end of the test, and logs the CEL if the test has failed.
func (h *harness) stopPBX(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(h.ctx)
	if t.Failed() {
		cel, _ := h.pbx.Log(ctx, "cel-custom/cel.csv")
		t.Logf("the CEL:\n%s", cel)
	}
	err := h.pbx.Stop(ctx)
	if err != nil && !strings.Contains(err.Error(), "No such container") {
		t.Error(err)
	}
}

// queued is the dialplan of a service whose callers wait in its queue.
const queued = "Progress(); Queue({queue})"

// servedBy is a service with a queue of the same name, in which one operator answers. In the
// dialplan {queue} stands for the queue.
func servedBy(operator, name, dialplan string) service {
	return service{
		name: name, dialplan: strings.ReplaceAll(dialplan, "{queue}", name),
		agents: []string{operator}, queues: queue(name, "", "PJSIP/"+operator),
	}
}

// numberOf is the dialled number of the i-th service.
func numberOf(i int) string { return fmt.Sprint(2001 + i) }

// callerOf is the number that calls the i-th service.
func callerOf(i int) string { return fmt.Sprintf("+39061234%04d", i) }

// transferTargets lets the operators of the live tests transfer to any service's number.
const transferTargets = `
[agents](+)
exten => _20XX,1,Goto(from-trunk,${EXTEN},1)
`

const gatewayConfig = `
pbx:
  - {name: live, url: "{{ari}}", username: risposta}
operators: ["PJSIP/op*"]
tariffs:
  - {name: standard, per_minute: "0.96", increment: 1s, currency: EUR}
law: {policy: it}
extensions: ["3??", "900", "901", "8???", "850", "7??"]
callers: {country_code: "39"}
exemption: {csv: "{{dir}}/exempt.csv"}
ledger: {file: "{{dir}}/ledger.db"}
admin: {listen: "{{admin}}"}
`

// start starts the gateway and waits until it meters calls. At the end of the test it must exit
// with 0.
func (h *harness) start(t *testing.T) {
	t.Helper()
	if err := h.gw.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.stop(t) })
	h.ready(t)
}

// startAgain is start for a gateway that the test has started before.
func (h *harness) startAgain(t *testing.T) {
	t.Helper()
	if err := h.gw.Start(); err != nil {
		t.Fatal(err)
	}
	h.ready(t)
}

func (h *harness) ready(t *testing.T) {
	t.Helper()
	if err := h.gw.WaitReady(h.ctx, time.Minute); err != nil {
		t.Fatal(err)
	}
}

func (h *harness) stop(t *testing.T) {
	t.Helper()
	if code, err := h.gw.Terminate(h.ctx); err != nil || code != 0 {
		t.Errorf("the gateway ended with %d, %v; want 0 after SIGTERM\n%s", code, err, h.gw.Log())
	}
	if t.Failed() {
		t.Logf("the gateway's log:\n%s", h.gw.Log())
	}
}

// operator starts an operator's phone.
func (h *harness) operator(t *testing.T, phone string, s *lab.Script) *lab.Party {
	t.Helper()
	p, err := lab.StartOperator(h.ctx, t.TempDir(), lab.Plan{
		Script: s, Port: h.ports[phone], Server: h.pbx.SIPPort,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// dials starts a phone that calls a number.
func (h *harness) dials(t *testing.T, caller, number string, s *lab.Script) *lab.Party {
	t.Helper()
	port, err := lab.FreePort("udp")
	if err != nil {
		t.Fatal(err)
	}
	p, err := lab.StartParty(t.TempDir(), lab.Plan{
		Script: s, Port: port, Server: h.pbx.SIPPort, Number: number, Caller: caller,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// caller starts a caller of the i-th service.
func (h *harness) caller(t *testing.T, i int, s *lab.Script) *lab.Party {
	t.Helper()
	return h.dials(t, callerOf(i), numberOf(i), s)
}
