package tap_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/ari/cluster"
	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/integration/lab"
	"github.com/risposta/gateway/internal/tap"
)

// deadline bounds each wait of these tests.
const deadline = time.Minute

// childEnv makes this program a tap, which can be killed.
const childEnv = "TAP_TEST_CHILD"

// natsServer is where TestMain builds the server.
var natsServer string

func TestMain(m *testing.M) {
	if text := os.Getenv(childEnv); text != "" {
		os.Exit(runChild(text))
	}
	dir, err := os.MkdirTemp("", "tap-test-")
	if err != nil {
		panic(err)
	}
	natsServer = filepath.Join(dir, "nats-server")
	out, err := exec.Command("go", "build", "-modfile=../../tools/nats.mod", "-o", natsServer,
		"github.com/nats-io/nats-server/v2").CombinedOutput()
	if err != nil {
		panic(fmt.Sprintf("building nats-server: %v: %s", err, out))
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// settings are those of a tap, also of one in a process of its own.
type settings struct {
	PBX, NATS, Folder      string
	JournalBytes, MaxBytes int64
	QueueFrames            int
}

func (s settings) config() (tap.Config, error) {
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	return tap.Config{
		PBX: native.Config{
			URL: s.PBX, Username: aritest.Username, Password: aritest.Password, Application: "risposta",
		},
		Server: cluster.Server{URLs: []string{s.NATS}}, Stream: s.stream(), Folder: s.Folder,
		JournalBytes: s.JournalBytes, QueueFrames: s.QueueFrames, Admin: admin,
		Guard: func(next http.Handler, _ func(string, zap.Field)) http.Handler { return next },
	}, err
}

func (s settings) stream() cluster.Stream {
	return cluster.Stream{Name: "FRAMES", Replicas: 1, MaxBytes: s.MaxBytes, MaxAge: time.Hour}
}

func runChild(text string) int {
	var s settings
	err := json.Unmarshal([]byte(text), &s)
	conf, cerr := s.config()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err == nil && cerr == nil {
		var t *tap.Tap
		if t, err = tap.New(conf, zap.Must(zap.NewProduction())); err == nil {
			err = t.Run(ctx)
		}
	}
	if err != nil || cerr != nil {
		fmt.Fprintln(os.Stderr, err, cerr)
		return 1
	}
	return 0
}

// bench is a PBX, a NATS, a tap and a meter.
type bench struct {
	t    *testing.T
	pbx  *aritest.PBX
	nats *lab.NATS
	dir  string // of NATS
	settings
	conn *nats.Conn
	js   jetstream.JetStream
	sent []string // what the PBX has sent while it was seen

	listen  *native.Listen // where the PBX connects; nil: the tap does
	tap     *tap.Tap
	logged  *observer.ObservedLogs
	endTap  func()
	child   *exec.Cmd
	meter   *meter
	journal string
}

func newBench(t *testing.T, change func(*settings)) *bench {
	t.Helper()
	b := &bench{t: t, pbx: aritest.New(), dir: t.TempDir(), journal: t.TempDir()}
	t.Cleanup(b.pbx.Close)
	var err error
	if b.nats, err = lab.NewNATS(natsServer, b.dir); err != nil {
		t.Fatal(err)
	}
	b.startNATS()
	t.Cleanup(func() { b.nats.Stop() })
	b.settings = settings{
		PBX: b.pbx.URL(), NATS: b.nats.URL(), Folder: b.journal, JournalBytes: 64 << 20, MaxBytes: 64 << 20,
	}
	if change != nil {
		change(&b.settings)
	}
	b.conn, err = cluster.Connect(cluster.Server{URLs: []string{b.NATS}}, "test", cluster.Events{
		Lost: func(error) {}, Back: func() {}, Refused: func(err error) { t.Errorf("refused: %v", err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.conn.Close)
	if b.js, err = jetstream.New(b.conn); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) startNATS() {
	b.t.Helper()
	if err := b.nats.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// startTap starts a tap within this process.
func (b *bench) startTap() {
	b.t.Helper()
	conf, err := b.config()
	if err != nil {
		b.t.Fatal(err)
	}
	conf.PBX.Listen = b.listen
	core, logged := observer.New(zap.InfoLevel)
	if b.tap, err = tap.New(conf, zap.New(core)); err != nil {
		b.t.Fatal(err)
	}
	b.logged = logged
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.tap.Run(ctx) }()
	b.endTap = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("the tap ended with %v", err)
		}
	})
	b.t.Cleanup(b.endTap)
	b.until("the tap to be synced", func() bool { return logged.FilterMessage("pbx.synced").Len() > 0 })
}

// startChild starts a tap in a process of its own.
func (b *bench) startChild() {
	b.t.Helper()
	text, err := json.Marshal(b.settings)
	if err != nil {
		b.t.Fatal(err)
	}
	connects := b.pbx.Connects()
	b.child = exec.Command(os.Args[0])
	b.child.Env = append(os.Environ(), childEnv+"="+string(text))
	b.child.Stderr = os.Stderr
	b.child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := b.child.Start(); err != nil {
		b.t.Fatal(err)
	}
	child := b.child
	b.t.Cleanup(func() {
		_ = child.Process.Kill() // already ended is fine
		_ = child.Wait()
	})
	b.until("the tap to connect", func() bool { return b.pbx.Connects() > connects })
}

func (b *bench) kill() {
	b.t.Helper()
	if err := b.child.Process.Kill(); err != nil {
		b.t.Fatal(err)
	}
	_ = b.child.Wait()
	b.pbx.Cut()
}

func (b *bench) until(what string, ok func() bool) {
	b.t.Helper()
	for end := time.Now().Add(deadline); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().Before(end) {
			continue
		}
		got := ""
		if b.meter != nil {
			got = fmt.Sprint(b.meter.summary(), b.meter.seen())
		}
		if b.logged != nil {
			for _, e := range b.logged.All() {
				got += fmt.Sprintln(e.Message, e.ContextMap())
			}
		}
		b.t.Fatalf("waited %s for %s\n%s", deadline, what, got)
	}
}

// send has the PBX send so many events, each of another channel.
func (b *bench) send(n int) {
	b.t.Helper()
	for range n {
		if err := b.pbx.Send(b.event()); err != nil {
			b.t.Fatalf("sending event %s: %v", b.sent[len(b.sent)-1], err)
		}
	}
}

// event is the next event of the PBX.
func (b *bench) event() []byte {
	id := fmt.Sprintf("c-%06d", len(b.sent)+1)
	b.sent = append(b.sent, id)
	return aritest.Frame(ari.Event{
		Kind: ari.ChannelCreated, At: b.pbx.Now().Truncate(time.Millisecond), Node: aritest.Node,
		Channel: ari.Channel{ID: ari.ChannelID(id), Name: "PJSIP/a-" + id, State: "Ring",
			App: "Dial", AppData: rand.Text() + rand.Text() + rand.Text(), // it is hard to compress
		},
	})
}
