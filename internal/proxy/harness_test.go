package proxy_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
	"github.com/risposta/gateway/integration/lab"
	"github.com/risposta/gateway/internal/proxy"
	"github.com/risposta/gateway/metering"
)

// natsBinary is the real server, built once.
var natsBinary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "risposta-nats-")
	if err == nil {
		natsBinary = filepath.Join(dir, "nats-server")
		var out []byte
		if out, err = exec.Command("go", "build", "-modfile=../../tools/nats.mod", "-o", natsBinary,
			"github.com/nats-io/nats-server/v2").CombinedOutput(); err != nil {
			err = fmt.Errorf("building nats-server: %w: %s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

const limit = 30 * time.Second

func newNATS(t *testing.T) *lab.NATS {
	t.Helper()
	n, err := lab.NewNATS(natsBinary, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func startNATS(t *testing.T) *lab.NATS {
	t.Helper()
	n := newNATS(t)
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Stop)
	return n
}

// fakePBX answers the proxy, and notes the commands.
type fakePBX struct {
	mu        sync.Mutex
	node      string
	deaf      bool
	channels  []ari.Channel
	bridges   []ari.Bridge
	variables map[string]string
	commands  []string
	// hangs: commands end with their context.
	hangs bool
}

const node = "02:00:00:00:00:99"

func (f *fakePBX) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakePBX) Info(context.Context) (ari.Info, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return ari.Info{
		Node: f.node, SystemName: "fake", Version: "22",
		Started: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC),
	}, nil
}

func (f *fakePBX) Lists(context.Context) (*ari.Snapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &ari.Snapshot{Bridges: f.bridges}
	for _, c := range f.channels {
		s.Legs = append(s.Legs, ari.Leg{Channel: c})
	}
	return s, nil
}

func (f *fakePBX) Subscribed(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deaf {
		return fmt.Errorf("application: %s", ari.GapDeaf)
	}
	return nil
}

func (f *fakePBX) Channel(_ context.Context, id ari.ChannelID) (ari.Channel, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.channels {
		if c.ID == id && c.State != "gone" {
			return c, nil
		}
	}
	return ari.Channel{}, fmt.Errorf("GET channels/%s: %w", id, ari.ErrNotFound)
}

func (f *fakePBX) Bridge(_ context.Context, id ari.BridgeID) (ari.Bridge, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range f.bridges {
		if b.ID == id {
			return b, nil
		}
	}
	return ari.Bridge{}, fmt.Errorf("GET bridges/%s: %w", id, ari.ErrNotFound)
}

func (f *fakePBX) Variable(_ context.Context, ch ari.ChannelID, name string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.variables[string(ch)+" "+name]
	if !ok {
		return "", fmt.Errorf("the PBX responds 500")
	}
	return v, nil
}

func (f *fakePBX) command(ctx context.Context, ch ari.ChannelID, text string) error {
	f.mu.Lock()
	hangs := f.hangs
	f.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if _, err := f.Channel(context.Background(), ch); err != nil {
		return err
	}
	f.set(func() { f.commands = append(f.commands, text) })
	return nil
}

func (f *fakePBX) Play(
	ctx context.Context, ch ari.ChannelID, playback, language, media string,
) error {
	return f.command(ctx, ch, fmt.Sprintf("play %s %s %s %s", ch, playback, language, media))
}

func (f *fakePBX) SetVariable(ctx context.Context, ch ari.ChannelID, name, value string) error {
	return f.command(ctx, ch, fmt.Sprintf("set %s %s=%s", ch, name, value))
}

func (f *fakePBX) Continue(ctx context.Context, ch ari.ChannelID) error {
	return f.command(ctx, ch, fmt.Sprintf("continue %s", ch))
}

func (f *fakePBX) HangUp(ctx context.Context, ch ari.ChannelID) error {
	return f.command(ctx, ch, fmt.Sprintf("hang up %s", ch))
}

func (f *fakePBX) done() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.commands...)
}

const caller ari.ChannelID = "pbx1-1.1"

func newFake() *fakePBX {
	return &fakePBX{node: node, variables: map[string]string{}, channels: []ari.Channel{{
		ID: caller, Name: "PJSIP/trunk-00000001", State: "Up", Context: "from-trunk", Exten: "1001",
		App: "Stasis", AppData: "risposta,announce", Caller: metering.NewNumber("+39061234567"),
		Created: time.Date(2026, 11, 30, 10, 0, 0, 123e6, time.UTC),
	}}}
}

// running is a proxy that runs until the test ends.
type running struct {
	admin string
	logs  *observer.ObservedLogs
	stop  func() error
}

func startProxy(t *testing.T, pbx proxy.PBX, url string) *running {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	p, err := proxy.New(t.Context(), proxy.Config{
		PBX: pbx, Application: "risposta", URL: url, Admin: "127.0.0.1:0",
	}, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	r := &running{admin: p.AdminAddr().String(), logs: logs}
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return r
}

// asks is what the proxy has no request for.
type asks struct{}

func (asks) Probe(context.Context, ari.ProbeRequest) ari.ProbeAnswer { return ari.ProbeAnswer{} }
func (asks) Heartbeat(context.Context, uint64) error                 { return nil }

// seen notes the connection of a Control.
type seen struct{ connected, lost chan struct{} }

func (s seen) Connected()                        { s.connected <- struct{}{} }
func (s seen) Disconnected(error, time.Duration) { s.lost <- struct{}{} }

func newControl(t *testing.T, url, node string) (*cluster.Control, seen) {
	t.Helper()
	return newControlOf(t, node, url)
}

// newControlOf makes a Control that knows several servers.
func newControlOf(t *testing.T, node string, urls ...string) (*cluster.Control, seen) {
	t.Helper()
	s := seen{make(chan struct{}, 1000), make(chan struct{}, 1000)}
	c := cluster.NewControl(cluster.ControlConfig{
		URLs: urls, Application: "risposta", Node: node, Observer: s,
	}, asks{})
	t.Cleanup(c.Close)
	return c, s
}

func await(t *testing.T, what string, f func() error) {
	t.Helper()
	if err := lab.Until(t.Context(), limit, what, f); err != nil {
		t.Fatal(err)
	}
}

// start is a NATS, a proxy of the PBX, and a control whose commands arrive.
func start(t *testing.T, pbx *fakePBX) (*cluster.Control, *running, *lab.NATS) {
	t.Helper()
	n := startNATS(t)
	r := startProxy(t, pbx, n.URL())
	c, _ := newControl(t, n.URL(), node)
	await(t, "the control to reach the PBX", func() error {
		_, err := c.Info(t.Context())
		return err
	})
	return c, r, n
}
