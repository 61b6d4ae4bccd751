package native

import (
	"bytes"
	"time"

	"github.com/risposta/gateway/ari"
)

// deliver processes one frame, which says when it arrived, at once. It reads the frame, once for the desk
// and for the reader of the queue, and keeps nothing of Raw but where that cannot be read.
func (s *synchronizer) deliver(f ari.Frame) error {
	raw := f.Raw
	bad := f.Read()
	if bad != nil && bad.Type == ari.ApplicationReplaced.String() {
		return errReplaced // whatever else is wrong with it
	}
	if bad == nil && s.keepRaw {
		f.Raw = bytes.Clone(raw)
	}
	var ev ari.Event
	if f.Decoded != nil {
		ev = *f.Decoded
	}
	switch ev.Kind {
	case ari.ApplicationReplaced:
		return errReplaced
	case ari.StasisStart, ari.StasisEnd, ari.PlaybackFinished, ari.ChannelDtmfReceived,
		ari.ChannelDestroyed:
		if s.desk != nil {
			s.desk(ev)
		}
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch ev.Kind {
	case ari.StasisStart:
		s.atDesk++
	case ari.StasisEnd:
		s.atDesk = max(0, s.atDesk-1)
	default:
	}
	heartbeat := ev.Kind == ari.Heartbeat
	if heartbeat {
		s.takeHeartbeat(&f, ev)
	}
	switch s.state {
	case disconnected:
	case synced:
		// A heartbeat that carries an answer is no heartbeat to the reader, who asks anew at each: rounds of
		// questions come each heartbeatEvery, however many calls there are.
		if q := s.questions[ev.Heartbeat]; heartbeat && q != nil {
			delete(s.questions, ev.Heartbeat)
			s.answer(q, ev)
		} else if !s.put(f) {
			s.overflow()
		}
	case syncing:
		if heartbeat && s.snapshot != nil {
			return s.endSyncing(f, ev)
		}
		if len(s.pending) >= ari.QueueFrames || s.pendingBytes+f.Size() > ari.QueueBytes {
			s.overflow()
			return nil
		}
		s.pending = append(s.pending, f)
		s.pendingBytes += f.Size()
	}
	return nil
}

// put adds a frame to the queue, under the lock.
func (s *synchronizer) put(f ari.Frame) bool {
	if s.keeps {
		return s.queue.Keep(f)
	}
	return s.queue.Put(f)
}

// keepFrames sets whether the reader of the socket hands frames over in pieces, or each at once.
func (s *synchronizer) keepFrames(keeps bool) {
	s.mu.Lock()
	s.keeps = keeps
	s.mu.Unlock()
	s.queue.HandOver()
}

// deskIsBusy reports whether a caller is at the front desk.
func (s *synchronizer) deskIsBusy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.desk != nil && s.atDesk > 0
}

// takeHeartbeat notes, under the lock, that a heartbeat came back.
func (s *synchronizer) takeHeartbeat(f *ari.Frame, ev ari.Event) {
	s.lastHeartbeat, s.heartbeatAt = time.Now(), ev.At
	f.Sent = s.sent[ev.Heartbeat]
	delete(s.sent, ev.Heartbeat)
	switch {
	case f.Sent == 0: // of a former connection
	case s.clock.SetForward(ev.At, f.Arrived):
		s.clockSet = true // the reader of the queue finds it, too, and asks for a snapshot
	default:
		s.clock.Heartbeat(ev.At, f.Sent, f.Arrived)
	}
}

// overflow gives up, under the lock: frames are missing from here on, until a new snapshot.
func (s *synchronizer) overflow() {
	if s.state == synced {
		s.putGap(ari.GapOverflow)
	}
	s.discard(disconnected)
	s.requestResync(ari.GapOverflow)
	s.obs.Overflowed()
}

// endSyncing delivers, under the lock, the snapshot and the frames that came since it was asked
// for.
func (s *synchronizer) endSyncing(f ari.Frame, heartbeat ari.Event) error {
	s.snapshot.At, s.snapshot.Node = heartbeat.At, s.info.Node
	first := ari.Frame{Arrived: f.Arrived, Sent: f.Sent, Event: &ari.Event{
		Kind: ari.SnapshotTaken, At: heartbeat.At, Node: s.info.Node, Snapshot: s.snapshot,
	}}
	if s.resuming {
		if err := s.resume(); err != nil {
			return err
		}
		first.Event.Kind = ari.Resumed
	}
	channels, pending := len(s.snapshot.Legs), s.pending
	s.discard(synced)
	s.queue.Put(first)
	for _, kept := range pending {
		if !s.queue.Put(kept) {
			s.overflow()
			return nil
		}
	}
	s.obs.Synced(s.info, channels, time.Since(s.syncStarted))
	return nil
}
