package tap_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/faultfs"
)

// newestFile is the file of the journal that is written.
func (b *bench) newestFile() string {
	b.t.Helper()
	files, err := filepath.Glob(filepath.Join(b.journal, "*.frames"))
	if err != nil || len(files) == 0 {
		b.t.Fatalf("the journal has %q: %v", files, err)
	}
	return slices.Max(files)
}

// A tap is killed in the middle of its work, and of a write. What was in the journal comes, and the
// time until the new tap is synced is a gap.
func TestATapThatIsKilledIsAGap(t *testing.T) {
	b := newBench(t, nil)
	b.startChild()
	m := b.startMeter(nil)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	b.send(500)
	b.untilInStream("c-000500")
	b.kill()
	torn, err := os.OpenFile(b.newestFile(), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = torn.Write([]byte{200, 1, 0, 0, 9, 9, 9, 9, 1, 2, 3})
		err = errors.Join(err, torn.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	b.startChild()
	b.until("a second snapshot", func() bool {
		return strings.Count(m.summary(), "[risposta.Snapshot]") == 2
	})
	b.send(500)
	m.wants("[risposta.Snapshot] 1-500 [risposta.Gap gateway_restart] [risposta.Snapshot] 501-1000")
}

// While NATS is away the tap is killed: what was in its journal comes all the same.
func TestAJournalIsSentAfterAKill(t *testing.T) {
	b := newBench(t, nil)
	b.startChild()
	m := b.startMeter(nil)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	b.send(100)
	m.wants("[risposta.Snapshot] 1-100")
	b.nats.Stop()
	b.send(400)
	b.until("the journal to have the last event", func() bool { return b.journalHas("c-000500") })
	b.kill()
	b.startNATS()
	b.startChild()
	b.until("a second snapshot", func() bool {
		return strings.Count(m.summary(), "[risposta.Snapshot]") == 2
	})
	b.send(100)
	m.wants("[risposta.Snapshot] 1-500 [risposta.Gap gateway_restart] [risposta.Snapshot] 501-600")
}

func (b *bench) journalHas(channel string) bool {
	text, err := os.ReadFile(b.newestFile())
	if err != nil {
		b.t.Fatal(err)
	}
	for rest := text[len("risposta tap 1\n"):]; len(rest) > 8; {
		n := int(rest[0]) | int(rest[1])<<8 | int(rest[2])<<16 | int(rest[3])<<24
		if 8+n > len(rest) {
			return false
		}
		if hasChannel(rest[8:8+n], channel) {
			return true
		}
		rest = rest[8+n:]
	}
	return false
}

// The disk takes nothing for a time. What comes waits, and nothing is missing.
func TestAFullDiskMakesFramesWait(t *testing.T) {
	if err := faultfs.Available(); err != nil {
		t.Fatal(err)
	}
	disk, err := faultfs.Mount(t.TempDir(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := disk.Unmount(); err != nil {
			t.Error(err)
		}
	})
	b := newBench(t, func(s *settings) { s.Folder = filepath.Join(disk.Path, "tap") })
	b.startTap()
	m := b.startMeter(nil)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	b.send(100)
	m.wants("[risposta.Snapshot] 1-100")
	for _, fault := range []faultfs.Fault{
		{Write: true, Errno: syscall.ENOSPC},
		{Sync: true, Errno: syscall.EIO},
		{Sync: true, Errno: syscall.EIO, When: faultfs.After}, // it is on the disk, and written again
	} {
		before := b.logged.FilterMessage("tap.journal_failed").Len()
		disk.Break(fault)
		b.send(100)
		b.until("the journal to fail", func() bool {
			return b.logged.FilterMessage("tap.journal_failed").Len() > before+1
		})
		disk.Heal()
		b.send(100)
		m.wants("[risposta.Snapshot] 1-" + strings.TrimLeft(b.sent[len(b.sent)-1], "c-0"))
	}
	from := m.stop()
	b.endTap()
	b.startTap()
	b.send(100)
	m = b.startMeter(from)
	m.wants("[Resumed] [risposta.Gap connection_lost] [risposta.Snapshot] 701-800")
}

// The queue in front of a disk that takes nothing overflows: the newest are refused, and are a gap.
func TestAnOverflowIsAGap(t *testing.T) {
	disk, err := faultfs.Mount(t.TempDir(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := disk.Unmount(); err != nil {
			t.Error(err)
		}
	})
	b := newBench(t, func(s *settings) {
		s.Folder, s.QueueFrames = filepath.Join(disk.Path, "tap"), 200
	})
	b.startTap()
	m := b.startMeter(nil)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	b.send(100)
	m.wants("[risposta.Snapshot] 1-100")
	disk.Break(faultfs.Fault{Write: true, Errno: syscall.ENOSPC})
	b.send(500)
	b.until("the overflow", func() bool { return b.logged.FilterMessage("pbx.inbox_overflow").Len() > 0 })
	disk.Heal()
	b.until("a second snapshot", func() bool {
		return strings.Count(m.summary(), "[risposta.Snapshot]") == 2
	})
	b.send(100)
	b.until("the last event", func() bool { return m.has("c-000700") })
	// The snapshot may come before the tap has read the last of the 500.
	var before, after, last int
	_, err = fmt.Sscanf(m.summary(),
		"[risposta.Snapshot] 1-%d [risposta.Gap overflow] [risposta.Snapshot] %d-%d", &before, &after, &last)
	if err != nil || before < 100 || after <= before+1 || after > 601 || last != 700 {
		t.Errorf("got %s: %v", m.summary(), err)
	}
}

// The meters stand still: the journal fills, and then takes nothing until one of them has passed it.
func TestAFullJournalWaitsForAMeter(t *testing.T) {
	b := newBench(t, func(s *settings) { s.JournalBytes = 1 << 20 })
	b.startTap()
	m := b.startMeter(nil)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	for b.logged.FilterMessage("tap.journal_full").Len() == 0 {
		b.send(1000)
	}
	b.send(100)
	passed := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(passed)
		for ctx.Err() == nil {
			m.mu.Lock()
			at := m.position
			m.mu.Unlock()
			if err := m.source.Passed(at); err != nil {
				t.Error(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	last := strings.TrimLeft(b.sent[len(b.sent)-1], "c-0")
	m.wants("[risposta.Snapshot] 1-" + last)
	cancel()
	<-passed
}

// The stream is full: the journal keeps what comes, until what a meter has passed is taken out.
func TestAFullStreamWaitsForAMeter(t *testing.T) {
	b := newBench(t, func(s *settings) { s.MaxBytes = 64 << 10 })
	b.startTap()
	m := b.startMeter(nil)
	b.until("a snapshot", func() bool { return m.has("[risposta.Snapshot]") })
	for b.logged.FilterMessage("tap.stream_full").Len() == 0 {
		b.send(200)
	}
	b.until("the log to say that the stream fills", func() bool {
		return b.logged.FilterMessage("tap.stream_filling").Len() > 0
	})
	ctx, cancel := context.WithCancel(t.Context())
	passed := make(chan struct{})
	go func() {
		defer close(passed)
		for ctx.Err() == nil {
			m.mu.Lock()
			at := m.position
			m.mu.Unlock()
			if err := m.source.Passed(at); err != nil {
				t.Error(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	last := strings.TrimLeft(b.sent[len(b.sent)-1], "c-0")
	m.wants("[risposta.Snapshot] 1-" + last)
	cancel()
	<-passed
}
