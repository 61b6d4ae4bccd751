//go:build live

package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// gatewayBinary is built once, with the race detector on: a race in the running gateway ends it with status 66.
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

// liveTimeout bounds a whole live test.
const liveTimeout = 3 * time.Minute

// rig is one Asterisk and a gateway beside it.
type rig struct {
	ctx   context.Context
	dir   string
	pbx   *lab.Asterisk
	gw    *lab.Gateway
	ports map[string]int // of the operators' phones
	files map[string]string
}

// service is one metered number: what its dialplan does, and who serves it.
type service struct {
	name     string
	dialplan string   // lines of the extension, "; "-separated applications
	queues   string   // queues.conf
	agents   []string // endpoints' names; each gets a port
}

// newRig starts an Asterisk with these services. The gateway is made but not started.
func newRig(t *testing.T, services []service, files map[string]string) *rig {
	t.Helper()
	return newRigUnder(t, gatewayConfig, services, files)
}

// newRigUnder is newRig with a configuration of the test's own.
func newRigUnder(t *testing.T, config string, services []service, files map[string]string) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), liveTimeout)
	t.Cleanup(cancel)
	r := &rig{ctx: ctx, dir: t.TempDir(), ports: map[string]int{}}
	overlay := map[string]string{}
	for name, text := range files {
		overlay[name] = text
	}
	var pjsip, queues, extensions, yaml strings.Builder
	extensions.WriteString("[from-trunk](+)\n")
	for i, s := range services {
		number := numberOf(i)
		for p, app := range strings.Split(s.dialplan, "; ") {
			app = strings.ReplaceAll(app, "{next}", numberOf(i+1))
			fmt.Fprintf(&extensions, "exten => %s,%d,%s\n", number, p+1, app)
		}
		queues.WriteString(s.queues + "\n")
		for _, a := range s.agents {
			port, err := lab.FreePort("udp")
			if err != nil {
				t.Fatal(err)
			}
			r.ports[a] = port
			fmt.Fprintf(&pjsip, "[%s](operator)\ndtmf_mode = info\naors = %s\n[%s]\ntype = aor\ncontact = sip:%s@127.0.0.1:%d\n", a, a, a, a, port)
		}
		fmt.Fprintf(&yaml, "  - {number: %q, context: from-trunk, name: %s, tariff: standard, did: \"+390612340000\"}\n", number, s.name)
	}
	overlay["pjsip.d/live.conf"] = pjsip.String()
	overlay["queues.d/live.conf"] = queues.String()
	overlay["extensions.d/live.conf"] = extensions.String() + transferTargets
	r.files = overlay
	var err error
	if err := os.WriteFile(filepath.Join(r.dir, "exempt.csv"), []byte("number,from,until,ref\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r.pbx, err = lab.StartAsterisk(ctx, filepath.Join(r.dir, "etc"), overlay); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			cel, _ := r.pbx.Log(context.WithoutCancel(ctx), "cel-custom/cel.csv")
			t.Logf("the CEL:\n%s", cel)
		}
		if err := r.pbx.Stop(context.WithoutCancel(ctx)); err != nil && !strings.Contains(err.Error(), "No such container") {
			t.Error(err)
		}
	})
	r.gw, err = lab.NewGateway(gatewayBinary, r.dir, r.pbx.URL(), config+"services:\n"+yaml.String())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// numberOf is the dialled number of the i-th service.
func numberOf(i int) string { return fmt.Sprint(2001 + i) }

// callerOf is the number that calls the i-th service.
func callerOf(i int) string { return fmt.Sprintf("+39061234%04d", i) }

// transferTargets is where the operators of the live tests may transfer to: any service's number.
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

// start starts the gateway and waits until it meters. At the end of the test it must drain and exit with 0.
func (r *rig) start(t *testing.T) {
	t.Helper()
	if err := r.gw.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.stop(t) })
	if err := r.gw.WaitReady(r.ctx, 20*time.Second); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) stop(t *testing.T) {
	t.Helper()
	if code, err := r.gw.Terminate(r.ctx); err != nil || code != 0 {
		t.Errorf("the gateway ended with %d, %v; want 0 after SIGTERM\n%s", code, err, r.gw.Log())
	}
	if t.Failed() {
		t.Logf("the gateway's log:\n%s", r.gw.Log())
	}
}

