package cluster

import (
	"github.com/risposta/gateway/ari"
)

// frame looks at a frame that has come, and reports whether it is to be delivered.
func (r *reading) frame(f *ari.Frame) (deliver bool) {
	if f.Arrived != 0 {
		r.at.ClockAt = f.Arrived
	}
	if f.Event != nil {
		return r.event(f)
	}
	if f.Read() != nil { // it keeps its bytes, and the reader of the queue finds it out
		return !r.inGap
	}
	ev := f.Decoded
	r.watchClock(f, ev)
	switch ev.Kind {
	case ari.StasisStart, ari.StasisEnd, ari.PlaybackFinished, ari.ChannelDtmfReceived,
		ari.ChannelDestroyed:
		if r.source.cfg.Desk != nil {
			r.source.cfg.Desk(*ev)
		}
	default:
	}
	return !r.inGap
}

// event looks at an event of the tap's source.
func (r *reading) event(f *ari.Frame) (deliver bool) {
	switch f.Event.Kind {
	case ari.Gap:
		r.source.served() // a snapshot follows it
		if r.inGap {
			return false
		}
		r.inGap, r.synced = true, false
		r.source.obs.SyncLost(f.Event.Reason, nil)
		return true
	case ari.SnapshotTaken:
		r.inGap, r.clockSet = false, false
		r.clock.Restart()
		if f.Sent != 0 {
			r.clock.Heartbeat(f.Event.At, f.Sent, f.Arrived)
		}
		r.source.served()
		return true
	case ari.Suspended, ari.Resumed: // nothing is missing between the two: the PBX has kept its events
		return false
	default:
		return !r.inGap
	}
}

// watchClock watches the PBX's clock as the mediator does, so that one who goes on from a position
// knows what was known there.
func (r *reading) watchClock(f *ari.Frame, ev *ari.Event) {
	switch {
	case ev.At.IsZero() || f.Arrived == 0:
	case r.clock.SetForward(ev.At, f.Arrived):
		r.clock.Restart()
		r.clockSet = true
	case ev.Kind == ari.Heartbeat && f.Sent != 0:
		r.clock.Heartbeat(ev.At, f.Sent, f.Arrived)
	}
}
