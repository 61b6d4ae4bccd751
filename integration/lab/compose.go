package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
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
	project := Compose{File: file, Project: composeProject}
	if _, err := project.Run(ctx, "up", "--detach", "--force-recreate"); err != nil {
		return nil, err
	}
	a, err := project.Asterisk(ctx, composeSIPPort, composeARIPort)
	if err != nil && a != nil {
		err = errors.Join(err, a.Stop(ctx))
	}
	return a, err
}

// healthy waits until Compose's own check of the container passes.
func (a *Asterisk) healthy(ctx context.Context) error {
	return Until(ctx, startTimeout, "Asterisk to be healthy", func() error {
		health, err := docker(ctx, "inspect", "--format", "{{.State.Health.Status}}", a.ID)
		if err == nil && strings.TrimSpace(health) != "healthy" {
			err = fmt.Errorf("it is %s", strings.TrimSpace(health))
		}
		return err
	})
}

// Asterisk waits until the service asterisk of the project is healthy, on the given ports.
func (c Compose) Asterisk(ctx context.Context, sipPort, ariPort int) (*Asterisk, error) {
	id, err := c.Run(ctx, "ps", "--quiet", "asterisk")
	if err != nil {
		return nil, err
	}
	a := &Asterisk{ID: strings.TrimSpace(id), SIPPort: sipPort, ARIPort: ariPort}
	return a, a.healthy(ctx)
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

// Compose is one project of a Compose file.
type Compose struct {
	File, Project string
	Env           []string // for the file's variables, beside this process's own
}

// Run runs `docker compose` if it is installed, else docker-compose, and returns what it prints.
func (c Compose) Run(ctx context.Context, args ...string) (string, error) {
	command := []string{"docker", "compose"}
	if exec.CommandContext(ctx, "docker", "compose", "version").Run() != nil {
		command = []string{"docker-compose"}
	}
	command = append(command, "--project-name", c.Project, "--file", c.File)
	command = append(command, args...)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), c.Env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err,
			strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
