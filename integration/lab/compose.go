package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
)

// The ports of deploy/asterisk/etc, and the name of the Compose project.
const (
	composeSIPPort = 5060
	composeARIPort = 8088
	composeProject = "risposta-demo"
)

// ComposeAsterisk starts Asterisk as compose.yaml deploys it, on its standard ports, and waits
// until it is healthy.
func ComposeAsterisk(ctx context.Context, file string) (*Asterisk, error) {
	if err := portsFree(); err != nil {
		return nil, err
	}
	if _, err := compose(ctx, file, "up", "--detach", "--force-recreate"); err != nil {
		return nil, err
	}
	id, err := compose(ctx, file, "ps", "--quiet", "asterisk")
	if err != nil {
		return nil, err
	}
	a := &Asterisk{ID: strings.TrimSpace(id), SIPPort: composeSIPPort, ARIPort: composeARIPort}
	err = Until(ctx, startTimeout, "Asterisk to be healthy", func() error {
		health, err := docker(ctx, "inspect", "--format", "{{.State.Health.Status}}", a.ID)
		if err == nil && strings.TrimSpace(health) != "healthy" {
			err = fmt.Errorf("it is %s", strings.TrimSpace(health))
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, a.Stop(ctx))
	}
	return a, nil
}

// portsFree reports a port that is in use. Docker's own message about that is hard to read.
func portsFree() error {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", composeARIPort))
	if err != nil {
		return portInUse(composeARIPort, err)
	}
	c, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", composeSIPPort))
	if err != nil {
		return errors.Join(portInUse(composeSIPPort, err), l.Close())
	}
	return errors.Join(l.Close(), c.Close())
}

func portInUse(port int, err error) error {
	return fmt.Errorf("port %d is in use: stop its PBX, the demo starts its own: %w", port, err)
}

// compose runs `docker compose` if it is installed, else docker-compose.
func compose(ctx context.Context, file string, args ...string) (string, error) {
	command := []string{"docker", "compose"}
	if exec.CommandContext(ctx, "docker", "compose", "version").Run() != nil {
		command = []string{"docker-compose"}
	}
	command = append(command, append([]string{"--project-name", composeProject, "--file", file},
		args...)...)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err,
			strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
