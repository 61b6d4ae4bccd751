package tap_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/ari/cluster"
)

// meter reads the frames of the PBX.
type meter struct {
	b      *bench
	queue  *ari.Queue
	source *cluster.Source
	end    func()

	mu       sync.Mutex
	got      []string // channels, and in brackets the events of a source
	position ari.Position
	observed []string
	desk     []ari.Event
	frames   []ari.Frame
}

// startMeter starts a meter that goes on from a position.
func (b *bench) startMeter(from ari.Position) *meter {
	b.t.Helper()
	m := &meter{b: b, queue: ari.NewQueue(0), position: from}
	m.source = cluster.New(cluster.Config{
		Conn: b.conn, Stream: "FRAMES", Node: aritest.Node, From: from,
		Desk: func(ev ari.Event) {
			m.mu.Lock()
			m.desk = append(m.desk, ev)
			m.mu.Unlock()
		},
	}, m.queue, m)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := m.source.Run(ctx); err != nil {
			b.t.Errorf("the source ended with %v", err)
		}
	})
	running.Go(func() { m.read(ctx) })
	m.end = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	b.t.Cleanup(m.end)
	b.meter = m
	return m
}

func (m *meter) read(ctx context.Context) {
	for {
		select {
		case <-m.queue.Ready():
		case <-ctx.Done():
			return
		}
		m.mu.Lock()
		for _, f := range m.queue.Take(ari.QueueBatch) {
			m.take(f)
		}
		m.mu.Unlock()
	}
}

func (m *meter) take(f ari.Frame) {
	at, err := cluster.ParsePosition(f.Position)
	if err != nil {
		m.b.t.Errorf("a frame has no position: %+v: %v", f, err)
	}
	if m.position != nil {
		if before, _ := cluster.ParsePosition(m.position); at.Place.Before(before.Place) {
			m.b.t.Errorf("position %s comes behind %s", at.Place, before.Place)
		}
	}
	m.position = f.Position
	switch {
	case f.Event != nil && f.Event.Kind == ari.ListsTaken: // each 30 s
	case f.Event != nil:
		m.got = append(m.got, strings.TrimSuffix(fmt.Sprintf("[%s %s", f.Event.Kind, f.Event.Reason), " ")+"]")
		m.frames = append(m.frames, f)
	case f.Decoded.Kind == ari.Heartbeat:
		m.frames = append(m.frames, f)
	default:
		m.got = append(m.got, string(f.Decoded.Channel.ID))
	}
}

// stop ends the meter, and returns its position.
func (m *meter) stop() ari.Position {
	m.end()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.position
}

func (m *meter) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.got...)
}

func (m *meter) seen() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.observed...)
}

// has reports whether an entry has come.
func (m *meter) has(entry string) bool {
	for _, g := range m.all() {
		if g == entry {
			return true
		}
	}
	return false
}

// summary is what has come, with rows of channels that follow each other as one.
func (m *meter) summary() string { return summary(m.all()) }

func summary(got []string) string {
	var rows []string
	number := func(s string) (n int) {
		if _, err := fmt.Sscanf(s, "c-%d", &n); err != nil {
			return -1
		}
		return n
	}
	for i := 0; i < len(got); i++ {
		first := number(got[i])
		if first < 0 {
			rows = append(rows, got[i])
			continue
		}
		last := first
		for i+1 < len(got) && number(got[i+1]) == last+1 {
			i, last = i+1, last+1
		}
		rows = append(rows, fmt.Sprintf("%d-%d", first, last))
	}
	return strings.Join(rows, " ")
}

func (m *meter) observe(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.observed = append(m.observed, fmt.Sprintf(format, args...))
}

func (m *meter) Retrying(err error, _ time.Duration) { m.observe("retrying: %v", err) }
func (m *meter) NotResumed(err error)                { m.observe("not resumed: %v", err) }
func (m *meter) Synced(node string)                  { m.observe("synced: %s", node) }
func (m *meter) SyncLost(reason string, err error)   { m.observe("sync lost: %s: %v", reason, err) }
func (m *meter) Unreadable(err error)                { m.observe("unreadable: %v", err) }
func (m *meter) Resent(frames int)                   { m.observe("resent: %d", frames) }

func (m *meter) hasObserved(what string) bool {
	return strings.Contains(strings.Join(m.seen(), "\n"), what)
}

// wants waits until the last event that the PBX has sent has come, and compares all that has.
func (m *meter) wants(want string) {
	m.b.t.Helper()
	last := m.b.sent[len(m.b.sent)-1]
	m.b.until("event "+last, func() bool { return m.has(last) })
	if got := m.summary(); got != want {
		m.b.t.Fatalf("got  %s\nwant %s\n%v", got, want, m.seen())
	}
}
