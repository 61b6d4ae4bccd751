package mediation

import (
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
	"github.com/risposta/gateway/metering/ledger"
)

// Replay replays one call's evidence, alone, by the rules that its own header names. The returned pipeline holds the call if
// it is open; out holds the facts, and the record if it has ended.
func Replay(frames [][]byte) (*Mediator, *Output, error) {
	if len(frames) == 0 {
		return nil, nil, errors.New("there is no evidence")
	}
	h, arrival, err := evidence.ReadCall(frames[0])
	if err != nil {
		return nil, nil, err
	}
	operators, err := NewGlobs(h.Operators...)
	if err != nil {
		return nil, nil, fmt.Errorf("the header of call %s: %w", h.Call, err)
	}
	p := New(Rules{
		Service:   func(ari.Channel) (string, bool) { return "", false }, // its arrival was judged when it happened
		Operators: operators,
	})
	var out Output
	p.begin(arrival, h.Unseen, frames[0], &out)
	for i, frame := range frames[1:] {
		if len(out.Calls) == 1 {
			rec, err := correct(out.Calls[0], len(out.Records)+1, frame, frames[:i+2])
			if err != nil {
				return nil, nil, fmt.Errorf("frame %d of the evidence of call %s: %w", i+2, h.Call, err)
			}
			out.Records = append(out.Records, rec)
			continue
		}
		if err := p.replay(h.Call, frame, &out); err != nil {
			return nil, nil, fmt.Errorf("frame %d of the evidence of call %s: %w", i+2, h.Call, err)
		}
	}
	return p, &out, nil
}

func (p *Mediator) begin(arrival metering.Fact, unseen string, frame []byte, out *Output) {
	p.open(arrival, out)
	p.addEvidence(arrival.Call, frame, out)
	p.graph.Open(arrival.Call, arrival.At, unseen != "")
	p.apply(arrival, out)
	if unseen != "" {
		p.apply(metering.Fact{Kind: metering.GapStarted, Call: arrival.Call, At: arrival.At, Why: unseen}, out)
	}
}

// replay takes in one frame as it stands in the evidence. What the steps would write as evidence is the same frame again, so it
// is counted once, as it was kept.
func (p *Mediator) replay(call metering.CallID, frame []byte, out *Output) error {
	typ, err := evidence.TypeOf(frame)
	if err != nil {
		return err
	}
	switch typ {
	case evidence.TypeExemption:
		return p.replayFact(call, frame, evidence.ReadExemption, out)
	case evidence.TypeAnnouncement:
		return p.replayFact(call, frame, evidence.ReadAnnouncement, out)
	}
	ev, err := ari.DecodeEvidence(frame)
	if err != nil {
		return err
	}
	out.Events = append(out.Events, ev)
	if p.survey(ev, out) { // it proves itself
		p.graph.See(call, ev.At)
		p.sure = ev.At
		return nil
	}
	p.addEvidence(call, frame, out)
	if ev.Kind != ari.Gap { // its instant lies in the past
		p.graph.See(call, ev.At)
		p.sure = ev.At
	}
	for _, f := range p.graph.Step(ev).Facts {
		p.apply(f, out)
	}
	return nil
}

// replayFact takes in a frame that is one fact about the call.
func (p *Mediator) replayFact(
	call metering.CallID, frame []byte, read func([]byte) (metering.Fact, error), out *Output,
) error {
	f, err := read(frame)
	if err != nil {
		return err
	}
	f.Call = call
	p.addEvidence(call, frame, out)
	p.apply(f, out)
	return nil
}

// take takes over what is held beside the graph and the meter for the open call of a rebuilt pipeline.
func (p *Mediator) take(from *Mediator, call metering.CallID) {
	p.meter.Adopt(from.meter.Call(call))
	p.digests[call], p.clock[call] = from.digests[call], from.clock[call]
	if s := from.sealed[call]; s != nil {
		p.sealed[call] = s
	}
	if s := from.surveys[call]; s != nil {
		p.surveys[call] = s
	}
}

// Adopt takes over the open call of a rebuilt pipeline. The events that follow must begin with Gap and SnapshotTaken.
func (p *Mediator) Adopt(from *Mediator, call metering.CallID) {
	p.graph.Adopt(from.graph, call)
	p.take(from, call)
}

// GiveUp ends a call whose evidence can't be replayed: a call is never lost, and nothing of it is charged.
func (p *Mediator) GiveUp(oc ledger.OpenCall, out *Output) {
	p.digests[oc.Call] = evidence.NewDigest()
	arrival := metering.Fact{Kind: metering.CallArrived, Call: oc.Call, At: oc.ArrivedAt, Node: oc.Node, Service: oc.Service, Terms: &metering.Terms{}}
	p.apply(arrival, out)
	p.apply(metering.Fact{Kind: metering.GapStarted, Call: oc.Call, At: oc.ArrivedAt, Why: ari.GapRestart}, out)
	p.apply(metering.Fact{Kind: metering.CallEnded, Call: oc.Call, At: oc.ArrivedAt, Why: metering.EndedUnseen, Unseen: true}, out)
}

// Snapshot is everything known of the PBX, for a later run to Load.
func (p *Mediator) Snapshot() *ari.Snapshot { return p.graph.Snapshot() }

// Load takes over what a former run knew of the PBX up to an instant. Reattach then brings back the open calls, and the events that follow must be
// those that followed then.
func (p *Mediator) Load(s *ari.Snapshot, sure time.Time) {
	p.graph.Load(s)
	p.sure = sure
}

// Reattach takes over the open call of a rebuilt pipeline, without a gap. It returns false where it does not fit what was loaded.
func (p *Mediator) Reattach(from *Mediator, call metering.CallID) bool {
	if !p.graph.Reattach(from.graph, call) {
		return false
	}
	p.take(from, call)
	return true
}
