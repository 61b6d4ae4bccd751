package lab

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
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
	_ = n.cmd.Process.Kill() // already ended is fine
	<-n.done
}
