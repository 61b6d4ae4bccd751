package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering/ledger"
)

// shared is what a worker has besides, while other meters may go on with its PBX. Every commit says up
// to which frame of the stream it goes, and fails where another meter has gone on from there. The graph
// of the PBX is kept from time to time: who takes over reads the stream from that checkpoint on. The
// frames up to the position are known to the ledger, and only bring the graph to where the ledger is.
type shared struct {
	source    *cluster.Source
	position  cluster.Place // up to which all is committed
	fed       cluster.Place // of the last frame that the mediator had
	at        ari.Position  // the same, as the source wrote it
	inGap     bool          // the frame fed last is in a gap: its graph is worth nothing
	rules     mediation.Rules
	replaying *mediation.Mediator
	output    mediation.Output // of replaying: nobody looks at it
	keptAt    time.Time        // when the last checkpoint was made
	kept      int              // its size in bytes
	unpassed  ari.Position     // that of a checkpoint that is not committed yet
}

// The bounds of how often a checkpoint is made: what a takeover has to read again, and what is written.
const (
	minCheckpointEvery = time.Second
	maxCheckpointEvery = time.Minute
	// checkpointBytes is what checkpoints may write in a second.
	checkpointBytes = 256 << 10
)

// newClusterWorker makes the worker of a node. It goes on where the last meter stopped.
func (d *Gateway) newClusterWorker(
	ctx context.Context, s *site, store ledger.Metered, rules mediation.Rules,
) (*pbxWorker, error) {
	rules.ProbeEvery = d.inForce.Load().Meter.ProbeEvery
	w := d.baseWorker(s, s.name, rules, d.proxyControl(s.name))
	w.node = s.name
	sh := &shared{inGap: true, rules: rules}
	w.shared = sh
	at, err := store.Position(ctx)
	if err != nil {
		return nil, err
	}
	if sh.position, err = placeOf(at); err != nil {
		return nil, fmt.Errorf("reading the position of node %s: %w", s.name, err)
	}
	sh.fed = sh.position
	cp, err := w.readCheckpoint(ctx, s.name)
	if err != nil {
		return nil, err
	}
	conf := cluster.Config{
		Conn: d.cluster.conn, Stream: d.cluster.stream, Node: s.name, Desk: w.desk.Deliver,
	}
	if cp != nil {
		w.checkpoint, conf.From = cp, cp.Position
	}
	sh.source = cluster.New(conf, w.queue, clusterObserver{w})
	w.source = sh.source
	return w, nil
}

// placeOf reads what ledgerPosition wrote.
func placeOf(p ledger.Position) (cluster.Place, error) {
	if p == (ledger.Position{}) {
		return cluster.Place{}, nil
	}
	run, err := strconv.ParseUint(p.Run, 10, 64)
	return cluster.Place{Run: run, Sequence: uint64(p.Seq)}, err
}

func ledgerPosition(p cluster.Place) ledger.Position {
	if p == (cluster.Place{}) {
		return ledger.Position{}
	}
	return ledger.Position{Run: strconv.FormatUint(p.Run, 10), Seq: int64(p.Sequence)}
}

// beginReplay takes the first frame of a run: the source goes on from the checkpoint.
func (w *pbxWorker) beginReplay(f ari.Frame) error {
	sh, cp := w.shared, w.checkpoint
	known, err := ari.DecodeEvidence(cp.Snapshot)
	if err != nil {
		return fmt.Errorf("reading the snapshot of the checkpoint: %w", err)
	}
	sh.inGap = false
	sh.replaying = mediation.New(sh.rules)
	sh.replaying.Load(known.Snapshot, cp.Watermark)
	sh.replaying.StartClock(f.Event.At, f.Sent, f.Arrived)
	return nil
}

// isKnown takes a frame that the ledger has already, and tells that it is one.
func (w *pbxWorker) isKnown(ctx context.Context, f ari.Frame, out *mediation.Output) (bool, error) {
	sh := w.shared
	if sh == nil || f.Position == nil {
		return false, nil
	}
	at, err := cluster.ParsePosition(f.Position)
	if err != nil {
		return false, err
	}
	if f.Event != nil && f.Event.Kind == ari.Resumed {
		if err := w.beginReplay(f); err != nil {
			w.NotResumed(err)
			w.source.Resync(ari.GapRestart)
			return true, nil
		}
		return true, w.endReplay(ctx, at.Place, out)
	}
	sh.noteGap(f)
	if !sh.knows(f, at.Place) {
		sh.fed, sh.at = at.Place, f.Position
		return false, nil
	}
	if sh.replaying == nil {
		return true, nil
	}
	sh.output = mediation.Output{}
	sh.replaying.Feed(f, &sh.output)
	return true, w.endReplay(ctx, at.Place, out)
}

