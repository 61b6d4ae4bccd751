package gateway

import (
	"context"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// prepare readies the mediator for a snapshot: the first one restores the calls that were open when
// the last run ended, and in each the channels that have their record already are marked.
func (w *pbxWorker) prepare(ctx context.Context, ev *ari.Event, out *mediation.Output) error {
	ctx = context.WithoutCancel(ctx)
	first := !w.hadSnapshot || w.node != ev.Node
	w.hadSnapshot, w.node = true, ev.Node
	if first {
		if err := w.restore(ctx, ev, out); err != nil {
			return err
		}
	}
	return w.markDone(ctx, ev.Snapshot)
}

// restore rebuilds the open calls from their evidence, in a gap until the snapshot that follows.
func (w *pbxWorker) restore(ctx context.Context, ev *ari.Event, out *mediation.Output) error {
	watermark, err := w.ledger.Watermark(ctx, w.node)
	if err != nil {
		return err
	}
	node := w.node
	if w.onlyPBX {
		node = ledger.AnyNode // its entityid may have been changed since
	}
	open, err := w.ledger.OpenCalls(ctx, node)
	if err != nil {
		return err
	}
	if len(open) == 0 {
		return nil
	}
	for _, oc := range open {
		rebuilt, err := w.rebuild(ctx, oc)
		if err != nil {
			w.log.Error(evEvidenceBroken, zap.String("call", string(oc.Call)), zap.Error(err))
			w.mediator.GiveUp(oc, out)
			continue
		}
		w.mediator.Adopt(rebuilt, oc.Call)
		w.mediator.SetEncryptedCaller(oc.Call, oc.EncryptedCaller)
		w.askAgain(oc, ev.Snapshot)
	}
	w.log.Info(evRestored, zap.Int("calls", len(open)), zap.Time("watermark", watermark))
	w.mediator.SetWatermark(watermark)
	w.mediator.Step(
		ari.Event{Kind: ari.Gap, At: watermark, Node: w.node, Reason: ari.GapRestart}, out)
	return nil
}

// askAgain asks again whether a caller is exempt, where the last run left that without an answer.
// The number comes from the ledger, where it is encrypted, or from the channel that still exists.
func (w *pbxWorker) askAgain(oc ledger.OpenCall, snap *ari.Snapshot) {
	c := w.mediator.Call(oc.Call)
	if !c.Terms.AskExemption || c.Exemption.Verdict != metering.ExemptUnknown {
		return
	}
	if number, err := w.pseudonyms.Decrypt(oc.EncryptedCaller); err == nil {
		q := mediation.Ask{Call: oc.Call, Number: number, At: oc.ArrivedAt}
		w.deskBackend.arrived(q, oc.Service)
		w.asker.ask(q)
		return
	}
	for _, l := range snap.Legs {
		if metering.CallID(l.Channel.ID) == oc.Call {
			number, _ := w.mediator.ReadCaller(l.Channel.Endpoint(), l.Channel.Caller)
			w.asker.ask(mediation.Ask{Call: oc.Call, Number: number, At: oc.ArrivedAt})
			return
		}
	}
}
