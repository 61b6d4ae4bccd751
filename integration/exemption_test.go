//go:build live

package integration

import (
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

// exemptionConfig asks the example server; each test fills in its port.
const exemptionConfig = `
pbx:
  - {name: live, url: "{{ari}}", username: risposta}
operators: ["PJSIP/op*"]
tariffs:
  - {name: standard, per_minute: "0.96", increment: 1s, currency: EUR}
law: {policy: it}
callers: {country_code: "39"}
exemption: {http: {url: "http://127.0.0.1:SERVER/exempt"}, timeout: 500ms, give_up_after: 1m}
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
	address := fmt.Sprintf("127.0.0.1:%d", port)
	s := &exemptServer{done: make(chan struct{})}
	s.cmd = exec.Command(binary, "-listen", address, "-list", list)
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
		c, err := net.Dial("tcp", address)
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
	_ = s.cmd.Process.Kill() // already ended is fine
	<-s.done
}

// version waits for version n of the only record of a service, and returns it.
func (h *harness) version(t *testing.T, service string, n int) (rec lab.Record) {
	t.Helper()
	err := lab.Until(h.ctx, 60*second, fmt.Sprintf("version %d of the record of %s", n, service),
		func() error {
			got, err := h.gw.Records(h.ctx, service)
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

// The exemption service dies during one call and is down at the next ones. Their records stay
// pending, at 0, until the service is back and answers as of the time of the call: charged, or
// exempt.
func TestLivePendingRecordIsResolved(t *testing.T) {
	t.Parallel()
	var services []service
	for i, name := range []string{"known", "pays", "is-exempt"} {
		services = append(services, servedBy(fmt.Sprint("op", i+1), name, queued))
	}
	port, err := lab.FreePort("tcp")
	if err != nil {
		t.Fatal(err)
	}
	h := newHarnessWith(t, strings.Replace(exemptionConfig, "SERVER", fmt.Sprint(port), 1),
		services, nil)
	list := filepath.Join(h.dir, "list.csv")
	text := "number,until,ref\n" + callerOf(2) + ",,e-77\n"
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	server := startExemptServer(t, port, list)
	h.start(t)
	for i := range services {
		h.operator(t, services[i].agents[0], lab.Called(half).WaitBye())
	}
	known := h.caller(t, 0, lab.Calls().Pause(4*second).Bye())
	h.logged(t, "exemption.answered", 1)
	server.kill()
	pays := h.caller(t, 1, lab.Calls().Pause(3*second).Bye())
	exempt := h.caller(t, 2, lab.Calls().Pause(3*second).Bye())
	h.finish(t, known, pays, exempt)
	if rec := h.record(t, "known"); rec.Reasons[0] != "talk" || rec.State != "" ||
		rec.Charge.Amount == "0.00" {
		t.Errorf("the answer came before the server died: %+v", rec)
	}
	for _, name := range []string{"pays", "is-exempt"} {
		if rec := h.record(t, name); rec.State != "pending" || rec.Charge.Amount != "0.00" ||
			rec.Reasons[0] != "exemption_unresolved" || rec.Version != 1 {
			t.Errorf("%s, with the server down: %+v", name, rec)
		}
	}
	h.restart(t)
	startExemptServer(t, port, list)
	if rec := h.version(t, "pays", 2); rec.State != "" || rec.Charge.Amount == "0.00" ||
		!slices.Contains(rec.Reasons, "resolved") || rec.Exempt {
		t.Errorf("resolved with no: %+v", rec)
	}
	if rec := h.version(t, "is-exempt", 2); rec.State != "" || rec.Charge.Amount != "0.00" ||
		rec.Reasons[0] != "exempt" || rec.ExemptionRef != "e-77" {
		t.Errorf("resolved with yes: %+v", rec)
	}
	h.wantNoClearNumbers(t, 0)
	h.wantVerified(t, "5 records: 5 replayed")
}

// restart kills the gateway and starts it again: pending records must survive.
func (h *harness) restart(t *testing.T) {
	t.Helper()
	if err := h.gw.Kill(h.ctx); err != nil {
		t.Fatal(err)
	}
	h.startAgain(t)
}

// outsideNumbers let operators transfer a caller to numbers of the outside, which nobody answers.
var outsideNumbers = map[string]string{
	"extensions.d/out.conf": "[agents](+)\n" +
		"exten => _0X.,1,Dial(PJSIP/${EXTEN}@trunk,3)\n" +
		"exten => _8X.,1,Dial(PJSIP/${EXTEN}@trunk,3)\n",
}

// A backdated exemption credits the call, and a transfer to a premium number makes the call free.
func TestLiveBackdatedExemptionAndPremiumTransfer(t *testing.T) {
	t.Parallel()
	services := []service{
		servedBy("op1", "credited-later", queued),
		servedBy("op2", "to-premium", queued),
		servedBy("op3", "to-landline", queued),
	}
	config := strings.Replace(gatewayConfig, "exemption: {csv: \"{{dir}}/exempt.csv\"}",
		"exemption: {cache: 1s}", 1)
	h := newHarnessWith(t, config, services, outsideNumbers)
	h.start(t)
	h.operator(t, "op1", lab.Called(half).WaitBye())
	h.operator(t, "op2", lab.Called(half).Pause(2*second).Refer("899123456"))
	h.operator(t, "op3", lab.Called(half).Pause(2*second).Refer("0612345678"))
	h.finish(t,
		h.caller(t, 0, lab.Calls().Pause(3*second).Bye()),
		h.caller(t, 1, lab.Calls().WaitBye()),
		h.caller(t, 2, lab.Calls().WaitBye()),
	)
	if rec := h.record(t, "to-premium"); rec.Charge.Amount != "0.00" ||
		rec.Reasons[0] != "number_refused" || !slices.Contains(rec.Numbers, "premium") ||
		rec.TalkMs < 1000 {
		t.Errorf("transferred to 899: %+v", rec)
	}
	if rec := h.record(t, "to-landline"); rec.Charge.Amount == "0.00" ||
		!slices.Equal(rec.Numbers, []string{"geographic"}) {
		t.Errorf("transferred to 06: %+v", rec)
	}
	if rec := h.record(t, "credited-later"); rec.Charge.Amount == "0.00" {
		t.Errorf("before the exemption: %+v", rec)
	}
	from := time.Now().AddDate(0, 0, -2).Format(time.DateOnly)
	if out, code, err := h.gw.Command(h.ctx, "exempt", "add", "--from", from, "--ref", "e-late",
		"--number-on-command-line", callerOf(0)); err != nil || code != 0 {
		t.Fatalf("exit %d, %v: %s", code, err, out)
	}
	if rec := h.version(t, "credited-later", 2); rec.Charge.Amount != "0.00" ||
		rec.Reasons[0] != "exempt" || !slices.Contains(rec.Reasons, "credited") ||
		rec.ExemptionRef != "e-late" {
		t.Errorf("after the exemption: %+v", rec)
	}
	h.wantVerified(t, "")
	kept := h.everythingKept(t)
	for _, number := range []string{"899123456", "0612345678"} {
		if strings.Contains(kept, number) {
			t.Errorf("%s is kept in plain text", number)
		}
	}
}
