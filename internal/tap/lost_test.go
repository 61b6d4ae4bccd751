package tap_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/ari/cluster"
	"github.com/risposta/gateway/ari/native"
)

// The journal is lost, and so is the stream: what a meter has not read is a gap.
func TestWhatCannotBeHadIsAGap(t *testing.T) {
	b := newBench(t, nil)
	b.startTap()
	m := b.startMeter(nil)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	b.send(100)
	m.wants("[risposta.Snapshot] 1-100")
	from := m.stop()
	b.send(100)
	b.untilInStream("c-000200")
	b.endTap()
	b.loseAll()
	b.startTap()
	m = b.startMeter(from)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	b.send(100)
	m.wants("[risposta.Snapshot] 201-300")
	if !m.hasObserved("not resumed") {
		t.Errorf("observed %q", m.seen())
	}
	// And so it is to a meter that runs.
	b.nats.Stop()
	b.send(50)
	b.endTap()
	b.loseJournal()
	b.startNATS()
	b.startTap()
	b.until("a second snapshot", func() bool {
		return strings.Count(m.summary(), "[risposta.Snapshot]") == 2
	})
	b.send(100)
	m.wants("[risposta.Snapshot] 201-300 [risposta.Gap frames_lost] [risposta.Snapshot] 351-450")
}

func (b *bench) loseJournal() {
	b.t.Helper()
	files, err := filepath.Glob(filepath.Join(b.journal, "*.frames"))
	for _, f := range files {
		err = errors.Join(err, os.Remove(f))
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) loseAll() {
	b.t.Helper()
	b.loseJournal()
	stream, err := b.js.Stream(b.t.Context(), "FRAMES")
	if err == nil {
		err = stream.Purge(b.t.Context())
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// The PBX keeps its events while the tap is started anew: nothing is missing.
func TestARestartBehindAListenerIsNoGap(t *testing.T) {
	b := newBench(t, nil)
	listen := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		b.listen = &native.Listen{Listener: l, Username: "asterisk", Password: "sesame"}
		return "ws://" + l.Addr().String() + "/"
	}
	url := listen()
	go b.connect(url)
	b.startTap()
	m := b.startMeter(nil)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	b.send(100)
	m.wants("[risposta.Snapshot] 1-100")
	b.endTap()
	var kept [][]byte
	for range 50 {
		kept = append(kept, b.event())
	}
	url = listen()
	go b.connect(url, kept...)
	b.startTap()
	b.send(100)
	m.wants("[risposta.Snapshot] 1-250")
	for _, f := range m.frames {
		if p, _ := cluster.ParsePosition(f.Position); p.Gap {
			t.Errorf("position %+v is in a gap", p)
		}
	}
}

func (b *bench) connect(url string, kept ...[]byte) {
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if b.pbx.Connect(b.t.Context(), url, "asterisk", "sesame", kept...) == nil {
			return
		}
	}
}

func TestTheDeskHearsAtOnce(t *testing.T) {
	b := newBench(t, nil)
	b.startTap()
	m := b.startMeter(nil)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	b.send(10)
	b.until("the last event", func() bool { return m.has("c-000010") })
	start := ari.Event{
		Kind: ari.StasisStart, At: b.pbx.Now().Truncate(time.Millisecond), Node: aritest.Node,
		Channel: ari.Channel{ID: "desk-1", Name: "PJSIP/a-1", State: "Up"}, Args: []string{"announce"},
	}
	if err := b.pbx.Send(aritest.Frame(start)); err != nil {
		t.Fatal(err)
	}
	desk := func() int {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.desk)
	}
	b.until("the desk to hear of the caller", func() bool { return desk() == 1 })
	var worst time.Duration
	for i := range 50 {
		key := start
		key.Kind, key.Digit, key.Args = ari.ChannelDtmfReceived, "1", nil
		sent := time.Now()
		if err := b.pbx.Send(aritest.Frame(key)); err != nil {
			t.Fatal(err)
		}
		for desk() < i+2 {
			time.Sleep(time.Millisecond)
			if time.Since(sent) > deadline {
				t.Fatal("a key did not come")
			}
		}
		worst = max(worst, time.Since(sent))
	}
	t.Logf("the slowest of 50 keys took %s", worst)
}
