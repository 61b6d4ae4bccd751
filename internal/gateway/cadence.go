package gateway

import (
	"context"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
)

// The worker does its work in beats. What comes first is processed and committed at once; then the
// worker rests, and takes all that has come meanwhile in one go. So a busy PBX costs one commit and
// one wake-up each commitEvery, and nothing waits longer than that for its commit.

// watermarkEvery is how often the watermark alone is committed, at most: it rides along with
// everything else.
const watermarkEvery = time.Second

// await returns when there is something to process, or when the watermark is due. ended tells that
// the source has ended, with err.
func (w *pbxWorker) await(sourceDone <-chan error) (ended bool, err error) {
	var due <-chan time.Time
	if !w.out.Watermark.IsZero() {
		timer := time.NewTimer(time.Until(w.committedAt.Add(watermarkEvery)))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-w.queue.Ready():
	case <-due:
	case <-w.beat:
	case t := <-w.terms:
		w.apply(t)
	case a := <-w.asker.answers:
		w.mediator.Answer(a.call, a.exemption, &w.out)
	case m := <-w.deskBackend.messages:
		w.unmatched = append(w.unmatched, m)
	case err := <-sourceDone:
		return true, err
	}
	return false, nil
}

// rest lets things come until commitEvery after an instant, or until they are a full batch. A call
// that the front desk waits for is looked for at once, and committed with the others. ended is as
// await has it.
func (w *pbxWorker) rest(
	ctx context.Context, since time.Time, sourceDone <-chan error,
) (ended bool, err error) {
	over := time.NewTimer(time.Until(since.Add(w.commitEvery)))
	defer over.Stop()
	for len(w.out.Evidence) < ari.QueueBatch {
		select {
		case <-over.C:
			return false, nil
		case <-w.queue.Many():
			return false, nil
		case <-w.deskBackend.wanted:
			if err := w.feed(ctx); err != nil {
				return false, err
			}
		case err := <-sourceDone:
			return true, err
		}
	}
	return false, nil
}

// keepWatermark takes the watermark out of a batch that has nothing else, until it is due. What the
// PBX was last seen at is then in the next batch, and the heartbeats that say so are counted with it.
func (w *pbxWorker) keepWatermark(out *mediation.Output) {
	if time.Since(w.committedAt) >= watermarkEvery {
		return
	}
	at := out.Watermark
	out.Watermark = time.Time{}
	if out.Empty() {
		w.out.Watermark, w.out.Heartbeats = at, out.Heartbeats
		out.Heartbeats = 0
		return
	}
	out.Watermark = at
}
