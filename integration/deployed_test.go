//go:build live

package integration

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// deployed is a file of deploy/asterisk as it is in this tree.
func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "deploy", "asterisk", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The phones of deploy/asterisk/etc/pjsip.conf and their ports there.
var deployedPhones = map[string]string{"agent1": "5071", "agent2": "5072"}

const deployedConfig = `
pbx:
  - {name: live, url: "{{ari}}", username: risposta}
operators: ["PJSIP/agent*"]
tariffs:
  - {name: standard, per_minute: "0.96", increment: 1s, currency: EUR}
law: {policy: it}
extensions: ["100?"]
callers: {country_code: "39"}
exemption: {csv: "{{dir}}/exempt.csv"}
ledger: {file: "{{dir}}/ledger.db"}
admin: {listen: "{{admin}}"}
`

// deployedServices are the numbers of deploy/asterisk/etc/extensions.conf.
const deployedServices = `services:
  - {number: "1001", context: from-trunk, callers: ["PJSIP/trunk*"], tariff: standard,
     did: "+390612345678"}
  - {number: "1007", context: from-trunk, callers: ["PJSIP/trunk*"], tariff: standard,
     did: "+390612345678"}
`

// newDeployed is a PBX with the files of deploy/asterisk/etc alone, on ports that are free.
func newDeployed(t *testing.T) *harness {
	t.Helper()
	return newDeployedWith(t, deployed(t, "etc/extensions.conf"))
}

// newDeployedWith has another extensions.conf, and options of `docker run`.
func newDeployedWith(t *testing.T, extensions string, options ...string) *harness {
	t.Helper()
	pjsip := deployed(t, "etc/pjsip.conf")
	ports := map[string]int{}
	for phone, old := range deployedPhones {
		port, err := lab.FreePort("udp")
		if err != nil {
			t.Fatal(err)
		}
		ports[phone] = port
		address := "sip:" + phone + "@127.0.0.1:"
		if !strings.Contains(pjsip, address+old) {
			t.Fatalf("pjsip.conf has no %s", address+old)
		}
		pjsip = strings.Replace(pjsip, address+old, fmt.Sprint(address, port), 1)
	}
	// The harness adds its own services, of which there are none here.
	h := newHarnessWith(t, deployedConfig+deployedServices+"# ", nil, map[string]string{
		"pjsip.conf": pjsip, "extensions.conf": extensions,
		"queues.conf": deployed(t, "etc/queues.conf"),
	}, options...)
	maps.Copy(h.ports, ports)
	return h
}

// dialplanTests has for each extension of the drop-in's extensions.conf the test that dials it.
var dialplanTests = map[string]func(*testing.T){
	"from-trunk 1001":      TestLiveDeployedDialplan,
	"from-trunk 1007":      TestLiveDeployedDialplan,
	"agents _age[n]t[0-9]": TestLiveDeployedDialplan,
	"agents _100X":         TestLiveDeployedDialplan,
	"risposta announce":    TestLiveFrontDesk,
	"risposta later":       TestLiveDeployedWaitEnds,
	"risposta chosen":      TestLongDayOfCalls,
	"risposta survey":      TestLiveFrontDesk,
	"risposta T":           TestLiveCallsDoNotWaitForTheFrontDesk, // the gateway is stopped
}

func TestLiveDeployedDialplanIsDialled(t *testing.T) {
	var extensions []string
	context := ""
	for line := range strings.Lines(deployed(t, "etc/extensions.conf")) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			context = strings.TrimSuffix(line[1:], "]")
		}
		if exten, ok := strings.CutPrefix(line, "exten => "); ok {
			name, _, _ := strings.Cut(exten, ",")
			extensions = append(extensions, context+" "+name)
		}
	}
	slices.Sort(extensions)
	extensions = slices.Compact(extensions)
	if tested := slices.Sorted(maps.Keys(dialplanTests)); !slices.Equal(extensions, tested) {
		t.Errorf("extensions.conf has %q, the tests dial %q", extensions, tested)
	}
}

