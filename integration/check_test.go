//go:build live

package integration

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/risposta/gateway/integration/lab"
)

func TestLiveCheckPasses(t *testing.T) {
	t.Parallel()
	h := newHarness(t, talkingService, map[string]string{"pjsip.conf": deployed(t, "etc/pjsip.conf")})
	h.start(t)
	out, code, err := h.gw.Command(h.ctx, "check")
	if err != nil || code != 0 {
		t.Fatalf("exit %d, %v; want 0:\n%s", code, err, out)
	}
	for _, want := range []string{
		"is connected and subscribed to all channels",
		"2001@from-trunk stays unanswered",
		"the front desk has its prompts in language it",
		"the 4 endpoints of operators and callers have timeouts, and report their holds",
		"ok    live: queue talking: all its 1 members are operators",
		"ok    operators: PJSIP/op* matches an endpoint",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
}

// Asterisk lists its applications at once after a check, and after a gateway that was stopped while
// callers were at its front desk.
func TestLongClosedConnectionLeavesThePBXResponding(t *testing.T) {
	t.Parallel()
	h := newHarnessWith(t, frontDeskConfig, []service{servedBy("op1", "desk", announcing)}, longWait)
	for i := range 6 {
		if out, code, err := h.gw.Command(h.ctx, "check"); err != nil || code != 0 {
			t.Fatalf("check %d: exit %d, %v:\n%s", i, code, err, out)
		}
		h.wantApplications(t)
	}
	for range 4 {
		h.startAgain(t)
		for range 3 {
			h.caller(t, 0, lab.AtFrontDesk().Pause(time.Minute).LetGo())
		}
		h.logged(t, "call.arrived", 3)
		h.stop(t)
		h.wantApplications(t)
	}
}

// wantApplications checks that the PBX lists its applications within a second.
func (h *harness) wantApplications(t *testing.T) {
	t.Helper()
	r, err := http.NewRequestWithContext(h.ctx, http.MethodGet, h.pbx.URL()+"/applications", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(lab.ARIUser, lab.ARIPassword)
	resp, err := (&http.Client{Timeout: second}).Do(r)
	if err != nil {
		t.Fatalf("the PBX does not list its applications: %v", err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", resp.Status, err)
	}
}

func TestLiveCheckReportsProblemsOfThePBX(t *testing.T) {
	t.Parallel()
	config := strings.Replace(gatewayConfig, "law: {policy: it}",
		"law: {policy: de}\nfront_desk: {language: fr}", 1)
	h := newHarnessWith(t, config, []service{
		{name: "answers", dialplan: "Answer(); Queue(none)"},
		{name: "plays", dialplan: "Progress(); Playback(hello-world); Queue(none)"},
		{name: "fine", dialplan: "Progress(); Playback(hello-world,noanswer); Queue(none)"},
		{name: "unclear", dialplan: "Gosub(elsewhere,s,1); Queue(none)"},
		{name: "told", dialplan: "Progress(); Gosub(risposta,announce,1(it)); Queue(none)"},
	}, map[string]string{
		"asterisk.conf": "[directories]\nastrundir => /run/asterisk\n[options]\n",
		"ari.conf": "[general]\nenabled = yes\n" +
			"[risposta]\ntype = user\npassword = change-me\n",
	})
	h.connectUnsubscribed(t)
	out, code, err := h.gw.Command(h.ctx, "check")
	if err != nil || code != 1 {
		t.Errorf("exit %d, %v; want 1", code, err)
	}
	for _, want := range []string{
		"FAIL  live: entityid is not set",
		"FAIL  live: systemname is not set",
		"FAIL  live: websocket_write_timeout is 100ms (Asterisk's default)",
		`FAIL  live: application "risposta" is connected but not subscribed to all channels`,
		"FAIL  live: service answers: Answer() comes before Queue()",
		"FAIL  live: service plays: Playback() without noanswer comes before Queue()",
		"ok    live: service fine: 2003@from-trunk stays unanswered",
		"ok    live: service told: 2005@from-trunk stays unanswered",
		"FAIL  live: the front desk lacks prompts in language fr: risposta/price, risposta/and,",
		"note  live: service unclear: whether 2004@from-trunk is answered before Queue() can't be told",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// connectUnsubscribed connects as the gateway's application without a subscription.
func (h *harness) connectUnsubscribed(t *testing.T) {
	t.Helper()
	auth := base64.StdEncoding.EncodeToString([]byte(lab.ARIUser + ":" + lab.ARIPassword))
	url := fmt.Sprintf("ws://127.0.0.1:%d/ari/events?app=risposta&subscribeAll=false",
		h.pbx.ARIPort)
	conn, _, err := websocket.Dial(h.ctx, url,
		&websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Basic " + auth}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
}

func TestLiveCheckRejectsDuplicateEntityID(t *testing.T) {
	t.Parallel()
	h := newHarness(t, talkingService, nil)
	second, err := lab.StartAsterisk(h.ctx, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := second.Stop(h.ctx); err != nil {
			t.Error(err)
		}
	})
	two := fmt.Sprintf(`pbx:
  - {name: first, url: %q, username: risposta}
  - {name: second, url: %q, username: risposta}
`, h.pbx.URL(), second.URL())
	_, rest, _ := strings.Cut(gatewayConfig, "operators:")
	gw, err := lab.NewGateway(gatewayBinary, h.dir, "",
		two+"operators:"+rest+"services:\n  - {number: \"2001\", context: from-trunk}\n")
	if err != nil {
		t.Fatal(err)
	}
	gw.Setenv("RISPOSTA_PBX_1_PASSWORD", lab.ARIPassword)
	out, code, err := gw.Command(h.ctx, "check")
	const want = "has the same id 02:00:00:00:00:01 as first"
	if err != nil || code != 1 || !strings.Contains(out, want) {
		t.Errorf("exit %d, %v:\n%s", code, err, out)
	}
	if err := gw.Start(); err != nil {
		t.Fatal(err)
	}
	err = lab.Until(h.ctx, 20*time.Second, "the gateway to refuse one PBX", func() error {
		if !strings.Contains(gw.Log(), "has the same id") {
			return fmt.Errorf("its log:\n%s", gw.Log())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if code, err := gw.Terminate(h.ctx); err != nil || code != 0 {
		t.Errorf("exit %d, %v", code, err)
	}
}

// The policy requires an announcement, and the dialplan has no front desk; or the front desk's
// context has no extension T, so a call would wait for ever for a gateway that hangs.
func TestLiveCheckRequiresTheFrontDesk(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ extensions, want string }{
		"no front desk": {"",
			"FAIL  live: the policy wants the price told, and the dialplan has no front desk"},
		"no extension T": {"[risposta]\nexten => announce,1,Stasis(risposta,announce)\n",
			"FAIL  live: context risposta has no extension T"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := strings.Replace(gatewayConfig, "law: {policy: it}", "law: {policy: uk}", 1)
			h := newHarnessWith(t, config, talkingService, map[string]string{
				"extensions.conf": "[general]\n[from-trunk]\n[agents]\n" + c.extensions +
					"#tryinclude \"extensions.d/*.conf\"\n",
			})
			out, code, err := h.gw.Command(h.ctx, "check")
			if err != nil || code != 1 || !strings.Contains(out, c.want) {
				t.Errorf("exit %d, %v, want 1 and %q:\n%s", code, err, c.want, out)
			}
		})
	}
}
