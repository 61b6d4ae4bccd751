package gateway

import (
	"context"
	"slices"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
	"github.com/risposta/gateway/metering/ledger"
)

// setAside takes a call that contradicts the ledger out of the batch and out of the mediator. In
// the same batch, where safe is set, a call that has no record yet gets one: of what its evidence
// shows, or one that charges nothing. It changes nothing where it fails.
func (w *pbxWorker) setAside(
	ctx context.Context, trouble ledger.ContradictingCall, safe bool, out *mediation.Output,
) error {
	call := trouble.Call
	open, isOpen, err := w.openCall(ctx, call)
	if err != nil {
		return err
	}
	frames, err := w.ledger.Evidence(ctx, call)
	if err != nil {
		return err
	}
	arrival, known := w.arrivalOf(call, out)
	switch {
	case trouble.Recorded:
		out.Cut(call)
		if isOpen {
			out.Closed = append(out.Closed, call)
		}
	case isOpen && !w.meters(open.Node), !safe:
		out.Cut(call) // the worker of that PBX, or the next run, ends it
	case cutAfterRecord(call, isOpen, frames, out):
	case isOpen:
		out.Cut(call)
		w.endUnseen(open, frames, out)
	case known: // the ledger knows nothing of it
		out.Cut(call)
		out.Opened = append(out.Opened, arrival)
		w.mediator.GiveUp(arrival, out)
	}
	w.mediator.Drop(call)
	out.NoteSetAside(call, trouble.Why)
	return nil
}

// meters reports whether the open calls of a node are this worker's.
func (w *pbxWorker) meters(node string) bool { return w.onlyPBX || node == w.node }

func (w *pbxWorker) openCall(
	ctx context.Context, call metering.CallID,
) (found ledger.OpenCall, ok bool, err error) {
	all, err := w.ledger.OpenCalls(ctx, ledger.AnyNode)
	for _, oc := range all {
		if oc.Call == call {
			return oc, true, nil
		}
	}
	return found, false, err
}

// arrivalOf is the arrival of a call that the batch has a part of, as the batch or the mediator
// shows it.
func (w *pbxWorker) arrivalOf(
	call metering.CallID, out *mediation.Output,
) (oc ledger.OpenCall, known bool) {
	for _, oc := range out.Opened {
		if oc.Call == call {
			return oc, true
		}
	}
	for i := range out.Records {
		if r := &out.Records[i]; r.Call == call {
			return ledger.OpenCall{
				Call: call, Node: r.Node, Service: r.Service, ArrivedAt: r.ArrivedAt.Time,
			}, true
		}
	}
	if c := w.mediator.Call(call); c != nil {
		return ledger.OpenCall{
			Call: call, Node: c.Node, Service: c.Service, ArrivedAt: c.ArrivedAt,
		}, true
	}
	return oc, false
}

// cutAfterRecord keeps the call as far as the first record of it in the batch, where that follows
// from the ledger's evidence and the batch's: what came after it is the trouble.
func cutAfterRecord(
	call metering.CallID, isOpen bool, frames [][]byte, out *mediation.Output,
) bool {
	opens := func(oc ledger.OpenCall) bool { return oc.Call == call }
	i := slices.IndexFunc(out.Records, func(r metering.Record) bool { return r.Call == call })
	if i < 0 || out.Records[i].Version != metering.RecordVersion ||
		!isOpen && !slices.ContainsFunc(out.Opened, opens) {
		return false
	}
	want, digest := out.Records[i].Evidence, evidence.DigestOf(frames)
	added := 0
	for _, e := range out.Evidence {
		if e.Call == call && len(frames)+added < want.Events {
			digest.Add(e.Frame)
			added++
		}
	}
	if digest.Evidence() != want {
		return false
	}
	out.CutAfter(call, !isOpen, added)
	return true
}

// endUnseen ends an open call of which no more is known than the evidence in the ledger.
func (w *pbxWorker) endUnseen(oc ledger.OpenCall, frames [][]byte, out *mediation.Output) {
	replayed, err := replay(oc.Call, frames)
	if err != nil {
		w.mediator.GiveUp(oc, out)
		return
	}
	w.mediator.EndUnseen(replayed, oc, out)
}
