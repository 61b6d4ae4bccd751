package tap

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"
)

// A loop that hangs stops the beats for all.
func TestAHungLoopStopsTheWatchdog(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = manager.Close() }() // nothing was written to it
	t.Setenv("NOTIFY_SOCKET", name)
	beats := func(within time.Duration) bool {
		var b [256]byte
		err := manager.SetReadDeadline(time.Now().Add(within))
		n := 0
		if err == nil {
			n, err = manager.Read(b[:])
		}
		if err != nil && !os.IsTimeout(err) || n > 0 && string(b[:n]) != "WATCHDOG=1" {
			t.Fatalf("%q, %v", b[:n], err)
		}
		return n > 0
	}
	tap := &Tap{log: zap.NewNop(), beatWithin: 3 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	running, hung := make(beat), make(beat)
	go func() {
		defer close(done)
		tap.watchdog(ctx, running, hung)
	}()
	for range 3 {
		<-running
		<-hung
		if !beats(10 * time.Second) {
			t.Fatal("no beat came")
		}
	}
	<-running // and the other hangs
	if beats(100 * time.Millisecond) {
		t.Error("a beat came while a loop hung")
	}
	cancel()
	<-done
}

// A loop that waits to try again is alive.
func TestALoopThatRetriesTakesBeats(t *testing.T) {
	i := &intake{tap: &Tap{journal: &journal{freed: make(chan struct{}, 1)}}, beat: make(beat)}
	p := &publisher{beat: make(beat)}
	for name, loop := range map[string]struct {
		beat beat
		wait func(context.Context)
	}{
		"the journal's": {i.beat, func(ctx context.Context) { i.await(ctx, time.Hour) }},
		"the stream's":  {p.beat, func(ctx context.Context) { p.await(ctx, time.Hour) }},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			loop.wait(ctx)
		}()
		for range 3 {
			select {
			case loop.beat <- struct{}{}:
			case <-time.After(10 * time.Second):
				t.Fatalf("%s loop takes no beat", name)
			}
		}
		cancel()
		<-done
	}
}