// operator puts an operator at one of the phones.
func (r *rig) operator(t *testing.T, phone string, s *lab.Script) *lab.Party {
	t.Helper()
	p, err := lab.StartOperator(r.ctx, t.TempDir(), lab.Plan{Script: s, Port: r.ports[phone], Server: r.pbx.SIPPort})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// dials lets somebody dial a number.
func (r *rig) dials(t *testing.T, who, number string, s *lab.Script) *lab.Party {
	t.Helper()
	port, err := lab.FreePort("udp")
	if err != nil {
		t.Fatal(err)
	}
	p, err := lab.StartParty(t.TempDir(), lab.Plan{Script: s, Port: port, Server: r.pbx.SIPPort, Number: number, Caller: who})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// caller starts a caller of the i-th service.
func (r *rig) caller(t *testing.T, i int, s *lab.Script) *lab.Party {
	t.Helper()
	return r.dials(t, callerOf(i), numberOf(i), s)
}

// recordWithin is how soon after the hang-up a record must have been committed, by the gateway's log: the command that reads it
// takes time of its own on a busy machine.
const recordWithin = time.Second

// record returns the one record of a service, whose call is over.
func (r *rig) record(t *testing.T, service string) lab.Record {
	t.Helper()
	// The log tells when it is there; asking the command again and again would load the machine that is being measured.
	err := lab.Until(r.ctx, 10*time.Second, "the record of "+service, func() error {
		for line := range strings.Lines(r.gw.Log()) {
			if strings.Contains(line, `"event":"record.written"`) && strings.Contains(line, fmt.Sprintf(`"service":%q`, service)) {
				return nil
			}
		}
		return errors.New("the log does not tell of it")
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.gw.Records(r.ctx, service)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 {
		t.Fatalf("%d records of %s, want one: %+v", len(got), service, got)
	}
	return got[0]
}

// promptly checks how soon the record was committed and announced. Gateway and PBX have the same clock here.
func (r *rig) promptly(t *testing.T, rec lab.Record) {
	t.Helper()
	for line := range strings.Lines(r.gw.Log()) {
		var e struct {
			TS     time.Time
			Record string
		}
		if json.Unmarshal([]byte(line), &e) != nil || e.Record != rec.Record {
			continue
		}
		if !slices.Contains(rec.Reasons, "end_unseen") && e.TS.Sub(rec.EndedAt) > recordWithin {
			t.Errorf("the call ended at %s, its record came at %s", rec.EndedAt, e.TS)
		}
		return
	}
	t.Errorf("the log does not tell of record %s", rec.Record)
}

// canaries waits until the gateway has proved its sight n times more: what it saw before is then known to be seen.
func (r *rig) canaries(t *testing.T, n int) {
	t.Helper()
	count := func() (int, error) {
		_, text, err := r.gw.Get(r.ctx, "/metrics")
		if err != nil {
			return 0, err
		}
		_, after, ok := strings.Cut(text, "risposta_heartbeats_total{pbx=\"live\"} ")
		if !ok {
			return 0, errors.New("no risposta_heartbeats_total in the metrics")
		}
		line, _, _ := strings.Cut(after, "\n")
		return strconv.Atoi(line)
	}
	before, err := count()
	if err != nil {
		t.Fatal(err)
	}
	err = lab.Until(r.ctx, 20*time.Second, "more canaries", func() error {
		now, err := count()
		if err == nil && now < before+n {
			err = fmt.Errorf("%d, want %d", now, before+n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// logged waits until the gateway has logged an event for a service's call, and returns the call.
func (r *rig) logged(t *testing.T, event string, n int) {
	t.Helper()
	err := lab.Until(r.ctx, 20*time.Second, event+" in the log", func() error {
		if got := strings.Count(r.gw.Log(), fmt.Sprintf("%q:%q", "event", event)); got < n {
			return fmt.Errorf("it is there %d times, want %d", got, n)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, r.gw.Log())
	}
}
