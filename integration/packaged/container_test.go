//go:build live

package packaged

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pbxImage is Debian 12 under systemd, with an Asterisk in a folder of its own.
const (
	pbxImage  = "risposta-packaged:22"
	pbxFolder = "/srv/pbx"
)

// container is a Debian that runs systemd.
type container struct {
	t    *testing.T
	name string
}

// boot starts a container whose network is its own loopback alone.
func boot(t *testing.T) container {
	t.Helper()
	c := container{t: t, name: fmt.Sprintf("risposta-packaged-%d-%d", os.Getpid(), time.Now().UnixNano())}
	args := []string{"run", "--detach", "--rm", "--name", c.name, "--label", "risposta=packaged",
		"--network", "none", "--env", "container=docker",
		// systemd needs its cgroups, and mounts what its units are kept apart by.
		"--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "--cgroupns", "host",
		"--cap-add", "SYS_ADMIN", "--cap-add", "SYS_PTRACE",
		"--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
		"--security-opt", "systempaths=unconfined",
		"--tmpfs", "/run", "--tmpfs", "/run/lock", pbxImage, "/sbin/init"}
	if out, err := exec.Command("docker", args...).CombinedOutput(); err != nil {
		t.Fatalf("docker run: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if t.Failed() {
			_, out := c.try("journalctl --no-pager -n 60")
			t.Logf("the journal of %s:\n%s", c.name, out)
		}
		if out, err := exec.Command("docker", "rm", "-f", c.name).CombinedOutput(); err != nil {
			t.Errorf("docker rm: %v: %s", err, out)
		}
	})
	c.until("systemd to have booted", func() bool {
		_, out := c.try("systemctl is-system-running")
		return strings.Contains(out, "running") || strings.Contains(out, "degraded")
	})
	return c
}

// try runs a script as root, and returns whether it ended with 0, and what it printed.
func (c container) try(script string) (ok bool, out string) {
	cmd := exec.Command("docker", "exec", "-i", c.name, "bash", "-c", script)
	text, err := cmd.CombinedOutput()
	return err == nil, string(text)
}

// run runs a script that must succeed.
func (c container) run(script string) string {
	c.t.Helper()
	ok, out := c.try(script)
	if !ok {
		c.t.Fatalf("%s: failed:\n%s", script, out)
	}
	return out
}

// write writes a file of the container.
func (c container) write(path, text string) {
	c.t.Helper()
	cmd := exec.Command("docker", "exec", "-i", c.name, "sh", "-c", "cat >"+path)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("writing %s: %v: %s", path, err, out)
	}
}

// copyIn copies a file of this machine into the container.
func (c container) copyIn(file, to string) {
	c.t.Helper()
	if out, err := exec.Command("docker", "cp", file, c.name+":"+to).CombinedOutput(); err != nil {
		c.t.Fatalf("docker cp: %v: %s", err, out)
	}
}

// waitTimeout bounds each wait, on a machine that does much else.
const waitTimeout = 3 * time.Minute

func (c container) until(what string, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(waitTimeout); !ok(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("waited %s for %s", waitTimeout, what)
		}
	}
}

// untilLogged waits until the journal of the service has a text so many times.
func (c container) untilLogged(text string, times int) {
	c.t.Helper()
	c.until(fmt.Sprintf("%q %d times in the journal", text, times), func() bool {
		return strings.Count(c.journal(), text) >= times
	})
}

func (c container) journal() string {
	_, out := c.try("journalctl --no-pager -o cat -u risposta")
	return out
}

// debs are the packages that were built, by version, in a folder of their own.
var debs = map[string]string{}

func TestMain(m *testing.M) {
	os.Exit(func() int {
		defer func() {
			for _, file := range debs {
				_ = os.RemoveAll(filepath.Dir(file)) // a temporary folder
			}
		}()
		return m.Run()
	}())
}

// deb builds the package of a version, once.
func deb(t *testing.T, version string) string {
	t.Helper()
	if debs[version] != "" {
		return debs[version]
	}
	dir, err := os.MkdirTemp("", "risposta-packaged-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("../../scripts/deb", dir)
	cmd.Env = append(os.Environ(), "VERSION="+version)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("scripts/deb: %v: %s", err, out)
	}
	found, err := filepath.Glob(dir + "/*.deb")
	if err != nil || len(found) != 1 {
		t.Fatalf("scripts/deb made %q, %v", found, err)
	}
	debs[version] = found[0]
	return found[0]
}

// fixture is a file of testdata.
func fixture(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// bootPBX is a PBX as its administrator has it before Risposta: a trunk, an operator, a queue, and
// the phones of the test, which sipp plays.
func bootPBX(t *testing.T) container {
	t.Helper()
	c := boot(t)
	for _, name := range []string{"pjsip.conf", "queues.conf", "extensions.conf"} {
		c.write("/etc/asterisk/"+name, fixture(t, name))
	}
	phones := pbxFolder + "/root/phones/"
	c.run("mkdir -p " + phones)
	c.write(phones+"caller.xml", fixture(t, "caller.xml"))
	c.write(phones+"operator.xml", fixture(t, "operator.xml"))
	c.write(phones+"speech.ulaw", string(bytes.Repeat([]byte{0x7e, 0x7e}, 4000)))
	c.run("systemctl restart asterisk")
	c.sipp("-sf operator.xml -p 5071 -mp 20000")
	return c
}

// namesAndARI is what the quick start adds to Asterisk, where the user's lines are in /root.
const namesAndARI = `set -e
cat /root/ari-user.conf >>/etc/asterisk/ari.conf
printf '\n[general](+)\nenabled = yes\nbindaddr = 127.0.0.1\n' >>/etc/asterisk/http.conf
printf '\n[options](+)\nsystemname = pbx1\nentityid = 02:00:00:00:00:01\n' \
  >>/etc/asterisk/asterisk.conf
systemctl restart asterisk`

// call starts a call of so many seconds of talk, and returns at once.
func (c container) call(seconds int) {
	c.t.Helper()
	c.sipp(fmt.Sprintf("-sf caller.xml -p 5070 -mp 21000 -m 1 -d %d -s 1001", seconds*1000))
}

// sipp starts a phone, which ends by itself or with the container.
func (c container) sipp(options string) {
	c.t.Helper()
	c.run("systemd-run --quiet --collect chroot " + pbxFolder + " sh -c 'cd /root/phones && exec sipp " +
		options + " -i 127.0.0.1 -nostdin 127.0.0.1:5060'")
}
