//go:build live

package packaged

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// composeTimeout bounds the test: two images start, and one call is made.
const composeTimeout = 5 * time.Minute

// composeAgentPort is where agent1's phone is, by deploy/asterisk/etc/pjsip.conf in the image.
const composeAgentPort = 5071

// The Compose file starts both services, by the commands of docs/quickstart.md and under a project
// name of its own. The gateway, which is not root and cannot write but to its ledger, meters a call.
func TestPackagedCompose(t *testing.T) {
	const image = "risposta:compose"
	ctx, cancel := context.WithTimeout(t.Context(), composeTimeout)
	defer cancel()
	run := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v: %s", name, args, err, out)
		}
		return string(out)
	}
	sip, ari, admin, rtp := composePorts(t)
	run("../../scripts/gateway-image", image)
	dir := t.TempDir()
	run("docker", "run", "--rm", "--user", "0", "--network", "none", "--volume", dir+":/etc/risposta",
		image, "setup", "--pbx", fmt.Sprintf("http://127.0.0.1:%d/ari", ari), "--operators", "PJSIP/agent*",
		"--callers", "PJSIP/trunk*", "--service", "1001", "--context", "from-trunk", "--law", "it",
		"--country", "39", "--price", "0.96", "--did", "+390612345678")
	configure(t, dir, admin)
	run("chown", "-R", "64646:64646", dir)
	project := lab.Compose{
		File: "../../deploy/asterisk/compose.yaml", Project: fmt.Sprintf("risposta-compose-%d", os.Getpid()),
		Env: []string{"RISPOSTA_IMAGE=" + image, "RISPOSTA_CONFIG_FOLDER=" + dir,
			fmt.Sprint("SIP_PORT=", sip), fmt.Sprint("ARI_PORT=", ari), fmt.Sprint("RTP_START=", rtp)},
	}
	compose := func(args ...string) string {
		t.Helper()
		out, err := project.Run(ctx, append([]string{"--profile", "gateway"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	t.Cleanup(func() {
		if _, err := project.Run(context.WithoutCancel(ctx), "--profile", "gateway", "down", "--volumes",
			"--remove-orphans", "--timeout", "5"); err != nil {
			t.Error(err)
		}
	})
	compose("up", "--detach")
	if _, err := project.Asterisk(ctx, sip, ari); err != nil {
		t.Fatal(err)
	}
	gateway := strings.TrimSpace(compose("ps", "--quiet", "risposta"))
	untilLogged(ctx, t, gateway, "pbx.synced")
	callOnce(ctx, t, sip)
	untilLogged(ctx, t, gateway, `"state":"final"`)
	if got := run("docker", "exec", gateway, "/usr/bin/risposta", "records"); strings.Count(got, "\n") != 1 ||
		!strings.Contains(got, `"operator":"PJSIP/agent1"`) || strings.Contains(got, `"amount":"0.00"`) {
		t.Errorf("records: %s, want one call that agent1 has talked in", got)
	}
	top := strings.Fields(run("docker", "top", gateway, "-eo", "pid,uid")) // PID UID, then one process
	if got := top[len(top)-1]; len(top) != 4 || got != "64646" {
		t.Errorf("the gateway runs as %q, want user 64646", got)
	}
	if got := run("docker", "inspect", "--format", "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}",
		gateway); got != "true [ALL]\n" {
		t.Errorf("read-only root, dropped capabilities: %s", got)
	}
}

// composePorts are free ports for SIP, ARI and the gateway's admin port, and the first for audio.
func composePorts(t *testing.T) (sip, ari, admin, rtp int) {
	t.Helper()
	for network, port := range map[string]*int{"udp": &sip, "tcp": &ari} {
		p, err := lab.FreePort(network)
		if err != nil {
			t.Fatal(err)
		}
		*port = p
	}
	admin, err := lab.FreePort("tcp")
	if err != nil {
		t.Fatal(err)
	}
	if rtp, err = lab.AudioPorts(); err != nil {
		t.Fatal(err)
	}
	return sip, ari, admin, rtp
}

// configure gives the gateway the password of the image's ARI user, which listens on loopback alone,
// and an admin port that is free.
func configure(t *testing.T, dir string, admin int) {
	t.Helper()
	path := filepath.Join(dir, "gateway.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, fmt.Appendf(nil, "admin: {listen: \"127.0.0.1:%d\"}\n", admin)...)
	for name, content := range map[string]string{
		"gateway.yaml": string(text), "ari-password": lab.ARIPassword + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
	}
}

func untilLogged(ctx context.Context, t *testing.T, container, what string) {
	t.Helper()
	err := lab.Until(ctx, time.Minute, what+" in the gateway's log", func() error {
		out, err := exec.CommandContext(ctx, "docker", "logs", container).CombinedOutput()
		if err == nil && !strings.Contains(string(out), what) {
			err = fmt.Errorf("it has %s", out)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// callOnce calls 1001, where agent1 answers, for some seconds.
func callOnce(ctx context.Context, t *testing.T, sip int) {
	t.Helper()
	port, err := lab.FreePort("udp")
	if err != nil {
		t.Fatal(err)
	}
	operator, err := lab.StartOperator(ctx, t.TempDir(), lab.Plan{
		Script: lab.Called(time.Second).WaitBye(), Port: composeAgentPort, Server: sip,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer operator.Stop()
	caller, err := lab.StartParty(t.TempDir(), lab.Plan{
		Script: lab.Calls().Pause(4 * time.Second).Bye(), Port: port, Server: sip,
		Number: "1001", Caller: "+390612340001",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer caller.Stop()
	for _, p := range []*lab.Party{caller, operator} {
		if err := p.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
}
