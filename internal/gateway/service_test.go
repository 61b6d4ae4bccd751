package gateway

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering/ledger"
)

// serviceManager receives what a gateway under systemd sends it.
func serviceManager(t *testing.T) *net.UnixConn {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("NOTIFY_SOCKET", name)
	return conn
}

// nextState is the next state that comes within a time, "" if none does.
func nextState(t *testing.T, conn *net.UnixConn, within time.Duration) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	var b [256]byte
	n, err := conn.Read(b[:])
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return ""
	case err != nil:
		t.Fatal(err)
	}
	return string(b[:n])
}

const beatWithin = 10 * time.Second

// A worker whose loop comes round is beaten for; one that hangs stops the beats of all.
func TestAHungWorkerStopsTheWatchdog(t *testing.T) {
	manager := serviceManager(t)
	t.Setenv("WATCHDOG_USEC", "3000")
	running, hung := &pbxWorker{beat: make(chan struct{})}, &pbxWorker{beat: make(chan struct{})}
	d := &Gateway{log: zap.NewNop()}
	d.sites.add(&site{workers: []*pbxWorker{running, hung}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.watchdog(ctx) }()
	for range 3 {
		<-running.beat
		<-hung.beat
		if got := nextState(t, manager, beatWithin); got != "WATCHDOG=1" {
			t.Errorf("%q came, want a beat", got)
		}
	}
	<-running.beat // and the other hangs
	if got := nextState(t, manager, 100*time.Millisecond); got != "" {
		t.Errorf("%q came while a worker hung", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// fullDisk fails each commit.
type fullDisk struct{ workerLedger }

func (fullDisk) Commit(context.Context, *ledger.Batch) error { return errors.New("disk full") }

// A worker that retries its commit is alive: starting it again would not mend the disk.
func TestARetriedCommitTakesBeats(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := workerOn(t, fullDisk{}, "pbx", zap.NewNop())
	w.beat = make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- w.commit(ctx, &mediation.Output{}) }()
	for range 5 {
		select {
		case w.beat <- struct{}{}:
		case <-time.After(beatWithin):
			t.Fatal("no beat was taken while commits failed")
		}
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("the commit ended without an error")
	}
}
