package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// checkpoint is what a run leaves for the next one when the PBX keeps its events meanwhile: where
// the source goes on from, and what was known of the PBX there.
type checkpoint struct {
	Position  ari.Position    `json:"position"` // the source's own encoding
	Watermark time.Time       `json:"watermark"`
	Snapshot  json.RawMessage `json:"snapshot"` // written as evidence is: no numbers
}

// saveCheckpoint puts the checkpoint into the batch of the last frames.
func (w *pbxWorker) saveCheckpoint(at ari.Position, out *mediation.Output) {
	switch {
	case at == nil:
		w.NotResumed(errors.New("the next run starts with a gap: the machine's clocks cannot be read"))
		return
	case w.clockJumped:
		w.NotResumed(errors.New("the next run starts with a gap: the PBX's clock was set forward, " +
			"and no snapshot was taken since"))
		return
	}
	snapshot := ari.Event{
		Kind: ari.SnapshotTaken, At: w.mediator.Watermark(), Node: w.node,
		Snapshot: w.mediator.Snapshot(),
	}
	text, err := json.Marshal(checkpoint{
		Position: at, Watermark: w.mediator.Watermark(), Snapshot: ari.EncodeEvidence(snapshot),
	})
	if err != nil {
		panic("gateway: a checkpoint does not encode: " + err.Error()) // every field can be encoded
	}
	out.Checkpoint = text
	w.log.Info(evCheckpointSaved, zap.Int("calls", w.mediator.OpenCalls()))
}

// takePosition takes the checkpoint that the last run with this node left out of the ledger, and
// returns its position; nil for none. The source calls it on its own goroutine, before any frame of
// the connection is delivered. The commit removes the checkpoint: what it stands for can be resumed
// once at most.
func (w *pbxWorker) takePosition(ctx context.Context, node string) (ari.Position, error) {
	cp, err := w.readCheckpoint(ctx, node)
	if err != nil || cp == nil {
		return nil, err
	}
	if err := w.ledger.Commit(ctx, &ledger.Batch{Node: node}); err != nil {
		return nil, fmt.Errorf("taking out the checkpoint of node %s: %w", node, err)
	}
	w.checkpoint = cp // read behind the queue, after the Resumed that follows
	return cp.Position, nil
}

// readCheckpoint returns nil where there is none.
func (w *pbxWorker) readCheckpoint(ctx context.Context, node string) (*checkpoint, error) {
	text, err := w.ledger.Checkpoint(ctx, node)
	if err != nil || text == nil {
		return nil, err
	}
	var cp checkpoint
	if err := json.Unmarshal(text, &cp); err != nil {
		return nil, fmt.Errorf("reading the checkpoint of node %s: %w", node, err)
	}
	return &cp, nil
}

// resume goes on where the last run stopped: with its open calls, on the PBX as it was known then.
// Where that fails, a snapshot is taken.
func (w *pbxWorker) resume(ctx context.Context, f ari.Frame, out *mediation.Output) {
	ctx, ev := context.WithoutCancel(ctx), f.Event
	w.node = ev.Node
	cp := w.checkpoint
	w.checkpoint = nil
	calls, err := w.resumeCalls(ctx, cp, ev.Snapshot, out)
	if err != nil {
		w.NotResumed(err)
		w.mediator.Step(
			ari.Event{Kind: ari.Gap, At: cp.Watermark, Node: w.node, Reason: ari.GapRestart}, out)
		w.source.Resync(ari.GapRestart)
		return
	}
	w.hadSnapshot = true
	w.mediator.StartClock(ev.Snapshot.At, f.Sent, f.Arrived)
	w.log.Info(evResumed, zap.Int("calls", calls), zap.Time("watermark", cp.Watermark))
}

// resumeCalls restores the PBX and the open calls of a checkpoint. now is the PBX at present.
func (w *pbxWorker) resumeCalls(
	ctx context.Context, cp *checkpoint, now *ari.Snapshot, out *mediation.Output,
) (calls int, err error) {
	known, err := ari.DecodeEvidence(cp.Snapshot)
	if err != nil {
		return 0, fmt.Errorf("reading the snapshot of the checkpoint: %w", err)
	}
	load := func() { w.mediator.Load(known.Snapshot, cp.Watermark) }
	return w.reattach(ctx, known.Snapshot, load, channelsOf(now), out)
}

// reattach restores the open calls on a PBX as it was known; load gives it to the mediator. A call that
// cannot be rebuilt is set aside; where one does not fit the PBX, that may be wrong.
func (w *pbxWorker) reattach(
	ctx context.Context, known *ari.Snapshot, load func(),
	channels map[ari.ChannelID]ari.Channel, out *mediation.Output,
) (calls int, err error) {
	open, err := w.ledger.OpenCalls(ctx, w.node)
	if err != nil {
		return 0, err
	}
	rebuilt := map[metering.CallID]*mediation.Mediator{}
	for some := range slices.Chunk(open, rebuiltAtOnce) {
		for i, r := range w.rebuildAll(ctx, some) {
			if r.err != nil {
				w.giveUp(some[i], r.err, out)
				continue
			}
			rebuilt[some[i].Call] = r.from
		}
	}
	if err := w.markDone(ctx, known, out); err != nil {
		return 0, err
	}
	load()
	for _, oc := range open {
		from := rebuilt[oc.Call]
		if from == nil {
			continue
		}
		if !w.mediator.Reattach(from, oc.Call) {
			return 0, fmt.Errorf("call %s does not fit the snapshot of the checkpoint", oc.Call)
		}
		w.continueCall(oc, channels)
	}
	return len(rebuilt), nil
}