// knows reports whether the ledger has what a frame says. A gap of the source has the place of the frame
// before it: where that is the last one that is committed, the gap is not.
func (sh *shared) knows(f ari.Frame, at cluster.Place) bool {
	if f.Event != nil && f.Event.Kind == ari.Gap {
		return at.Before(sh.position)
	}
	return !sh.position.Before(at)
}

// noteGap follows whether the PBX is seen.
func (sh *shared) noteGap(f ari.Frame) {
	if f.Event == nil {
		return
	}
	switch f.Event.Kind {
	case ari.Gap:
		sh.inGap = true
	case ari.SnapshotTaken:
		sh.inGap = false
	default:
	}
}

// endReplay ends the replay where it has reached what the ledger knows: the open calls go on, on the
// PBX as it was then. In a gap they are brought back by the snapshot that follows.
func (w *pbxWorker) endReplay(ctx context.Context, at cluster.Place, out *mediation.Output) error {
	sh := w.shared
	if at.Before(sh.position) {
		return nil
	}
	from := sh.replaying
	sh.replaying, w.checkpoint = nil, nil
	if sh.inGap {
		return nil
	}
	snapshot := from.Snapshot()
	load := func() { w.mediator.Follow(from, snapshot) }
	calls, err := w.reattach(context.WithoutCancel(ctx), snapshot, load, channelsOf(snapshot), out)
	if err != nil {
		w.NotResumed(err)
		w.mediator.Step(
			ari.Event{Kind: ari.Gap, At: from.Watermark(), Node: w.node, Reason: ari.GapRestart}, out)
		w.source.Resync(ari.GapRestart)
		sh.inGap = true
		return nil
	}
	w.hadSnapshot = true
	w.log.Info(evResumed, zap.Int("calls", calls), zap.Time("watermark", from.Watermark()))
	return nil
}

// putPosition puts how far the batch goes into it, and from time to time a checkpoint. A batch that no
// frame belongs to, such as one of an answer, advances by nothing: the ledger takes the checkpoint out
// with a batch that does not advance.
func (w *pbxWorker) putPosition(out *mediation.Output) {
	sh := w.shared
	if sh == nil || out.Empty() {
		return
	}
	out.Advance = &ledger.Advance{From: ledgerPosition(sh.position), To: ledgerPosition(sh.fed)}
	if sh.fed == sh.position || sh.inGap || time.Since(sh.keptAt) < sh.checkpointEvery() {
		return
	}
	sh.keptAt = time.Now()
	text, err := json.Marshal(checkpoint{
		Position: sh.at, Watermark: w.mediator.Watermark(), Snapshot: ari.EncodeEvidence(ari.Event{
			Kind: ari.SnapshotTaken, At: w.mediator.Watermark(), Node: w.node,
			Snapshot: w.mediator.Snapshot(),
		}),
	})
	if err != nil {
		panic("gateway: a checkpoint does not encode: " + err.Error()) // every field can be encoded
	}
	out.Checkpoint, sh.kept, sh.unpassed = text, len(text), sh.at
}

func (sh *shared) checkpointEvery() time.Duration {
	byBytes := time.Duration(sh.kept) * time.Second / checkpointBytes
	return min(max(byBytes, minCheckpointEvery), maxCheckpointEvery)
}

// advanced notes that a batch is committed, and lets the tap forget what no meter needs any more.
func (w *pbxWorker) advanced(out *mediation.Output) error {
	sh := w.shared
	if sh == nil || out.Advance == nil {
		return nil
	}
	sh.position = sh.fed
	if sh.unpassed == nil {
		return nil
	}
	at := sh.unpassed
	sh.unpassed = nil
	return sh.source.Passed(at)
}

// clusterObserver is a worker that watches the source of a cluster.
type clusterObserver struct{ *pbxWorker }

var _ cluster.Observer = clusterObserver{}

// Synced implements cluster.Observer.
func (o clusterObserver) Synced(node string) {
	o.setSync(syncState{synced: true, node: node})
	o.log.Info(evSynced, zap.String("node", node))
}

// Unreadable implements cluster.Observer.
func (o clusterObserver) Unreadable(err error) {
	o.metrics.unreadableFrames.WithLabelValues(o.name).Inc()
	o.log.Error(evMessageUnreadable, zap.Error(err))
}

// Resent implements cluster.Observer.
func (o clusterObserver) Resent(frames int) { o.log.Warn(evResent, zap.Int("frames", frames)) }
