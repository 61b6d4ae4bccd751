package tap

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
)

// The waits of the intake.
const (
	minDiskWait  = 100 * time.Millisecond
	maxDiskWait  = 5 * time.Second
	drainTimeout = 10 * time.Second // to write and send what was read before the end
)

// intake takes the frames of the source out of its queue, numbers them, and writes them to the journal.
type intake struct {
	tap      *Tap
	next     cluster.Place // of the next frame
	after    cluster.Place // of the last frame
	pending  []ari.Frame   // taken, and not written yet
	skipping bool          // until a snapshot
	beat     beat
}

// run writes what comes until ctx ends.
func (i *intake) run(ctx context.Context) {
	for {
		select {
		case <-i.tap.queue.Ready():
		case <-i.beat:
			continue
		case <-ctx.Done():
			return
		}
		i.empty(ctx)
	}
}

// empty writes what waits, until nothing does or ctx ends.
func (i *intake) empty(ctx context.Context) {
	for {
		i.beat.take()
		if len(i.pending) == 0 {
			taken := i.tap.queue.Take(cluster.MaxFrames)
			if len(taken) == 0 {
				return
			}
			i.pending = i.kept(taken)
			continue
		}
		n := batchOf(i.pending)
		if !i.write(ctx, i.pending[:n:n]) {
			return
		}
		i.pending = i.kept(i.pending[n:])
	}
}

// batchOf is how many of the frames are one batch.
func batchOf(frames []ari.Frame) (n int) {
	bytes := 0
	for ; n < len(frames); n++ {
		if bytes += len(frames[n].Raw); bytes > cluster.MaxBytes && n > 0 {
			return n
		}
	}
	return n
}

// write writes one batch, and tries until it is on the disk. false: ctx has ended before.
func (i *intake) write(ctx context.Context, frames []ari.Frame) bool {
	node, _ := i.tap.node.Load().(string)
	b := cluster.Batch{Node: node, First: i.next, After: i.after, Frames: frames}
	m, err := b.Message()
	if err != nil {
		// A list of channels beyond all bounds. The PBX is asked again.
		i.tap.log.Error(evTooLong, zap.Error(err))
		i.tap.metrics.gaps.WithLabelValues(ari.GapOverflow).Inc()
		i.tap.source.Resync(ari.GapOverflow)
		i.skipping = true
		b.Frames = []ari.Frame{{Event: &ari.Event{Kind: ari.Gap, Node: node, Reason: ari.GapOverflow}}}
		if m, err = b.Message(); err != nil {
			panic("tap: a gap does not encode: " + err.Error()) // every field can be encoded
		}
	}
	if !i.append(ctx, &m) {
		return false
	}
	last := frames[len(frames)-1]
	i.after = m.Last()
	i.next = cluster.Place{Run: i.next.Run, Sequence: i.after.Sequence + 1}
	i.tap.metrics.frames.Add(float64(len(frames)))
	if ev := last.Event; ev != nil && ev.Kind == ari.Suspended && last.Position != nil {
		if err := i.tap.resume.save(last.Position, i.after); err != nil {
			i.tap.NotResumed(err)
		}
	}
	return true
}

// kept leaves out the frames between a gap of the intake's own and the next snapshot.
func (i *intake) kept(frames []ari.Frame) []ari.Frame {
	for n := range frames {
		if i.skipping && frames[n].Event != nil && frames[n].Event.Kind == ari.SnapshotTaken {
			i.skipping = false
		}
		if !i.skipping {
			return frames[n:]
		}
	}
	return nil
}

// append appends to the journal until that succeeds. Meanwhile the queue fills, and then the source
// makes a gap of what comes.
func (i *intake) append(ctx context.Context, m *cluster.Message) bool {
	wait := minDiskWait
	for {
		err := i.tap.journal.append(m)
		if err == nil {
			i.tap.writes.Store(true)
			return true
		}
		i.tap.writes.Store(false)
		i.tap.metrics.journalFailures.Inc()
		event := evJournalFailed
		if errors.Is(err, errFull) {
			event = evJournalFull
		}
		i.tap.log.Error(event, zap.Error(err), zap.Duration("retry_in_ms", wait))
		if !i.await(ctx, wait) {
			return false
		}
		wait = min(2*wait, maxDiskWait)
	}
}

// await waits, or until the journal has more room, and takes beats meanwhile: it does not hang.
func (i *intake) await(ctx context.Context, wait time.Duration) bool {
	over := time.NewTimer(wait)
	defer over.Stop()
	for {
		select {
		case <-over.C:
			return true
		case <-i.tap.journal.freed:
			return true
		case <-i.beat:
		case <-ctx.Done():
			return false
		}
	}
}
