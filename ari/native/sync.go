package native

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/risposta/gateway/ari"
)

// synchronizer keeps the view of one PBX complete: it joins a snapshot and the frames that follow
// it, has heartbeats prove that frames still come, and reports every gap. It knows no transport:
// frames come in through deliver, requests go out through an ari.Control.
//
// A heartbeat is our own user event, sent back by the PBX behind everything that it sent before.
// The heartbeat that is asked for after a snapshot divides the frames that the snapshot may already
// contain from those that follow it, and its timestamp is an instant of the PBX's own clock at
// which the snapshot holds.
type synchronizer struct {
	control ari.Control
	queue   *ari.Queue
	obs     Observer
	desk    func(ari.Event) // nil: there is no front desk
	keepRaw bool            // frames keep their bytes
	resync  chan string     // reasons to take a new snapshot
	probes  chan []ari.ProbeRequest
	rounds  uint // of questions so far

	mu            sync.Mutex
	state         syncState
	info          ari.Info
	bootID        string      // of the machine; "" where this run cannot be resumed from
	pending       []ari.Frame // while syncing; bounded as the queue is, by frames and by bytes
	pendingBytes  int
	snapshot      *ari.Snapshot
	lastHeartbeat time.Time                // the gateway's clock when it came back
	heartbeatAt   time.Time                // the PBX's clock then
	questions     map[uint64]*question     // by the heartbeat that was sent behind them
	clock         ari.Clock                // the PBX's, since the last snapshot
	clockSet      bool                     // it was set forward since then
	sent          map[uint64]time.Duration // boot clock at the sending of heartbeats that are out
	heartbeats    uint64                   // sent so far
	syncStarted   time.Time
	keeps         bool // frames are handed over in pieces
	atDesk        int  // channels in the application, as far as this connection showed
	resuming      bool // from where the last run ended, until the first heartbeat has come back
}

// syncState decides what happens to a frame.
type syncState uint8

const (
	disconnected syncState = iota // discarded: a snapshot must come first
	syncing                       // kept until the heartbeat that follows the snapshot
	synced                        // put into the queue
)

func newSynchronizer(
	control ari.Control, queue *ari.Queue, obs Observer, desk func(ari.Event),
) *synchronizer {
	return &synchronizer{
		control: control, queue: queue, obs: obs, desk: desk, resync: make(chan string, 1),
		probes: make(chan []ari.ProbeRequest, 1), sent: map[uint64]time.Duration{},
		questions: map[uint64]*question{},
	}
}

// connected notes that a socket is open to this PBX.
func (s *synchronizer) connected(info ari.Info) {
	id, _ := bootID() // without one this run cannot be resumed from, and works otherwise
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info, s.bootID, s.state = info, id, disconnected
	s.lastHeartbeat, s.resuming, s.atDesk = time.Now(), false, 0
	s.clock.Restart()
	clear(s.sent)
	s.syncStarted = time.Now()
}

// run takes a snapshot, keeps checking for heartbeats, and takes a new snapshot when asked.
// onSynced is called once the first snapshot is on its way.
func (s *synchronizer) run(ctx context.Context, onSynced func()) error {
	if err := s.takeSnapshot(ctx); err != nil {
		return err
	}
	onSynced()
	return s.keepChecking(ctx)
}

// keepChecking keeps the view of the PBX complete, until the connection ends.
func (s *synchronizer) keepChecking(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.keepListening(gctx) })
	g.Go(func() error { return s.keepAsking(gctx) })
	return g.Wait()
}

// keepListening checks for heartbeats, and takes a new snapshot when asked.
func (s *synchronizer) keepListening(ctx context.Context) error {
	tick := time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case reason := <-s.resync:
			s.disconnect(reason, nil)
			if err := s.takeSnapshot(ctx); err != nil {
				return err
			}
		case <-tick.C:
			now := time.Now()
			s.mu.Lock()
			if now.Sub(last) > silenceLimit {
				// The gateway itself stood still. What came meanwhile waits in the socket, whole,
				// or the PBX has cut the gateway off: reading shows which.
				s.lastHeartbeat = now
			}
			silent := now.Sub(s.lastHeartbeat)
			s.mu.Unlock()
			last = now
			if silent > silenceLimit {
				return errSilence
			}
			if err := s.sendHeartbeat(ctx, nil); err != nil {
				return err
			}
		}
	}
}

// takeSnapshot keeps the frames that come, and asks for the snapshot that goes before them.
func (s *synchronizer) takeSnapshot(ctx context.Context) error {
	for !s.queue.HasRoom() {
		select {
		case <-time.After(roomCheck):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	s.discard(syncing)
	s.clock.Restart()
	s.clockSet = false
	s.syncStarted = time.Now()
	s.mu.Unlock()
	return s.requestSnapshot(ctx)
}

// requestSnapshot asks for the snapshot, then for the heartbeat that ends syncing.
func (s *synchronizer) requestSnapshot(ctx context.Context) error {
	snap, err := s.control.Snapshot(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.snapshot, s.lastHeartbeat = snap, time.Now()
	s.mu.Unlock()
	return s.sendHeartbeat(ctx, nil)
}

// maxHeartbeatsOut bounds the heartbeats that are remembered as sent: more than go out within
// silenceLimit.
const maxHeartbeatsOut = 16

// sendHeartbeat asks for a heartbeat, behind a question or none.
func (s *synchronizer) sendHeartbeat(ctx context.Context, q *question) error {
	s.mu.Lock()
	s.heartbeats++
	n := s.heartbeats
	if len(s.sent) >= maxHeartbeatsOut {
		clear(s.sent)
		clear(s.questions)
	}
	if q != nil && s.state == synced {
		s.questions[n] = q
	}
	s.sent[n] = BootClock()
	s.mu.Unlock()
	return s.control.Heartbeat(ctx, n)
}

// discard forgets, under the lock, what was kept, and enters a state.
func (s *synchronizer) discard(next syncState) {
	s.state, s.pending, s.pendingBytes, s.snapshot = next, nil, 0, nil
	clear(s.questions) // asked of what is no longer known
}

func (s *synchronizer) requestResync(reason string) {
	select {
	case s.resync <- reason:
	default: // one is requested already
	}
}

var (
	errReplaced = errors.New("another client has taken the application's name")
	errSilence  = fmt.Errorf("no heartbeat came back for %s", silenceLimit)
)

// disconnect ends delivering, and puts a gap into the queue where frames were being delivered.
func (s *synchronizer) disconnect(reason string, err error) {
	switch {
	case errors.Is(err, errReplaced):
		reason = ari.GapReplaced
	case errors.Is(err, errSilence):
		reason = ari.GapSilence
	}
	s.mu.Lock()
	wasSynced := s.state == synced
	s.discard(disconnected)
	if wasSynced {
		s.putGap(reason)
	}
	s.mu.Unlock()
	if wasSynced {
		s.obs.SyncLost(reason, err)
	}
}

func (s *synchronizer) putGap(reason string) {
	s.queue.Put(ari.Frame{Event: &ari.Event{Kind: ari.Gap, Node: s.info.Node, Reason: reason}})
}
