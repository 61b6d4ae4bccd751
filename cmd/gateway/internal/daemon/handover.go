package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/cmd/gateway/internal/pipeline"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// checkpoint is what a run leaves to the next one when the PBX keeps its events meanwhile: what was known of the PBX, and what must not have
// changed for that to be still of use.
type checkpoint struct {
	Started  time.Time       `json:"asterisk_started"` // what it keeps is in its memory
	BootID   string          `json:"boot_id"`          // the machine's: BootNs counts from there
	BootNs   int64           `json:"boot_ns"`
	Sure     time.Time       `json:"sure"`
	Snapshot json.RawMessage `json:"snapshot"` // as evidence is written: no numbers
}

// handOver writes the checkpoint that the batch of the last frames carries.
func (s *station) handOver(out *pipeline.Output) {
	id, err := native.BootID()
	boot, err2 := native.BootClock()
	if err = errors.Join(err, err2); err != nil {
		s.log.Warn(evHandOver, zap.Error(err))
		return // the next run begins with a gap
	}
	cp := checkpoint{
		Started: s.started, BootID: id, BootNs: boot.Nanoseconds(), Sure: s.pipeline.Sure(),
		Snapshot: ari.Encode(ari.Event{Kind: ari.SightRegained, At: s.pipeline.Sure(), Node: s.node, Snapshot: s.pipeline.Snapshot()}),
	}
	text, err := json.Marshal(cp)
	if err != nil {
		panic("daemon: a checkpoint of our own making does not encode: " + err.Error()) // every field can be encoded
	}
	out.Checkpoint = text
	s.log.Info(evHandOver, zap.Int("calls", s.pipeline.OpenCalls()))
}

// left tells the source whether the run before handed over, and to what. It is called from the source's goroutine, before any frame is delivered.
func (s *station) left(info native.Info) (native.Handover, bool) {
	cp, err := s.readCheckpoint(info.Node)
	switch {
	case err != nil:
		s.log.Warn(evResumeFailed, zap.Error(err))
		return native.Handover{}, false
	case cp == nil:
		return native.Handover{}, false
	case !cp.Started.Equal(info.Started):
		s.log.Warn(evResumeFailed, zap.String("error", "Asterisk was restarted meanwhile: what it kept for us is lost"))
		return native.Handover{}, false
	}
	if id, err := native.BootID(); err != nil || id != cp.BootID {
		s.log.Warn(evResumeFailed, zap.String("error", "the machine was restarted meanwhile"))
		return native.Handover{}, false
	}
	return native.Handover{Sure: cp.Sure, Boot: time.Duration(cp.BootNs)}, true
}

func (s *station) readCheckpoint(node string) (*checkpoint, error) {
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
func (s *station) resume(ctx context.Context, ev *ari.Event, out *pipeline.Output) error {
	ctx = context.WithoutCancel(ctx)
	s.node = ev.Node
	calls, err := s.takeUp(ctx, ev)
	if err != nil {
		s.log.Warn(evResumeFailed, zap.Error(err))
		s.pipeline.Step(ari.Event{Kind: ari.SightLost, At: ev.At, Node: s.node, Reason: ari.LostRestart}, out)
		s.source.Resync(ari.LostRestart)
		return nil
	}
	s.seen = true
	s.log.Info(evResumed, zap.Int("calls", calls), zap.Time("sure_at", ev.At))
	return nil
}

func (s *station) takeUp(ctx context.Context, ev *ari.Event) (calls int, err error) {
	cp, err := s.readCheckpoint(s.node)
	if err != nil {
		return 0, err
	}
	if cp == nil {
		return 0, errors.New("the checkpoint is gone")
	}
	known, err := ari.Decode(cp.Snapshot)
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
	s.pipeline.Load(known.Snapshot, cp.Sure)
	for _, oc := range open {
		rebuilt, err := s.rebuild(ctx, oc)
		if err != nil {
			return 0, fmt.Errorf("call %s: %w", oc.Call, err)
		}
		if !s.pipeline.Reattach(rebuilt, oc.Call) {
			return 0, fmt.Errorf("call %s does not fit what was known of the PBX", oc.Call)
		}
		s.pipeline.Unsealed(oc.Call, oc.Sealed)
		s.askAgain(oc, ev.Snapshot)
	}
	return len(open), nil
}

// rebuild replays the evidence of an open call.
func (s *station) rebuild(ctx context.Context, oc ledger.OpenCall) (*pipeline.Pipeline, error) {
	frames, err := s.ledger.Evidence(ctx, oc.Call)
	if err != nil {
		return nil, err
	}
	rebuilt, _, err := pipeline.Rebuild(frames)
	if err == nil && rebuilt.Call(oc.Call) == nil {
		err = errors.New("its evidence shows that it has ended")
	}
	return rebuilt, err
}

// markDone tells a snapshot which of its channels have their record already.
func (s *station) markDone(ctx context.Context, snap *ari.Snapshot) error {
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
