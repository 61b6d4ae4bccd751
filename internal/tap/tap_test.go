package tap_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/ari/cluster"
)

func TestFramesArriveInOrder(t *testing.T) {
	b := newBench(t, nil)
	b.startTap()
	m := b.startMeter(nil)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	b.send(2000)
	m.wants("[risposta.Snapshot] 1-2000")
	from := m.stop()
	b.send(1000)
	m = b.startMeter(from)
	m.wants("[Resumed] 2001-3000")
	if m.hasObserved("resent") || m.hasObserved("retrying") {
		t.Errorf("observed %q", m.seen())
	}
}

func TestALossInNATSIsResent(t *testing.T) {
	b := newBench(t, nil)
	b.startTap()
	m := b.startMeter(nil)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	b.send(100)
	m.wants("[risposta.Snapshot] 1-100")
	from := m.stop()
	b.send(500)
	b.untilInStream("c-000600")
	stream, err := b.js.Stream(t.Context(), "FRAMES")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.send(100)
	m = b.startMeter(from)
	m.wants("[Resumed] 101-700")
	if !m.hasObserved("resent") {
		t.Errorf("nothing was sent again: %q", m.seen())
	}
}

// untilInStream waits until the last message of the stream has a channel.
func (b *bench) untilInStream(channel string) {
	b.t.Helper()
	b.until(channel+" to be in the stream", func() bool {
		stream, err := b.js.Stream(b.t.Context(), "FRAMES")
		if err != nil {
			return false
		}
		last, err := stream.GetLastMsgForSubject(b.t.Context(), cluster.Subject(aritest.Node))
		for seq := uint64(0); err == nil && last.Sequence > seq && last.Sequence-seq < 50; seq++ {
			var m *jetstream.RawStreamMsg
			if m, err = stream.GetMsg(b.t.Context(), last.Sequence-seq); err == nil && hasChannel(m.Data, channel) {
				return true
			}
		}
		return false
	})
}

func hasChannel(text []byte, channel string) bool {
	m, err := cluster.ParseMessage(text)
	if err != nil {
		return false
	}
	frames, err := m.Frames()
	for _, f := range frames {
		if err == nil && strings.Contains(string(f.Raw), channel) {
			return true
		}
	}
	return false
}

// The server loses its disk, and is started anew with an empty one.
func TestAStreamThatIsGoneIsMadeAnew(t *testing.T) {
	b := newBench(t, nil)
	b.startTap()
	m := b.startMeter(nil)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	b.send(300)
	m.wants("[risposta.Snapshot] 1-300")
	b.nats.Stop()
	if err := os.RemoveAll(filepath.Join(b.dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	b.send(300)
	b.startNATS()
	b.send(300)
	m.wants("[risposta.Snapshot] 1-900")
}

func TestNATSIsAwayForATime(t *testing.T) {
	b := newBench(t, nil)
	b.startTap()
	m := b.startMeter(nil)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	b.send(300)
	m.wants("[risposta.Snapshot] 1-300")
	b.nats.Stop()
	b.send(300)
	b.until("the meter to know that nothing comes", func() bool { return m.hasObserved("sync lost: silence") })
	b.send(300)
	b.startNATS()
	m.wants("[risposta.Snapshot] 1-900")
	b.until("the meter to be synced again", func() bool {
		return strings.Count(strings.Join(m.seen(), "\n"), "synced: ") == 2
	})
}

func TestEveryMessageComesTwice(t *testing.T) {
	b := newBench(t, nil)
	b.startTap()
	m := b.startMeter(nil)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	stream, err := b.js.Stream(t.Context(), "FRAMES")
	if err != nil {
		t.Fatal(err)
	}
	twice, err := stream.OrderedConsumer(t.Context(), jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	sent := map[string]bool{}
	again, err := twice.Consume(func(msg jetstream.Msg) {
		if sent[string(msg.Data())] {
			return
		}
		sent[string(msg.Data())] = true
		if _, err := b.js.Publish(t.Context(), msg.Subject(), msg.Data()); err != nil {
			t.Errorf("sending a message again: %v", err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Stop()
	b.send(500)
	b.untilInStream("c-000500")
	b.send(500)
	m.wants("[risposta.Snapshot] 1-1000")
	from := m.stop()
	b.send(10)
	m = b.startMeter(from)
	m.wants("[Resumed] 1001-1010")
	again.Stop()
	<-again.Closed()
	if len(sent) < 3 {
		t.Errorf("%d messages came twice", len(sent))
	}
}

func TestQuestionsAreAnsweredInOrder(t *testing.T) {
	b := newBench(t, nil)
	b.startTap()
	m := b.startMeter(nil)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	b.send(10)
	m.wants("[risposta.Snapshot] 1-10")
	m.source.Probe([]ari.ProbeRequest{{Serial: 7, Channel: "c-000001", Name: "PJSIP/a-1", Hold: true}})
	b.until("the answer", func() bool { return m.has("[risposta.Findings]") })
	m.source.Resync(ari.GapUnreadable)
	b.until("a snapshot", func() bool {
		return strings.HasSuffix(m.summary(), "[risposta.Snapshot]") &&
			m.has("[risposta.Gap unreadable_frame]")
	})
	b.send(10)
	m.wants("[risposta.Snapshot] 1-10 [risposta.Findings] [risposta.Gap unreadable_frame] " +
		"[risposta.Snapshot] 11-20")
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.frames {
		if f.Event != nil && f.Event.Kind == ari.Probed {
			if len(f.Event.Answers) != 1 || f.Event.Answers[0].Serial != 7 || f.Event.Answers[0].Hold != ari.HoldOff {
				t.Errorf("the answers are %+v", f.Event.Answers)
			}
		}
		if f.Event == nil && (f.Sent == 0 || f.Arrived <= f.Sent) {
			t.Errorf("a heartbeat was sent at %s and arrived at %s", f.Sent, f.Arrived)
		}
	}
}
