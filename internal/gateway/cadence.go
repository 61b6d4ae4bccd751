package gateway

import (
	"context"
	"math"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
)

// The worker commits in the rhythm of the source, which hands over what has come each commitEvery: one
// commit and one wake-up for many frames. What comes first on a quiet PBX is handed over at once, and
// committed at once. Two commits are commitEvery apart at least, but for full batches.

// watermarkEvery is how often the watermark alone is committed, at most: it rides along with
// everything else.
const watermarkEvery = time.Second

// restedEvery is how often it is while no call is open: only an open call goes on from the watermark.
const restedEvery = 30 * time.Second

// watermarkPause is the time between two commits of the watermark alone.
func (w *pbxWorker) watermarkPause() time.Duration {
	if w.mediator.OpenCalls() == 0 {
		return restedEvery
	}
	return watermarkEvery
}

// await returns when there is something to commit. Answers of lookups and what the front desk has wait
// for the frames that come next, and little longer. A call that the front desk waits for is looked for
// at once, and committed with the others. ended tells that the source has ended, with err.
func (w *pbxWorker) await(
	ctx context.Context, sourceDone <-chan error,
) (ended bool, err error) {
	frames, others := w.began.Add(w.commitEvery), w.began.Add(2*w.commitEvery)
	var due time.Time // zero: nothing has come
	if !w.out.Watermark.IsZero() {
		due = w.committedAt.Add(w.watermarkPause())
	}
	timer := time.NewTimer(untilDue(due))
	defer timer.Stop()
	for len(w.out.Evidence) < ari.QueueBatch && len(w.unmatched) < maxMessages {
		last := due
		select {
		case reply := <-w.answerable():
			reply <- w.look()
		case <-w.queue.Ready():
			due = earlier(due, frames)
		case a := <-w.asker.answers:
			w.mediator.Answer(a.call, a.exemption, &w.out)
			due = earlier(due, others)
		case m := <-w.deskBackend.messages:
			w.unmatched = append(w.unmatched, m)
			due = earlier(due, others)
		case <-w.deskBackend.wanted:
			if err := w.feed(ctx); err != nil {
				return false, err
			}
			due = earlier(due, others)
		case <-w.queue.Many():
			return false, nil
		case <-w.beat:
			return false, nil
		case t := <-w.terms:
			w.apply(t)
			return false, nil
		case <-timer.C:
			return false, nil
		case err := <-sourceDone:
			return true, err
		}
		if due.Equal(last) {
			continue
		}
		wait := untilDue(due)
		if wait <= 0 {
			return false, nil
		}
		timer.Reset(wait)
	}
	return false, nil
}

// earlier is the first of two instants, of which a zero one does not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// untilDue is the time until an instant; a zero one never comes.
func untilDue(at time.Time) time.Duration {
	if at.IsZero() {
		return math.MaxInt64
	}
	return time.Until(at)
}

// keepWatermark takes the watermark out of a batch that has nothing else, until it is due. What the
// PBX was last seen at is then in the next batch, and the heartbeats that say so are counted with it;
// or at once while no call is open: nothing waits for that batch.
func (w *pbxWorker) keepWatermark(out *mediation.Output) {
	if time.Since(w.committedAt) >= w.watermarkPause() {
		return
	}
	at := out.Watermark
	out.Watermark = time.Time{}
	if out.Empty() {
		w.out.Watermark = at
		if w.mediator.OpenCalls() > 0 {
			w.out.Heartbeats, out.Heartbeats = out.Heartbeats, 0
		}
		return
	}
	out.Watermark = at
}
