//go:build live

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// importList replaces the register's list by one of these callers.
func (h *harness) importList(t *testing.T, callers ...string) {
	t.Helper()
	text := "number;from;until;ref;category\n"
	for _, c := range callers {
		text += c + ";2026-01-01;;;L. 104/92\n"
	}
	file := filepath.Join(h.dir, "list.csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code, err := h.gw.Command(h.ctx, "exempt", "import", "--replace", file)
	if err != nil || code != 0 {
		t.Fatalf("exit %d, %v: %s", code, err, out)
	}
}

// The month's list is replaced while calls come: who stays on it is exempt. Then the register's file
// goes while the gateway runs: a call charges nothing until the file is back.
func TestLiveRegisterReplacedAndRemoved(t *testing.T) {
	t.Parallel()
	var services []service
	for i, name := range []string{"stays", "goes", "asked-later"} {
		q, op := fmt.Sprintf("r%d", i), fmt.Sprintf("op%d", i+1)
		services = append(services, service{name: name, dialplan: "Progress(); Queue(" + q + ")",
			agents: []string{op}, queues: queue(q, "", "PJSIP/"+op)})
	}
	config := strings.Replace(gatewayConfig, "exemption: {csv: \"{{dir}}/exempt.csv\"}",
		"exemption: {timeout: 1s}", 1)
	h := newHarnessWith(t, config, services, nil)
	h.start(t)
	for i := range services {
		h.operator(t, services[i].agents[0], lab.Called(half).WaitBye())
	}
	call := func(i int) {
		t.Helper()
		if err := h.caller(t, i, lab.Calls().Pause(3*second).Bye()).Wait(h.ctx); err != nil {
			t.Fatal(err)
		}
	}
	// As offices write numbers: without plus, in national form, with a country code.
	stays := strings.TrimPrefix(callerOf(0), "+")
	h.importList(t, stays, strings.TrimPrefix(callerOf(1), "+39"))
	during := h.caller(t, 0, lab.Calls().Pause(4*second).Bye())
	h.logged(t, "talk.started", 1)
	h.importList(t, stays)
	if err := during.Wait(h.ctx); err != nil {
		t.Fatal(err)
	}
	if rec := h.record(t, "stays"); rec.Reasons[0] != "exempt" || rec.Charge.Amount != "0.00" {
		t.Errorf("who stays on the list: %+v", rec)
	}
	call(1)
	if rec := h.record(t, "goes"); rec.Exempt || rec.Charge.Amount == "0.00" {
		t.Errorf("who is no longer on it: %+v", rec)
	}

	register := filepath.Join(h.dir, "exempt.db")
	if err := os.Rename(register, register+".away"); err != nil {
		t.Fatal(err)
	}
	call(2)
	if rec := h.record(t, "asked-later"); rec.State != "pending" || rec.Charge.Amount != "0.00" {
		t.Errorf("while the register is away: %+v", rec)
	}
	if out, code, err := h.gw.Command(h.ctx, "check", "--offline"); err != nil || code == 0 ||
		!strings.Contains(out, "there is no exemption register") {
		t.Errorf("check: exit %d, %v\n%s", code, err, out)
	}
	if err := os.Rename(register+".away", register); err != nil {
		t.Fatal(err)
	}
	if rec := h.version(t, "asked-later", 2); rec.Charge.Amount == "0.00" ||
		!slices.Contains(rec.Reasons, "resolved") {
		t.Errorf("once it is back: %+v", rec)
	}
	if out, code, err := h.gw.Command(h.ctx, "verify"); err != nil || code != 0 ||
		!strings.Contains(out, "3 changes in the log of the exemption register") {
		t.Errorf("verify: exit %d, %v\n%s", code, err, out)
	}
}
