package lab

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// NATS is a server with JetStream for one test, on loopback, a process of its own.
type NATS struct {
	binary, dir string
	options     []string
	port        int
	cmd         *exec.Cmd
	done        chan struct{}
}

// NewNATS makes a server whose stream is kept in dir. It is not started. options are more arguments of
// nats-server.
func NewNATS(binary, dir string, options ...string) (*NATS, error) {
	port, err := FreePort("tcp")
	return &NATS{binary: binary, dir: dir, port: port, options: options}, err
}

// NewNATSCluster makes servers that keep a stream together, each in a folder of its own below dir. They
// tell clients of no other address than the one that these have.
func NewNATSCluster(binary, dir string, servers int) ([]*NATS, error) {
	if servers == 1 {
		n, err := NewNATS(binary, filepath.Join(dir, "nats1"))
		return []*NATS{n}, err
	}
	all, routes := make([]*NATS, servers), make([]string, servers)
	for i := range all {
		port, err := FreePort("tcp")
		if err != nil {
			return nil, err
		}
		routes[i] = fmt.Sprintf("nats://127.0.0.1:%d", port)
		if all[i], err = NewNATS(binary, filepath.Join(dir, fmt.Sprintf("nats%d", i+1))); err != nil {
			return nil, err
		}
	}
	for i, n := range all {
		n.options = []string{
			"-n", filepath.Base(n.dir), "--cluster_name", "lab", "--cluster", routes[i],
			"--routes", strings.Join(routes, ","), "--no_advertise",
		}
	}
	return all, nil
}

// Folder is where its stream is kept.
func (n *NATS) Folder() string { return n.dir }

// Signal sends a signal, such as SIGSTOP.
func (n *NATS) Signal(sig syscall.Signal) error { return n.cmd.Process.Signal(sig) }

// URL is its address.
func (n *NATS) URL() string { return fmt.Sprintf("nats://127.0.0.1:%d", n.port) }

// Start starts it, and waits until it accepts connections.
func (n *NATS) Start(ctx context.Context) error {
	n.done = make(chan struct{})
	args := []string{"-js", "-sd", n.dir, "-a", "127.0.0.1", "-p", strconv.Itoa(n.port)}
	n.cmd = exec.Command(n.binary, append(args, n.options...)...)
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.cmd.Start(); err != nil {
		return fmt.Errorf("starting nats-server: %w", err)
	}
	go func() {
		_ = n.cmd.Wait() // Stop ends it
		close(n.done)
	}()
	return Until(ctx, time.Minute, "nats-server to accept connections", func() error {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(n.port)))
		if err == nil {
			err = c.Close()
		}
		return err
	})
}

// Stop ends it. What it has acknowledged stays.
func (n *NATS) Stop() {
	if n.cmd == nil {
		return
	}
	_ = n.cmd.Process.Kill() // already ended is fine
	<-n.done
}
