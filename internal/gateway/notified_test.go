package gateway_test

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/risposta/gateway/ari/aritest"
)

// A gateway under systemd says that it is ready, then that its workers go round, then that it ends.
func TestGatewayNotifiesTheServiceManager(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", name)
	t.Setenv("WATCHDOG_USEC", "30000")
	want := func(state string) {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(deadline)); err != nil {
			t.Fatal(err)
		}
		for {
			var b [256]byte
			n, err := conn.Read(b[:])
			if err != nil {
				t.Fatalf("%s: %v", state, err)
			}
			if string(b[:n]) == state {
				return
			}
		}
	}
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	r := start(t, pbx, configure(t, pbx, t.TempDir(), ""))
	want("READY=1")
	for range 3 {
		want("WATCHDOG=1")
	}
	r.stop()
	want("STOPPING=1")
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}
