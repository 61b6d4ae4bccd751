package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Image is the container image that `make image` builds from deploy/asterisk.
const Image = "risposta-asterisk:22"

// The user of deploy/asterisk/etc/ari.conf.
const (
	ARIUser     = "risposta"
	ARIPassword = "change-me"
)

// Asterisk is one running container.
type Asterisk struct {
	ID      string // the container's
	SIPPort int
	ARIPort int
}

// startTimeout bounds the start of a container, which takes a second on an idle machine.
const startTimeout = 60 * time.Second

// StartAsterisk starts Asterisk with the deployed configuration. files overlay /etc/asterisk:
// "pjsip.d/test.conf" adds to it, "ari.conf" replaces a file. They are kept in dir. options are
// more arguments of `docker run`.
func StartAsterisk(
	ctx context.Context, dir string, files map[string]string, options ...string,
) (*Asterisk, error) {
	sip, err := FreePort("udp")
	if err != nil {
		return nil, err
	}
	ari, err := FreePort("tcp")
	if err != nil {
		return nil, err
	}
	return StartAsteriskAt(ctx, dir, files, sip, ari, options...)
}

// StartAsteriskAt is StartAsterisk on given ports, to start the same PBX again.
func StartAsteriskAt(
	ctx context.Context, dir string, files map[string]string, sipPort, ariPort int, options ...string,
) (*Asterisk, error) {
	a := &Asterisk{SIPPort: sipPort, ARIPort: ariPort}
	rtp, err := AudioPorts()
	if err != nil {
		return nil, err
	}
	args := []string{
		"run", "--detach", "--rm", "--network", "host", "--label", "risposta=lab",
		"--env", fmt.Sprint("SIP_PORT=", a.SIPPort), "--env", fmt.Sprint("ARI_PORT=", a.ARIPort),
		"--env", fmt.Sprint("RTP_START=", rtp),
	}
	mounts, err := overlay(dir, files)
	if err != nil {
		return nil, err
	}
	out, err := docker(ctx, slices.Concat(args, mounts, options, []string{Image})...)
	if err != nil {
		return nil, fmt.Errorf("starting Asterisk (is the image built? `make image`): %w", err)
	}
	a.ID = strings.TrimSpace(out)
	err = Until(ctx, startTimeout, "Asterisk to have booted", func() error {
		out, err := a.Console(ctx, "core waitfullybooted")
		if err == nil && !strings.Contains(out, "fully booted") {
			err = fmt.Errorf("the console prints %q", out)
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, a.Stop(ctx))
	}
	return a, nil
}

func overlay(dir string, files map[string]string) (mounts []string, err error) {
	for name, text := range files {
		path := filepath.Join(dir, name)
		// the container's user must read it
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return nil, err
		}
		mounts = append(mounts, "--volume", path+":/etc/asterisk/"+name+":ro")
	}
	return mounts, nil
}

// URL is the base URL of ARI.
func (a *Asterisk) URL() string { return fmt.Sprintf("http://127.0.0.1:%d/ari", a.ARIPort) }

// PID is the id of the Asterisk process, as this machine sees it.
func (a *Asterisk) PID(ctx context.Context) (int, error) {
	text, err := docker(ctx, "inspect", "--format", "{{.State.Pid}}", a.ID)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(text))
}

// Console runs a command on Asterisk's console.
func (a *Asterisk) Console(ctx context.Context, command string) (string, error) {
	return docker(ctx, "exec", a.ID, "asterisk", "-rx", command)
}

// Log reads one of Asterisk's own logs: "cel-custom/cel.csv", "cdr-custom/cdr.csv", "queue_log".
func (a *Asterisk) Log(ctx context.Context, name string) (string, error) {
	return docker(ctx, "exec", a.ID, "cat", "/var/log/asterisk/"+name)
}

// Stop ends the container.
func (a *Asterisk) Stop(ctx context.Context) error {
	_, err := docker(ctx, "rm", "--force", a.ID)
	return err
}

// Kill ends Asterisk and its container as a crash would.
func (a *Asterisk) Kill(ctx context.Context) error {
	_, err := docker(ctx, "kill", a.ID)
	return err
}

func docker(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("docker %s: %w: %s", args[0], err,
			strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
