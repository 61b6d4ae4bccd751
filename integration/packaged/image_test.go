//go:build live

package packaged

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The container image meters a call beside a PBX: not root, without a capability, on a read-only
// root.
func TestPackagedImage(t *testing.T) {
	const image, name = "risposta:packaged", "risposta-packaged-gateway"
	docker := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("docker", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("docker %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	if out, err := exec.Command("../../scripts/gateway-image", image).CombinedOutput(); err != nil {
		t.Fatalf("scripts/gateway-image: %v: %s", err, out)
	}
	pbx := bootPBX(t)
	dir := t.TempDir()
	setUp := docker("run", "--rm", "--user", "0", "--network", "none", "--volume", dir+":/etc/risposta",
		image, "setup", "--pbx", "http://127.0.0.1:8088/ari", "--operators", "PJSIP/agent*",
		"--callers", "PJSIP/trunk*", "--service", "1001", "--context", "from-trunk", "--law", "it",
		"--country", "39", "--price", "0.96", "--did", "+390612345678")
	if !strings.Contains(setUp, "wrote /etc/risposta/gateway.yaml") {
		t.Fatal(setUp)
	}
	user, err := os.ReadFile(filepath.Join(dir, "ari-user.conf"))
	if err != nil {
		t.Fatal(err)
	}
	pbx.write("/root/ari-user.conf", string(user))
	pbx.run(namesAndARI)
	if err := exec.Command("chown", "-R", "64646:64646", dir).Run(); err != nil {
		t.Fatal(err)
	}
	docker("run", "--detach", "--rm", "--name", name, "--network", "container:"+pbx.name,
		"--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
		"--volume", dir+":/etc/risposta:ro", "--volume", "/var/lib/risposta", image)
	t.Cleanup(func() { docker("rm", "-f", "-v", name) })
	log := func() string {
		out, _ := exec.Command("docker", "logs", name).CombinedOutput()
		return string(out)
	}
	pbx.until("the gateway to be synced", func() bool { return strings.Contains(log(), "pbx.synced") })
	pbx.call(3)
	pbx.until("the record", func() bool { return strings.Contains(log(), "record.written") })
	if got := docker("inspect", "--format", "{{.Config.User}}", name); got != "64646:64646\n" {
		t.Errorf("it runs as %s", got)
	}
	if got := docker("exec", name, "/usr/bin/risposta", "records"); !strings.Contains(got, `"talk_ms":`) {
		t.Errorf("its records: %s", got)
	}
}
