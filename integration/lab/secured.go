package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Secured is the three servers of NATS that deploy/cluster/nats.conf describes, on loopback, with the
// keys that deploy/cluster/keys makes: TLS, and a user for each part of the cluster.
type Secured struct {
	CA   string // the file that its certificates are verified with
	URLs []string
	keys string
	all  []*securedServer
}

type securedServer struct {
	cmd    *exec.Cmd
	log    *syncBuffer
	done   chan struct{}
	health string
}

// securedServers are as many as the documents have.
const securedServers = 3

// StartSecured starts the servers below dir. deploy is the folder deploy/cluster. Stop ends what it has
// started, also where it fails.
func StartSecured(ctx context.Context, binary, deploy, dir string) (*Secured, error) {
	s := &Secured{keys: filepath.Join(dir, "keys")}
	s.CA = filepath.Join(s.keys, "ca.pem")
	made := exec.CommandContext(ctx, filepath.Join(deploy, "keys"), s.keys, "localhost")
	if out, err := made.CombinedOutput(); err != nil {
		return s, fmt.Errorf("making the keys: %w: %s", err, out)
	}
	passwords, err := os.ReadFile(filepath.Join(s.keys, "nats.env"))
	if err != nil {
		return s, err
	}
	var ports [securedServers][3]int // of clients, of the other servers, of its health
	var routes []string
	for i := range ports {
		for j := range ports[i] {
			if ports[i][j], err = FreePort("tcp"); err != nil {
				return s, err
			}
		}
		routes = append(routes, fmt.Sprintf("\"nats-route://localhost:%d\"", ports[i][1]))
		s.URLs = append(s.URLs, fmt.Sprintf("tls://localhost:%d", ports[i][0]))
	}
	for i, p := range ports {
		name := fmt.Sprintf("nats%d", i+1)
		env := append(strings.Fields(string(passwords)),
			"NATS_NAME="+name, fmt.Sprintf("NATS_LISTEN=localhost:%d", p[0]),
			fmt.Sprintf("NATS_HEALTH=localhost:%d", p[2]),
			fmt.Sprintf("NATS_ROUTES_LISTEN=localhost:%d", p[1]),
			"NATS_ROUTES=["+strings.Join(routes, ", ")+"]", "NATS_STORE="+filepath.Join(dir, name),
			"NATS_CA="+s.CA, "NATS_CERT="+filepath.Join(s.keys, "localhost.pem"),
			"NATS_KEY="+filepath.Join(s.keys, "localhost-key.pem"))
		if err := s.start(binary, filepath.Join(deploy, "nats.conf"), env, p[2]); err != nil {
			return s, err
		}
	}
	for _, one := range s.all {
		if err := one.wait(ctx); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *Secured) start(binary, conf string, env []string, health int) error {
	n := &securedServer{
		cmd: exec.Command(binary, "--config", conf), log: &syncBuffer{}, done: make(chan struct{}),
		health: fmt.Sprintf("http://localhost:%d/healthz", health),
	}
	n.cmd.Env, n.cmd.Stdout, n.cmd.Stderr = append(os.Environ(), env...), n.log, n.log
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.cmd.Start(); err != nil {
		return fmt.Errorf("starting nats-server: %w", err)
	}
	go func() {
		_ = n.cmd.Wait() // Stop ends it
		close(n.done)
	}()
	s.all = append(s.all, n)
	return nil
}

// wait waits until the server is a part of its cluster, and JetStream works.
func (n *securedServer) wait(ctx context.Context) error {
	err := Until(ctx, time.Minute, "nats-server to be healthy", func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.health, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = errors.New(resp.Status)
		}
		if resp != nil {
			err = errors.Join(err, resp.Body.Close())
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, n.log.String())
	}
	return err
}

// Password is that of a user.
func (s *Secured) Password(user string) (string, error) {
	text, err := os.ReadFile(filepath.Join(s.keys, "nats-"+user))
	return strings.TrimSpace(string(text)), err
}

// Log is what all servers print: each refusal of a subject stands there.
func (s *Secured) Log() string {
	var b strings.Builder
	for _, n := range s.all {
		b.WriteString(n.log.String())
	}
	return b.String()
}

// Stop ends the servers.
func (s *Secured) Stop() {
	for _, n := range s.all {
		_ = n.cmd.Process.Kill() // already ended is fine
		<-n.done
	}
}
