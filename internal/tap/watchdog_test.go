package tap_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// serviceManager receives what a tap under systemd sends it, which expects a beat within that time.
func serviceManager(t *testing.T, micros string) *net.UnixConn {
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
	t.Setenv("WATCHDOG_USEC", micros)
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
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return string(b[:n])
}

// wantBeats waits for beats that came after what was there.
func wantBeats(t *testing.T, conn *net.UnixConn, when string) {
	t.Helper()
	for beats := 0; beats < 5; {
		switch got := nextState(t, conn, deadline); got {
		case "WATCHDOG=1":
			beats++
		case "":
			t.Fatalf("no beat comes %s", when)
		}
	}
}

// A tap beats for its loops while it has nothing to do, and while NATS is away:
// a new start would not mend that.
func TestTheWatchdogGetsBeats(t *testing.T) {
	manager := serviceManager(t, "300000")
	b := newBench(t, nil)
	b.startTap()
	wantBeats(t, manager, "from a tap that rests")
	b.nats.Stop()
	b.send(5)
	b.until("a try to fail", func() bool { return b.logged.FilterMessage("tap.publish_failed").Len() > 0 })
	wantBeats(t, manager, "while NATS is away")
}