// Callers and operators dial each extension of the drop-in that is not the front desk's, with the
// drop-in's own phones and queues.
func TestLiveDeployedDialplan(t *testing.T) {
	t.Parallel()
	h := newDeployed(t)
	h.start(t)
	p := &people{T: t, h: h}

	// 1001: Anna answers in queue support, and transfers to Bruno's phone by its name.
	anna := p.operator("agent1", lab.Called(half).Speaks().Pause(2*second).Refer("agent2"))
	bruno := p.operator("agent2", lab.Called(half).Speaks().WaitBye())
	p.over(p.dials(callerOf(0), "1001", lab.Calls().Speaks().Pause(6*second).Bye()), anna, bruno)
	wantOperators(t, h.record(t, "1001"), "PJSIP/agent1", "PJSIP/agent2")

	// 1007: Bruno answers in queue sales, and transfers to 1001, where Anna is.
	bruno = p.operator("agent2", lab.Called(half).Speaks().Pause(2*second).Refer("1001"))
	anna = p.operator("agent1", lab.Called(half).Speaks().WaitBye())
	p.over(p.dials(callerOf(1), "1007", lab.Calls().Speaks().Pause(6*second).Bye()), anna, bruno)
	wantOperators(t, h.record(t, "1007"), "PJSIP/agent2", "PJSIP/agent1")

	// Anna's own phone dials Bruno's: the drop-in lets it, and nothing is metered.
	bruno = p.operator("agent2", lab.Called(half).WaitBye())
	p.over(p.dials("agent1", "agent2", lab.Calls().Pause(second).Bye()), bruno)
	if n := strings.Count(h.gw.Log(), `"event":"call.arrived"`); n != 2 {
		t.Errorf("%d calls were metered, want the two from the trunk\n%s", n, h.gw.Log())
	}
	out, code, err := h.gw.Command(h.ctx, "check")
	const sales = "queue sales: all its 1 members are operators"
	if err != nil || code != 0 || !strings.Contains(out, sales) {
		t.Errorf("check of the drop-in: exit %d, %v, want 0:\n%s", code, err, out)
	}
}

// wantOperators checks who talked, in this order, and that each talked and was charged.
func wantOperators(t *testing.T, rec lab.Record, operators ...string) {
	t.Helper()
	var talked []string
	for _, talk := range rec.Talk {
		if talk.Ms < 1000 {
			t.Errorf("%s talked for %d ms only", talk.Operator, talk.Ms)
		}
		talked = append(talked, talk.Operator)
	}
	if !slices.Equal(talked, operators) || rec.Charge.Amount == "0.00" {
		t.Errorf("talk with %q, want %q, charged: %+v", talked, operators, rec)
	}
}

// FreePBX adds options to an endpoint that another file defines: the check passes with them alone.
func TestLiveFreePBXDropIn(t *testing.T) {
	t.Parallel()
	bare := strings.NewReplacer("(!,alive)", "(!)", "[trunk](alive)", "[trunk]").
		Replace(deployed(t, "etc/pjsip.conf"))
	dropIn := deployed(t, "../freepbx/pjsip.endpoint_custom_post.conf")
	custom := strings.NewReplacer("[200]", "[agent1]", "[carrier]", "[agent2]").Replace(dropIn) +
		strings.NewReplacer("[200]", "[op1]", "[carrier]", "[trunk]").Replace(dropIn)
	for _, c := range []struct {
		name, custom string
		code         int
	}{{"with", custom, 0}, {"without", "", 1}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, talkingService, map[string]string{
				"pjsip.conf": bare + "#tryinclude \"post.d/post.conf\"\n", "post.d/post.conf": c.custom,
			})
			out, code, err := h.gw.Command(h.ctx, "check")
			failed := strings.Contains(out, "FAIL  live: PJSIP/agent1, PJSIP/agent2, "+
				"PJSIP/op1, PJSIP/trunk: rtp_timeout_hold = 0 in pjsip.conf")
			if err != nil || code != c.code || failed != (c.code == 1) {
				t.Errorf("exit %d, %v, want %d:\n%s", code, err, c.code, out)
			}
		})
	}
}
