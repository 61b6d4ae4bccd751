package native_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/ari/native"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// harness runs a source beside a fake PBX, and reads its queue.
type harness struct {
	t      *testing.T
	pbx    *aritest.PBX
	queue  *ari.Queue
	source *native.Source
	cancel context.CancelFunc
	done   chan error

	mu       sync.Mutex
	observed []string
}

func (h *harness) observe(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.observed = append(h.observed, fmt.Sprintf(format, args...))
}

func (h *harness) Retrying(err error, _ time.Duration) { h.observe("retrying: %v", err) }
func (h *harness) LoginRefused(string)                 { h.observe("login refused") }
func (h *harness) ListenerFailed(text string)          { h.observe("listener failed: %s", text) }
func (h *harness) NotResumed(err error)                { h.observe("not resumed: %v", err) }
func (h *harness) NotFiltered(err error)               { h.observe("not filtered: %v", err) }
func (h *harness) SyncLost(reason string, _ error)     { h.observe("sync lost: %s", reason) }
func (h *harness) Overflowed()                         { h.observe("overflowed") }
func (h *harness) Synced(i ari.Info, n int, _ time.Duration) {
	h.observe("synced: %s %s %d", i.Node, i.SystemName, n)
}

func (h *harness) hasObserved(what string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Contains(strings.Join(h.observed, "\n"), what)
}

func configFor(pbx *aritest.PBX) native.Config {
	return native.Config{
		URL: pbx.URL(), Username: aritest.Username, Password: aritest.Password,
		Application: "risposta",
	}
}

// start runs a source with a queue of so many frames (0: the default).
func start(
	t *testing.T, pbx *aritest.PBX, cfg native.Config, frames int, accept func(ari.Info) error,
) *harness {
	t.Helper()
	h := &harness{t: t, pbx: pbx, queue: ari.NewQueue(frames), done: make(chan error, 1)}
	h.source = native.New(cfg, h.queue, h, accept)
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel = sync.OnceFunc(func() {
		cancel()
		if err := <-h.done; err != nil {
			t.Errorf("Run returned %v after the end of its context, want nil", err)
		}
	})
	go func() { h.done <- h.source.Run(ctx) }()
	t.Cleanup(h.cancel)
	return h
}

// dialled starts a source that connects to a PBX of its own.
func dialled(t *testing.T) *harness {
	t.Helper()
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	return start(t, pbx, configFor(pbx), 0, nil)
}

// deadline bounds each wait of these tests.
const deadline = 15 * time.Second

func (h *harness) until(what string) {
	h.t.Helper()
	end := time.Now().Add(deadline)
	for !h.hasObserved(what) {
		if time.Now().After(end) {
			h.t.Fatalf("waited %s for %q; observed %q", deadline, what, h.observed)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// next takes the next frame that is not a heartbeat.
func (h *harness) next() ari.Frame {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	for {
		for _, f := range h.queue.Take(1) {
			if f.Decoded == nil || f.Decoded.Kind != ari.Heartbeat {
				return f
			}
		}
		if h.queue.Len() == 0 {
			select {
			case <-h.queue.Ready():
			case <-ctx.Done():
				h.t.Fatalf("no frame came within %s; observed %q", deadline, h.observed)
			}
		}
	}
}

func (h *harness) wantEvent(kind ari.Kind, reason string) ari.Frame {
	h.t.Helper()
	f := h.next()
	if f.Event == nil || f.Event.Kind != kind || f.Event.Reason != reason {
		h.t.Fatalf("got %+v %s, want kind %d %s", f.Event, f.Raw, kind, reason)
	}
	return f
}

func (h *harness) send(frame string) {
	h.t.Helper()
	if err := h.pbx.Send([]byte(frame)); err != nil {
		h.t.Fatal(err)
	}
}

// wantFrame takes a frame that must be this one: as it came where it cannot be read, else as it reads.
func (h *harness) wantFrame(want string) {
	h.t.Helper()
	f, read := h.next(), ari.Frame{Raw: []byte(want)}
	bad := read.Read()
	if f.Length != len(want) || string(f.Raw) != string(read.Raw) ||
		bad == nil && !reflect.DeepEqual(f.Decoded, read.Decoded) {
		h.t.Fatalf("got %s %+v %+v, want %s", f.Raw, f.Decoded, f.Event, want)
	}
}
