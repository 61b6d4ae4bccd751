package gateway

import (
	"context"
	"errors"
	"runtime"
	"slices"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

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
	return w.markDone(ctx, ev.Snapshot, out)
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
	channels := channelsOf(ev.Snapshot)
	for some := range slices.Chunk(open, rebuiltAtOnce) {
		for i, rebuilt := range w.rebuildAll(ctx, some) {
			switch oc := some[i]; {
			case w.mediator.Call(oc.Call) != nil: // of this run, and in a gap
			case rebuilt.err != nil:
				w.giveUp(oc, rebuilt.err, out)
			default:
				w.mediator.Adopt(rebuilt.from, oc.Call)
				w.continueCall(oc, channels)
			}
		}
	}
	w.log.Info(evRestored, zap.Int("calls", len(open)), zap.Time("watermark", watermark))
	w.mediator.SetWatermark(watermark)
	w.mediator.Step(
		ari.Event{Kind: ari.Gap, At: watermark, Node: w.node, Reason: ari.GapRestart}, out)
	return nil
}

// giveUp sets an open call aside that cannot be rebuilt from its evidence.
func (w *pbxWorker) giveUp(oc ledger.OpenCall, err error, out *mediation.Output) {
	w.mediator.GiveUp(oc, out)
	out.NoteSetAside(oc.Call, err.Error())
}

// continueCall makes a call of the last run known to the front desk, and asks again whether its
// caller is exempt where the last run left that without an answer.
func (w *pbxWorker) continueCall(
	oc ledger.OpenCall, channels map[ari.ChannelID]ari.Channel,
) {
	w.mediator.SetEncryptedCaller(oc.Call, oc.EncryptedCaller)
	c := w.mediator.Call(oc.Call)
	number, known := w.callerOf(oc, channels)
	w.deskBackend.arrived(c, number)
	if known && c.Terms.AskExemption && c.Exemption.Verdict == metering.ExemptUnknown {
		w.asker.ask(mediation.Ask{
			Call: oc.Call, Number: number, Trunk: c.Origin.Trunk, At: oc.ArrivedAt,
		})
	}
}

// callerOf is the caller's number, from the ledger, where it is encrypted, or from the channel that
// still exists.
func (w *pbxWorker) callerOf(
	oc ledger.OpenCall, channels map[ari.ChannelID]ari.Channel,
) (n metering.Number, ok bool) {
	if number, err := w.pseudonyms.Decrypt(oc.EncryptedCaller); err == nil {
		return number, true
	}
	ch, ok := channels[ari.ChannelID(oc.Call)]
	if ok {
		n, _ = w.mediator.ReadCaller(ch.Endpoint(), ch.Caller)
	}
	return n, ok
}

// channelsOf are the channels of a snapshot, by their ids.
func channelsOf(snap *ari.Snapshot) map[ari.ChannelID]ari.Channel {
	channels := make(map[ari.ChannelID]ari.Channel, len(snap.Legs))
	for i := range snap.Legs {
		channels[snap.Legs[i].Channel.ID] = snap.Legs[i].Channel
	}
	return channels
}

// rebuiltAtOnce bounds the calls that are rebuilt before they are adopted: each has a mediator.
const rebuiltAtOnce = 256

// rebuiltCall is a call that was rebuilt, or why not.
type rebuiltCall struct {
	from *mediation.Mediator
	err  error
}

// rebuildAll rebuilds calls on all cores: a start with many open calls takes long enough.
func (w *pbxWorker) rebuildAll(ctx context.Context, open []ledger.OpenCall) []rebuiltCall {
	all := make([]rebuiltCall, len(open))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, oc := range open {
		g.Go(func() error {
			all[i].from, all[i].err = w.rebuild(ctx, oc)
			return nil
		})
	}
	_ = g.Wait() // each has its own error
	return all
}

// rebuild replays the evidence of an open call.
func (w *pbxWorker) rebuild(ctx context.Context, oc ledger.OpenCall) (*mediation.Mediator, error) {
	frames, err := w.ledger.Evidence(ctx, oc.Call)
	if err != nil {
		return nil, err
	}
	return replay(oc.Call, frames)
}

func replay(call metering.CallID, frames [][]byte) (*mediation.Mediator, error) {
	replayed, _, err := mediation.Replay(frames)
	if err == nil && replayed.Call(call) == nil {
		err = errors.New("its evidence shows that it has ended")
	}
	return replayed, err
}

// markDone marks the channels of a snapshot that have their record already, in the ledger or in
// what will be committed with the snapshot.
func (w *pbxWorker) markDone(
	ctx context.Context, snap *ari.Snapshot, out *mediation.Output,
) error {
	ended := map[metering.CallID]bool{}
	for i := range out.Records {
		ended[out.Records[i].Call] = true
	}
	for i := range snap.Legs {
		l := &snap.Legs[i]
		call := metering.CallID(l.Channel.ID)
		if l.Done = ended[call]; l.Done {
			continue
		}
		if _, err := w.ledger.Record(ctx, call); err == nil {
			l.Done = true
		} else if !errors.Is(err, ledger.ErrNotFound) {
			return err
		}
	}
	return nil
}
