package gateway

import (
	"context"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// prepare makes ready for a snapshot: the first one brings back the calls that were open when the last run ended, and every one
// is told which of its channels have their record already.
func (s *pbxWorker) prepare(ctx context.Context, ev *ari.Event, out *mediation.Output) error {
	ctx = context.WithoutCancel(ctx)
	first := !s.seen || s.node != ev.Node
	s.seen, s.node = true, ev.Node
	if first {
		if err := s.restore(ctx, ev, out); err != nil {
			return err
		}
	}
	return s.markDone(ctx, ev.Snapshot)
}

// restore rebuilds the open calls from their evidence and puts them in doubt until the snapshot that follows.
func (s *pbxWorker) restore(ctx context.Context, ev *ari.Event, out *mediation.Output) error {
	sure, err := s.ledger.Watermark(ctx, s.node)
	if err != nil {
		return err
	}
	node := s.node
	if s.alone {
		node = ledger.AnyNode // its entityid may have been changed since
	}
	open, err := s.ledger.OpenCalls(ctx, node)
	if err != nil {
		return err
	}
	if len(open) == 0 {
		return nil
	}
	for _, oc := range open {
		rebuilt, err := s.rebuild(ctx, oc)
		if err != nil {
			s.log.Error(evCallBroken, zap.String("call", string(oc.Call)), zap.Error(err))
			s.mediator.GiveUp(oc, out)
			continue
		}
		s.mediator.Adopt(rebuilt, oc.Call)
		s.mediator.SetEncryptedCaller(oc.Call, oc.EncryptedCaller)
		s.askAgain(oc, ev.Snapshot)
	}
	s.log.Info(evRestored, zap.Int("calls", len(open)), zap.Time("sure_at", sure))
	s.mediator.ResumeAt(sure)
	s.mediator.Step(ari.Event{Kind: ari.Gap, At: sure, Node: s.node, Reason: ari.GapRestart}, out)
	return nil
}

// askAgain repeats a question that the last run left without an answer. The number comes from the ledger, where it is sealed, or from the living channel.
func (s *pbxWorker) askAgain(oc ledger.OpenCall, snap *ari.Snapshot) {
	c := s.mediator.Call(oc.Call)
	if !c.Terms.AskExemption || c.Exemption.Verdict != metering.ExemptUnknown {
		return
	}
	if number, err := s.names.Decrypt(oc.EncryptedCaller); err == nil {
		q := mediation.Ask{Call: oc.Call, Number: number, At: oc.ArrivedAt}
		s.clerk.arrived(q, oc.Service)
		s.asker.ask(q)
		return
	}
	for _, l := range snap.Legs {
		if metering.CallID(l.Channel.ID) == oc.Call {
			s.asker.ask(mediation.Ask{Call: oc.Call, Number: s.mediator.Normal(l.Channel.Caller), At: oc.ArrivedAt})
			return
		}
	}
}
