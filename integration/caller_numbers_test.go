//go:build live

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// The list has one number. It is called from in the forms in which carriers and PBXs send it: each
// time the caller is exempt. Somebody else is charged, and what is nobody's number is free.
func TestLiveCallersNumberInEveryForm(t *testing.T) {
	t.Parallel()
	calls := []struct{ service, caller, reason string }{
		{"plus", "+390698765432", "exempt"},
		{"no-plus", "390698765432", "exempt"},
		{"national", "0698765432", "exempt"},
		{"parameters", "0698765432;phone-context=+39", "exempt"},
		{"outside-prefix", "00698765432", "exempt"},
		{"somebody-else", "390698765433", "talk"},
		{"nobody", "266696687", "exemption_unresolved"},
	}
	var services []service
	for i, c := range calls {
		q, op := fmt.Sprintf("n%d", i), fmt.Sprintf("op%d", i+1)
		services = append(services, service{name: c.service, dialplan: "Progress(); Queue(" + q + ")",
			agents: []string{op}, queues: queue(q, "", "PJSIP/"+op)})
	}
	config := strings.Replace(gatewayConfig, `{country_code: "39"}`, `{country_code: "39", `+
		`outside_prefixes: [{endpoints: ["PJSIP/trunk*"], prefix: "0"}]}`, 1)
	h := newHarnessWith(t, config, services, nil)
	list := filepath.Join(h.dir, "exempt.csv")
	text := "number,from,until,ref\n06 9876-5432,2026-01-01,,e-9\n"
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	h.start(t)
	var parties []*lab.Party
	for i, c := range calls {
		h.operator(t, services[i].agents[0], lab.Called(half).WaitBye())
		parties = append(parties,
			h.dials(t, c.caller, numberOf(i), lab.Calls().Pause(3*second).Bye()))
	}
	for _, p := range parties {
		if err := p.Wait(h.ctx); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range calls {
		rec := h.record(t, c.service)
		if rec.Reasons[0] != c.reason || rec.TalkMs < 1000 ||
			(rec.Charge.Amount == "0.00") != (c.reason != "talk") ||
			rec.Exempt != (c.reason == "exempt") {
			t.Errorf("called from %s: %+v, want %s", c.caller, rec, c.reason)
		}
		if log := h.gw.Log(); strings.Contains(log, "98765432") {
			t.Errorf("the log has the number of a caller")
		}
	}
	out, code, err := h.gw.Command(h.ctx, "check", "--offline")
	const want = "PJSIP/trunk: of the callers' numbers of 7 calls in the last 7 days 0 were withheld " +
		"and 1 not understood"
	if err != nil || code != 1 || !strings.Contains(out, "FAIL  "+want) {
		t.Errorf("check: exit %d, %v, want %q in\n%s", code, err, want, out)
	}
}
