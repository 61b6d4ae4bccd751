package mediation

import (
	"errors"
	"fmt"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
)

// Replay replays the evidence of one call by the rules that its first frame holds. The returned
// mediator holds the call if it is open. The output holds the facts, the events, and once the call
// has ended its record with all later versions.
func Replay(frames [][]byte) (*Mediator, *Output, error) {
	if len(frames) == 0 {
		return nil, nil, errors.New("there is no evidence")
	}
	r, err := newReplay(frames[0])
	if err != nil {
		return nil, nil, err
	}
	for _, frame := range frames[1:] {
		if err := r.next(frame); err != nil {
			return nil, nil, err
		}
	}
	return r.mediator, &r.out, nil
}

// replay is the replay of one call's evidence up to some frame.
type replay struct {
	mediator *Mediator
	out      Output
	call     metering.CallID
	frames   int
	digest   *evidence.Digest // of all frames, also those after the call's end
}

// newReplay starts a replay with the first frame.
func newReplay(first []byte) (*replay, error) {
	c, arrival, err := evidence.ReadCall(first)
	if err != nil {
		return nil, err
	}
	operators, err := NewGlobs(c.Operators...)
	if err != nil {
		return nil, fmt.Errorf("the first frame of call %s: %w", c.Call, err)
	}
	m := New(Rules{
		Service:   func(ari.Channel) (string, bool) { return "", false }, // the arrival is given
		Operators: operators,
	})
	r := &replay{mediator: m, call: c.Call, frames: 1, digest: evidence.NewDigest()}
	r.digest.Add(first)
	m.open(arrival, &r.out)
	m.appendEvidence(c.Call, first, &r.out)
	m.graph.OpenReplay(c.Call, arrival.At, c.Unseen != "")
	m.apply(arrival, &r.out)
	if c.Unseen != "" {
		m.apply(metering.Fact{
			Kind: metering.GapStarted, Call: c.Call, At: arrival.At, Why: c.Unseen,
		}, &r.out)
	}
	return r, nil
}

// next takes in the next frame.
func (r *replay) next(frame []byte) error {
	r.frames++
	r.digest.Add(frame)
	var err error
	if len(r.out.Calls) == 0 {
		err = r.mediator.replay(r.call, frame, &r.out)
	} else {
		err = r.correct(frame)
	}
	if err != nil {
		return fmt.Errorf("frame %d of the evidence of call %s: %w", r.frames, r.call, err)
	}
	return nil
}

// replay takes in a frame of an open call. What a step would write as evidence is this frame again,
// so the frame itself is counted, once, as it was kept.
func (m *Mediator) replay(call metering.CallID, frame []byte, out *Output) error {
	switch ari.PeekType(frame) {
	case evidence.TypeExemption:
		return m.replayFact(call, frame, evidence.ReadExemption, out)
	case evidence.TypeCaller:
		return m.replayFact(call, frame, evidence.ReadCaller, out)
	case evidence.TypeAnnouncement:
		return m.replayFact(call, frame, evidence.ReadAnnouncement, out)
	}
	ev, err := ari.DecodeEvidence(frame)
	if err != nil {
		return err
	}
	out.Events = append(out.Events, ev)
	if ev.Kind != ari.Gap { // its instant lies in the past
		m.graph.NoteInstant(call, ev.At)
		m.watermark = ev.At
	}
	if m.stepDesk(ev, out) { // it appends the frame itself
		return nil
	}
	m.appendEvidence(call, frame, out)
	for _, f := range m.graph.Step(ev).Facts {
		m.apply(f, out)
	}
	return nil
}

// replayFact takes in a frame that is one fact about the call.
func (m *Mediator) replayFact(
	call metering.CallID, frame []byte, read func([]byte) (metering.Fact, error), out *Output,
) error {
	f, err := read(frame)
	if err != nil {
		return err
	}
	f.Call = call
	m.appendEvidence(call, frame, out)
	m.apply(f, out)
	return nil
}
