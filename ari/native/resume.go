package native

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/ari"
)

// position is what an ari.Position of this source holds: what must not have changed when a later run
// goes on from there, and how far the PBX's clock was ahead of the boot clock at most.
type position struct {
	AsteriskStarted time.Time `json:"asterisk_started"` // Asterisk keeps events in its memory
	BootID          string    `json:"boot_id"`          // of the machine: its boot clock starts there
	BootNs          int64     `json:"boot_ns"`          // boot clock at the position
	ClockLimitNs    int64     `json:"clock_limit_ns"`   // as ari.Clock.Limit then
}

// place is the position at this instant, under the lock; nil where no run can resume from it.
func (s *synchronizer) place() ari.Position {
	now := BootClock()
	limit, ok := s.clock.Limit(now)
	if !ok || s.clockSet || s.bootID == "" {
		return nil
	}
	text, err := json.Marshal(position{
		AsteriskStarted: s.info.Started, BootID: s.bootID, BootNs: now.Nanoseconds(), ClockLimitNs: limit.Nanoseconds(),
	})
	if err != nil {
		panic("native: a position does not encode: " + err.Error()) // every field can be encoded
	}
	return text
}

// suspend ends delivering without a gap: the PBX has sent everything up to here, and keeps the
// rest.
func (s *synchronizer) suspend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != synced {
		return
	}
	s.queue.Put(ari.Frame{
		Event: &ari.Event{Kind: ari.Suspended, Node: s.info.Node}, Position: s.place(),
	})
	s.discard(disconnected)
}

// present begins to resume from a position: every frame is kept from the first one on. An error
// gives the reason for refusing the position.
func (s *synchronizer) present(from ari.Position) error {
	var p position
	if err := json.Unmarshal(from, &p); err != nil {
		return fmt.Errorf("reading the position where the last run ended: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.AsteriskStarted.Equal(s.info.Started) {
		return errors.New("the events that Asterisk kept are lost: it was restarted meanwhile")
	}
	if p.BootID != s.bootID {
		return errors.New("the machine was restarted meanwhile")
	}
	s.discard(syncing)
	s.clock = ari.ResumeClock(time.Duration(p.ClockLimitNs), time.Duration(p.BootNs))
	s.clockSet, s.resuming = false, true
	return nil
}

// resume decides, under the lock, whether what the PBX kept while the gateway was away can be
// delivered. Where the PBX's clock was set forward meanwhile, how long callers have talked is
// unknown: that is an error, and the next session starts with a snapshot.
func (s *synchronizer) resume() error {
	s.resuming = false
	if s.clockSet {
		return errors.New("the PBX's clock was set forward while the gateway was away")
	}
	return nil
}

// runOutbound is run for a PBX that opens the connection. What it kept while the gateway was away
// comes first. A run that resumes needs it all. For any other it is older than the snapshot and
// worth nothing, so a heartbeat must come back before the snapshot is taken.
func (s *synchronizer) runOutbound(ctx context.Context, resumes bool, onSynced func()) error {
	if resumes {
		if err := s.requestSnapshot(ctx); err != nil {
			return err
		}
		onSynced()
		return s.keepChecking(ctx)
	}
	sent := time.Now()
	if err := s.sendHeartbeat(ctx, nil); err != nil {
		return err
	}
	if err := s.heartbeatSince(ctx, sent); err != nil {
		return err
	}
	return s.run(ctx, onSynced)
}

// backlogTimeout is how long Asterisk may take to send what it kept.
const backlogTimeout = 30 * time.Second

// heartbeatSince waits for a heartbeat to come back. It asks for more: the first one may come before
// the PBX knows the connection as the application's.
func (s *synchronizer) heartbeatSince(ctx context.Context, sent time.Time) error {
	timeout := time.After(backlogTimeout)
	tick, again := time.NewTicker(roomCheck), time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	defer again.Stop()
	for {
		s.mu.Lock()
		last := s.lastHeartbeat
		s.mu.Unlock()
		if last.After(sent) {
			return nil
		}
		select {
		case <-tick.C:
		case <-again.C:
			if err := s.sendHeartbeat(ctx, nil); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-timeout:
			return fmt.Errorf("the events that the PBX kept were not all sent within %s", backlogTimeout)
		}
	}
}
