package proxy_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Without a proxy, or without NATS, a command fails at once.
func TestNobodyServes(t *testing.T) {
	n := newNATS(t)
	c, s := newControl(t, n.URL(), node)
	<-s.lost
	fails := func(want string) {
		t.Helper()
		began := time.Now()
		err := c.Continue(t.Context(), caller)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%q took %s", want, took)
		}
	}
	fails("no connection to NATS")
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Stop)
	select {
	case <-s.connected:
	case <-time.After(limit):
		t.Fatal("the control does not connect")
	}
	fails("no `risposta proxy` of this PBX")
	if _, err := c.Lists(t.Context()); err == nil {
		t.Error("a PBX that nobody serves has no channels")
	}
}

// Of several servers any one will do.
func TestControlReachesTheServerThatListens(t *testing.T) {
	n := startNATS(t)
	startProxy(t, newFake(), n.URL())
	c, _ := newControlOf(t, node, newNATS(t).URL(), n.URL(), newNATS(t).URL())
	await(t, "the control to reach the PBX", func() error {
		_, err := c.Info(t.Context())
		return err
	})
}

// A PBX that does not respond, or a meter that has no time, ends the wait.
func TestDeadlines(t *testing.T) {
	pbx := newFake()
	pbx.hangs = true
	c, _, _ := start(t, pbx)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := c.Continue(ctx, caller); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("a context of 200 ms was left after %s", took)
	}
	began = time.Now()
	if err := c.HangUp(t.Context(), caller); err == nil {
		t.Error("a PBX that hangs has hung up")
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("without a deadline of its own it took %s", took)
	}
}

// The server of NATS is away for a while.
func TestNATSComesBack(t *testing.T) {
	pbx := newFake()
	c, r, n := start(t, pbx)
	n.Stop()
	if err := c.Continue(t.Context(), caller); err == nil {
		t.Error("without NATS a command has arrived")
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, "commands to arrive again", func() error {
		return c.HangUp(t.Context(), caller)
	})
	for _, command := range pbx.done() {
		if strings.HasPrefix(command, "continue") {
			t.Error("the command that failed was carried out later")
		}
	}
	await(t, "the proxy to be ready", func() error {
		resp, err := http.Get("http://" + r.admin + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				err = errors.New(resp.Status)
			}
		}
		return err
	})
}
