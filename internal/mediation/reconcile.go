package mediation

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
)

// ErrNoProof means that the CEL does not prove what was not seen.
var ErrNoProof = errors.New("the CEL does not prove it")

// Tolerance is how far two accounts of the same talk may differ at each of its ends. Both are
// Asterisk's own timestamps, of neighbouring events.
const Tolerance = 100 * time.Millisecond

// reconcile fills the unseen time of an ended call from its second evidence, made from the CEL.
func reconcile(call *metering.Call, frame []byte) error {
	frames, err := evidence.ReadReconciled(frame)
	if err != nil {
		return err
	}
	_, out, err := Replay(frames)
	if err != nil {
		return fmt.Errorf("the second evidence: %w", err)
	}
	if len(out.Calls) != 1 || out.Calls[0].ID != call.ID {
		return errors.New("the second evidence is not of this call, ended")
	}
	other := out.Calls[0]
	isHold := func(ev ari.Event) bool { return ev.Kind == ari.ChannelHold }
	if !slices.ContainsFunc(out.Events, isHold) {
		return fmt.Errorf("%w: it shows no music in this call, so it might not show a hold either",
			ErrNoProof)
	}
	seen, there := seenTalk(call, call.Segments), seenTalk(call, other.Segments)
	if (seen - there).Abs() > Tolerance*time.Duration(1+2*len(call.Segments)) {
		return fmt.Errorf("%w: in the time that was seen, it shows %s of talk and the evidence %s",
			ErrNoProof, there, seen)
	}
	var talks []metering.Segment
	for _, s := range other.Segments {
		if s.State == metering.Talking || s.State == metering.Held {
			talks = append(talks, s)
		}
	}
	call.Reconcile(talks, other.EndedAt, other.EndedBy)
	call.NoteCorrection(metering.ReasonReconciled)
	return nil
}

// seenTalk is how much of the talk in some segments lies in the time in which the call was seen.
func seenTalk(call *metering.Call, segments []metering.Segment) (d time.Duration) {
	for _, seen := range call.Segments {
		if seen.State == metering.Unseen {
			continue
		}
		for _, s := range segments {
			if s.State != metering.Talking {
				continue
			}
			from, to := s.From, s.To
			if from.Before(seen.From) {
				from = seen.From
			}
			if to.After(seen.To) {
				to = seen.To
			}
			if to.After(from) {
				d += to.Sub(from)
			}
		}
	}
	return d
}
