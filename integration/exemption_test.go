//go:build live

package integration

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// exemptionConfig asks the company's own service, whose address and list stand in the test's folder.
const exemptionConfig = `
pbx:
  - {name: live, url: "{{ari}}", username: risposta}
operators: ["PJSIP/op*"]
tariffs:
  - {name: standard, per_minute: "0.96", increment: 1s, currency: EUR}
law: {policy: it}
callers: {country_code: "39"}
exemption: {http: {url: "http://127.0.0.1:SERVER/exempt"}, timeout: 500ms, settle_for: 1m}
ledger: {file: "{{dir}}/ledger.db"}
admin: {listen: "{{admin}}"}
`

// exemptServer is the running example server.
type exemptServer struct {
	cmd  *exec.Cmd
	done chan struct{}
}

var exemptServerBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(gatewayBinary), "exemptserver")
	out, err := exec.Command("go", "build", "-o", path, "./exemptserver").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("building the example server: %w: %s", err, out)
	}
	return path, err
})

func startExemptServer(t *testing.T, port int, list string) *exemptServer {
	t.Helper()
	binary, err := exemptServerBinary()
	if err != nil {
		t.Fatal(err)
	}
	s := &exemptServer{cmd: exec.Command(binary, "-listen", fmt.Sprintf("127.0.0.1:%d", port), "-list", list), done: make(chan struct{})}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait() // killed
		close(s.done)
	}()
	t.Cleanup(s.kill)
	err = lab.Until(t.Context(), 10*second, "the example server to listen", func() error {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			err = c.Close()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *exemptServer) kill() {
	_ = s.cmd.Process.Kill() // it may be dead already
	<-s.done
}

// version waits until the newest record of a service is of a version, and returns it.
func (r *rig) version(t *testing.T, service string, n int) (rec lab.Record) {
	t.Helper()
	err := lab.Until(r.ctx, 60*second, fmt.Sprintf("version %d of the record of %s", n, service), func() error {
		got, err := r.gw.Records(r.ctx, service)
		if err == nil && (len(got) != 1 || got[0].Version != n) {
			err = fmt.Errorf("%+v", got)
		}
		if err == nil {
			rec = got[0]
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// The exemption service is killed in the middle of a call, and away at the next: the record is held, at 0, and settled when the service is back: by an answer as
// of the call's time, charged or free, or by giving up.
func TestLiveUnknownIsHeldAndSettled(t *testing.T) {
	t.Parallel()
	var services []service
	for i, name := range []string{"known", "pays", "is-exempt"} {
		q, op := fmt.Sprintf("x%d", i), fmt.Sprintf("op%d", i+1)
		services = append(services, service{name: name, dialplan: "Progress(); Queue(" + q + ")", agents: []string{op}, queues: queue(q, "", "PJSIP/"+op)})
	}
	port, err := lab.FreePort("tcp")
	if err != nil {
		t.Fatal(err)
	}
	r := newRigUnder(t, strings.Replace(exemptionConfig, "SERVER", fmt.Sprint(port), 1), services, nil)
	list := filepath.Join(r.dir, "list.csv")
	if err := os.WriteFile(list, []byte("number,until,ref\n"+callerOf(2)+",,e-77\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := startExemptServer(t, port, list)
	r.start(t)
	for i := range services {
		r.operator(t, services[i].agents[0], lab.Called(half).WaitBye())
	}
	known := r.caller(t, 0, lab.Calls().Pause(4*second).Bye())
	r.logged(t, "exemption.answered", 1)
	server.kill()
	pays, exempt := r.caller(t, 1, lab.Calls().Pause(3*second).Bye()), r.caller(t, 2, lab.Calls().Pause(3*second).Bye())
	for _, p := range []*lab.Party{known, pays, exempt} {
		if err := p.Wait(r.ctx); err != nil {
			t.Fatal(err)
		}
	}
	if rec := r.record(t, "known"); rec.Reasons[0] != "talk" || rec.State != "" || rec.Charge.Amount == "0.00" {
		t.Errorf("the answer came before the server went: %+v", rec)
	}
	for _, name := range []string{"pays", "is-exempt"} {
		if rec := r.record(t, name); rec.State != "pending" || rec.Charge.Amount != "0.00" || rec.Reasons[0] != "exemption_unresolved" || rec.Version != 1 {
			t.Errorf("%s, while nobody could say: %+v", name, rec)
		}
	}
	r.restartHeld(t)
	startExemptServer(t, port, list)
	if rec := r.version(t, "pays", 2); rec.State != "" || rec.Charge.Amount == "0.00" || !slices.Contains(rec.Reasons, "resolved") || rec.Exempt {
		t.Errorf("settled with no: %+v", rec)
	}
	if rec := r.version(t, "is-exempt", 2); rec.State != "" || rec.Charge.Amount != "0.00" || rec.Reasons[0] != "exempt" || rec.ExemptionRef != "e-77" {
		t.Errorf("settled with yes: %+v", rec)
	}
	r.noClearNumbers(t, 0)
	if out, code, err := r.gw.Command(r.ctx, "verify"); err != nil || code != 0 || !strings.Contains(out, "5 records: 5 replayed") {
		t.Errorf("verify: exit %d, %v\n%s", code, err, out)
	}
}

// restartHeld restarts the gateway: what is held must outlive it.
func (r *rig) restartHeld(t *testing.T) {
	t.Helper()
	if err := r.gw.Kill(r.ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.gw.Start(); err != nil {
		t.Fatal(err)
	}
	if err := r.gw.WaitReady(r.ctx, 20*second); err != nil {
		t.Fatal(err)
	}
}

// A proof that comes late refunds, and a transfer to a premium number makes the call free.
func TestLiveLateProofAndPremiumTransfer(t *testing.T) {
	t.Parallel()
	services := []service{
		{name: "refunded", dialplan: "Progress(); Queue(late)", agents: []string{"op1"}, queues: queue("late", "", "PJSIP/op1")},
		{name: "led-to-premium", dialplan: "Progress(); Queue(premium)", agents: []string{"op2"}, queues: queue("premium", "", "PJSIP/op2")},
		{name: "led-to-landline", dialplan: "Progress(); Queue(landline)", agents: []string{"op3"}, queues: queue("landline", "", "PJSIP/op3")},
	}
	config := strings.Replace(gatewayConfig, "exemption: {csv: \"{{dir}}/exempt.csv\"}", "exemption: {cache: 1s}", 1)
	r := newRigUnder(t, config, services, map[string]string{
		"extensions.d/out.conf": "[agents](+)\nexten => _0X.,1,Dial(PJSIP/${EXTEN}@trunk,3)\nexten => _8X.,1,Dial(PJSIP/${EXTEN}@trunk,3)\n",
	})
	r.start(t)
	r.operator(t, "op1", lab.Called(half).WaitBye())
	r.operator(t, "op2", lab.Called(half).Pause(2*second).Refer("899123456"))
	r.operator(t, "op3", lab.Called(half).Pause(2*second).Refer("0612345678"))
	for _, p := range []*lab.Party{
		r.caller(t, 0, lab.Calls().Pause(3*second).Bye()), r.caller(t, 1, lab.Calls().WaitBye()), r.caller(t, 2, lab.Calls().WaitBye()),
	} {
		if err := p.Wait(r.ctx); err != nil {
			t.Fatal(err)
		}
	}
	if rec := r.record(t, "led-to-premium"); rec.Charge.Amount != "0.00" || rec.Reasons[0] != "number_refused" || !slices.Contains(rec.Numbers, "premium") || rec.TalkMs < 1000 {
		t.Errorf("led to 899: %+v", rec)
	}
	if rec := r.record(t, "led-to-landline"); rec.Charge.Amount == "0.00" || !slices.Equal(rec.Numbers, []string{"geographic"}) {
		t.Errorf("led to 06: %+v", rec)
	}
	if rec := r.record(t, "refunded"); rec.Charge.Amount == "0.00" {
		t.Errorf("before the proof: %+v", rec)
	}
	from := time.Now().AddDate(0, 0, -2).Format(time.DateOnly)
	if out, code, err := r.gw.Command(r.ctx, "exempt", "add", "--from", from, "--ref", "e-late", callerOf(0)); err != nil || code != 0 {
		t.Fatalf("exit %d, %v: %s", code, err, out)
	}
	if rec := r.version(t, "refunded", 2); rec.Charge.Amount != "0.00" || rec.Reasons[0] != "exempt" || !slices.Contains(rec.Reasons, "credited") || rec.ExemptionRef != "e-late" {
		t.Errorf("after the proof: %+v", rec)
	}
	if out, code, err := r.gw.Command(r.ctx, "verify"); err != nil || code != 0 {
		t.Errorf("verify: exit %d, %v\n%s", code, err, out)
	}
	evidence, err := os.ReadFile(filepath.Join(r.dir, "ledger.db"))
	if err = errors.Join(err, contains(evidence, "899123456"), contains(evidence, "0612345678")); err != nil {
		t.Error(err)
	}
}

func contains(text []byte, number string) error {
	if strings.Contains(string(text), number) {
		return fmt.Errorf("the ledger holds %s in clear", number)
	}
	return nil
}
