package delivery

import (
	"context"
	"time"

	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/ledger"
)

// letter is a dead letter.
func letter(e *delivery.Event, why string) ledger.DeadLetter {
	return ledger.DeadLetter{
		Position: e.Position, Record: e.ID, At: time.Now(), Tries: 1, Why: why,
		State: ledger.LetterDead,
	}
}

// retry delivers the dead letters that an operator wants to have retried, each alone.
func (w *Worker) retry(ctx context.Context) error {
	letters, err := w.Store.DeadLetters(ctx, w.Name)
	if err != nil {
		return err
	}
	waiting, tries := 0, 0
	for _, l := range letters {
		if l.State != ledger.LetterRetry {
			if l.State == ledger.LetterDead {
				waiting++
			}
			continue
		}
		if tries++; tries > retryBatch {
			break
		}
		settled, err := w.retryOne(ctx, l)
		if err != nil {
			return err
		}
		if !settled {
			waiting++
		}
	}
	w.Observer.Letters(w.Name, waiting)
	return nil
}

func (w *Worker) retryOne(ctx context.Context, l ledger.DeadLetter) (settled bool, err error) {
	changes, err := w.Store.Changes(ctx, l.Position, l.Position+1)
	if err != nil {
		return false, err
	}
	events, dead, err := w.events(ctx, changes)
	if err != nil {
		return false, err
	}
	if len(events) > 0 {
		tctx, cancel := context.WithTimeout(ctx, tryTimeout)
		defer cancel()
		b := delivery.Batch{From: l.Position, Until: l.Position + 1, Events: events}
		_, refused, err := w.Sink.Deliver(tctx, b)
		if err != nil {
			return false, err
		}
		for _, r := range refused {
			dead = append(dead, letter(&events[r.Index], r.Why))
		}
	}
	if len(dead) > 0 {
		return false, w.Store.SaveCursor(ctx, w.Name, w.cursor, dead)
	}
	if err := w.Store.SettleLetter(ctx, w.Name, l.Position); err != nil {
		return false, err
	}
	w.Observer.Delivered(w.Name, 1)
	return true, nil
}
