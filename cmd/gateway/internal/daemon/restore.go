package daemon

import (
	"context"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/cmd/gateway/internal/pipeline"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// prepare makes ready for a snapshot: the first one brings back the calls that were open when the last run ended, and every one
// is told which of its channels have their record already.
func (s *station) prepare(ctx context.Context, ev *ari.Event, out *pipeline.Output) error {
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
func (s *station) restore(ctx context.Context, ev *ari.Event, out *pipeline.Output) error {
	sure, err := s.ledger.Sure(ctx, s.node)
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
			s.pipeline.GiveUp(oc, out)
			continue
		}
		s.pipeline.Adopt(rebuilt, oc.Call)
		s.pipeline.Unsealed(oc.Call, oc.Sealed)
		s.askAgain(oc, ev.Snapshot)
	}
	s.log.Info(evRestored, zap.Int("calls", len(open)), zap.Time("sure_at", sure))
	s.pipeline.ResumeAt(sure)
	s.pipeline.Step(ari.Event{Kind: ari.SightLost, At: sure, Node: s.node, Reason: ari.LostRestart}, out)
	return nil
}

// askAgain repeats a question that the last run left without an answer. The number comes from the ledger, where it is sealed, or from the living channel.
func (s *station) askAgain(oc ledger.OpenCall, snap *ari.Snapshot) {
	c := s.pipeline.Call(oc.Call)
	if !c.Terms.AskExemption || c.Exemption.Verdict != metering.ExemptUnknown {
		return
	}
	if number, err := s.names.Unseal(oc.Sealed); err == nil {
		q := pipeline.Ask{Call: oc.Call, Number: number, At: oc.ArrivedAt}
		s.clerk.arrived(q, oc.Service)
		s.asker.ask(q)
		return
	}
	for _, l := range snap.Legs {
		if metering.CallID(l.Channel.ID) == oc.Call {
			s.asker.ask(pipeline.Ask{Call: oc.Call, Number: s.pipeline.Normal(l.Channel.Caller), At: oc.ArrivedAt})
			return
		}
	}
}
