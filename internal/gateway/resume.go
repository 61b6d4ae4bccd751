package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// checkpoint is what a run leaves to the next one when the PBX keeps its events meanwhile: what was known of the PBX, and what must not have
// changed for that to be still of use.
type checkpoint struct {
	Started   time.Time       `json:"asterisk_started"` // what it keeps is in its memory
	BootID    string          `json:"boot_id"`          // the machine's: BootNs counts from there
	BootNs    int64           `json:"boot_ns"`
	Watermark time.Time       `json:"sure"`
	Snapshot  json.RawMessage `json:"snapshot"` // as evidence is written: no numbers
}

// handOver writes the checkpoint that the batch of the last frames carries.
func (s *pbxWorker) handOver(out *mediation.Output) {
	id, err := native.BootID()
	boot, err2 := native.BootClock()
	if err = errors.Join(err, err2); err != nil {
		s.log.Warn(evHandOver, zap.Error(err))
		return // the next run begins with a gap
	}
	cp := checkpoint{
		Started: s.started, BootID: id, BootNs: boot.Nanoseconds(), Watermark: s.mediator.Watermark(),
		Snapshot: ari.EncodeEvidence(ari.Event{Kind: ari.SnapshotTaken, At: s.mediator.Watermark(), Node: s.node, Snapshot: s.mediator.Snapshot()}),
	}
	text, err := json.Marshal(cp)
	if err != nil {
		panic("daemon: a checkpoint of our own making does not encode: " + err.Error()) // every field can be encoded
	}
	out.Checkpoint = text
	s.log.Info(evHandOver, zap.Int("calls", s.mediator.OpenCalls()))
}

// left tells the source whether the run before handed over, and to what. It is called from the source's goroutine, before any frame is delivered.
func (s *pbxWorker) left(info native.Info) (native.ResumeToken, bool) {
	cp, err := s.readCheckpoint(info.Node)
	switch {
	case err != nil:
		s.log.Warn(evResumeFailed, zap.Error(err))
		return native.ResumeToken{}, false
	case cp == nil:
		return native.ResumeToken{}, false
	case !cp.Started.Equal(info.Started):
		s.log.Warn(evResumeFailed, zap.String("error", "Asterisk was restarted meanwhile: what it kept for us is lost"))
		return native.ResumeToken{}, false
	}
	if id, err := native.BootID(); err != nil || id != cp.BootID {
		s.log.Warn(evResumeFailed, zap.String("error", "the machine was restarted meanwhile"))
		return native.ResumeToken{}, false
	}
	return native.ResumeToken{Watermark: cp.Watermark, Boot: time.Duration(cp.BootNs)}, true
}

func (s *pbxWorker) readCheckpoint(node string) (*checkpoint, error) {
	text, err := s.ledger.Checkpoint(context.Background(), node) // bounded by the ledger's own busy timeout
	if err != nil || text == nil {
		return nil, err
	}
	var cp checkpoint
	if err := json.Unmarshal(text, &cp); err != nil {
		return nil, fmt.Errorf("reading the checkpoint of node %s: %w", node, err)
	}
	return &cp, nil
}

// resume goes on where the run before stopped: its open calls, on the PBX as it knew it. Where that can't be done sight begins anew.
func (s *pbxWorker) resume(ctx context.Context, ev *ari.Event, out *mediation.Output) error {
	ctx = context.WithoutCancel(ctx)
	s.node = ev.Node
	calls, err := s.takeUp(ctx, ev)
	if err != nil {
		s.log.Warn(evResumeFailed, zap.Error(err))
		s.mediator.Step(ari.Event{Kind: ari.Gap, At: ev.At, Node: s.node, Reason: ari.GapRestart}, out)
		s.source.Resync(ari.GapRestart)
		return nil
	}
	s.seen = true
	s.log.Info(evResumed, zap.Int("calls", calls), zap.Time("sure_at", ev.At))
	return nil
}

func (s *pbxWorker) takeUp(ctx context.Context, ev *ari.Event) (calls int, err error) {
	cp, err := s.readCheckpoint(s.node)
	if err != nil {
		return 0, err
	}
	if cp == nil {
		return 0, errors.New("the checkpoint is gone")
	}
	known, err := ari.DecodeEvidence(cp.Snapshot)
	if err != nil {
		return 0, fmt.Errorf("the checkpoint's snapshot: %w", err)
	}
	if err := s.markDone(ctx, known.Snapshot); err != nil {
		return 0, err
	}
	open, err := s.ledger.OpenCalls(ctx, s.node)
	if err != nil {
		return 0, err
	}
	s.mediator.Load(known.Snapshot, cp.Watermark)
	for _, oc := range open {
		rebuilt, err := s.rebuild(ctx, oc)
		if err != nil {
			return 0, fmt.Errorf("call %s: %w", oc.Call, err)
		}
		if !s.mediator.Reattach(rebuilt, oc.Call) {
			return 0, fmt.Errorf("call %s does not fit what was known of the PBX", oc.Call)
		}
		s.mediator.SetEncryptedCaller(oc.Call, oc.EncryptedCaller)
		s.askAgain(oc, ev.Snapshot)
	}
	return len(open), nil
}

// rebuild replays the evidence of an open call.
func (s *pbxWorker) rebuild(ctx context.Context, oc ledger.OpenCall) (*mediation.Mediator, error) {
	frames, err := s.ledger.Evidence(ctx, oc.Call)
	if err != nil {
		return nil, err
	}
	rebuilt, _, err := mediation.Replay(frames)
	if err == nil && rebuilt.Call(oc.Call) == nil {
		err = errors.New("its evidence shows that it has ended")
	}
	return rebuilt, err
}

// markDone tells a snapshot which of its channels have their record already.
func (s *pbxWorker) markDone(ctx context.Context, snap *ari.Snapshot) error {
	for i := range snap.Legs {
		l := &snap.Legs[i]
		if _, err := s.ledger.Record(ctx, metering.CallID(l.Channel.ID)); err == nil {
			l.Done = true
		} else if !errors.Is(err, ledger.ErrNotFound) {
			return err
		}
	}
	return nil
}
