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

// ErrNoProof says that the CEL does not prove what was not seen.
var ErrNoProof = errors.New("the CEL does not prove it")

// Tolerance is how far two accounts of the same talk may lie apart, for each of its ends: both are Asterisk's own timestamps of neighbouring events.
const Tolerance = 100 * time.Millisecond

// reconcile takes the second account into the ended call.
func reconcile(call *metering.Call, frame []byte) error {
	frames, err := evidence.ReadReconciled(frame)
	if err != nil {
		return err
	}
	_, out, err := Replay(frames)
	if err != nil {
		return fmt.Errorf("its second evidence: %w", err)
	}
	if len(out.Calls) != 1 || out.Calls[0].ID != call.ID {
		return errors.New("its second evidence is not of one ended call of that id")
	}
	other := out.Calls[0]
	if !slices.ContainsFunc(out.Events, func(ev ari.Event) bool { return ev.Kind == ari.ChannelHold }) {
		return fmt.Errorf("%w: it shows no music in this call, so a hold might not show in it either", ErrNoProof)
	}
	if seen, there := talkSeen(call, call.Segments), talkSeen(call, other.Segments); (seen - there).Abs() > Tolerance*time.Duration(1+2*len(call.Segments)) {
		return fmt.Errorf("%w: where both saw the call it has %s of talk, we have %s", ErrNoProof, there, seen)
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

// talkSeen is the talk of some segments in the time that was seen of a call.
func talkSeen(call *metering.Call, segments []metering.Segment) (d time.Duration) {
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

// Missed is the evidence of a call that came and went while nobody looked, as Asterisk's own log tells of it: all of it unseen, so far.
func (p *Mediator) Missed(arrival metering.Fact, endedAt time.Time) [][]byte {
	terms := p.rules.Terms(arrival.Service, arrival.At)
	terms.AskExemption = p.rules.AskExemption
	arrival.Terms, arrival.Caller, arrival.Number = &terms, p.rules.Pseudonym(p.Normal(arrival.Number)), metering.Number{}
	return [][]byte{
		evidence.NewCall(arrival, p.rules.Operators.Patterns(), ari.GapNotWatching),
		ari.EncodeEvidence(ari.Event{Kind: ari.SnapshotTaken, At: endedAt, Node: arrival.Node, Snapshot: &ari.Snapshot{At: endedAt, Node: arrival.Node}}),
	}
}
