package mediation

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering/ledger"
)

// Feed takes in one frame of a source or of a recording, and adds to out. It returns the unreadable
// frame, if it was one, and whether that puts an open call in doubt.
func (m *Mediator) Feed(f ari.Frame, out *Output) (bad *ari.Unreadable, doubt bool) {
	if f.Event != nil {
		m.feedEvent(f, out)
		return nil, false
	}
	if f.Decoded == nil {
		raw := f.Raw
		if bad = f.Read(); bad != nil {
			return bad, m.reject(bad, raw, out)
		}
	}
	ev := *f.Decoded
	if !ev.At.IsZero() && f.Arrived != 0 && m.pbxClock.SetForward(ev.At, f.Arrived) {
		m.pbxClock.Restart()
		// From here on its timestamps mean something else. The snapshot that must follow shows what
		// this event did.
		gap := ari.Event{Kind: ari.Gap, At: m.watermark, Node: ev.Node, Reason: ari.GapClock}
		m.Step(gap, out)
		out.ClockJumps++
		return nil, false
	}
	m.Step(ev, out)
	if ev.Kind == ari.Heartbeat {
		out.Heartbeats++
		if f.Sent != 0 {
			m.pbxClock.Heartbeat(ev.At, f.Sent, f.Arrived)
		}
	}
	if !ev.At.IsZero() {
		m.advanceWatermark(ev.At, out)
	}
	return nil, false
}

// reject notes an unreadable frame, and reports whether it puts an open call in doubt.
func (m *Mediator) reject(bad *ari.Unreadable, raw []byte, out *Output) (doubt bool) {
	sum := sha256.Sum256(raw)
	out.Rejects = append(out.Rejects, ledger.Reject{
		At: m.watermark, Bytes: bad.Bytes, Type: bad.Type, SHA256: hex.EncodeToString(sum[:]),
		Error: bad.Err.Error(),
	})
	if !bad.Doubtful() {
		return false
	}
	before := len(out.Evidence)
	ev := ari.Event{Kind: ari.UnreadableFrame, At: m.watermark, Channels: bad.Channels}
	m.Step(ev, out)
	return len(out.Evidence) > before
}

func (m *Mediator) feedEvent(f ari.Frame, out *Output) {
	ev := *f.Event
	if ev.Kind == ari.Gap && ev.At.IsZero() {
		ev.At = m.watermark
	}
	m.Step(ev, out)
	if ev.Kind == ari.SnapshotTaken {
		m.advanceWatermark(ev.At, out)
		m.StartClock(ev.At, f.Sent, f.Arrived)
	}
}

// StartClock begins to watch the PBX's clock anew, from a heartbeat: its timestamp, and when by the
// boot clock it was asked for and came in; zero where that is not known.
func (m *Mediator) StartClock(at time.Time, sent, arrived time.Duration) {
	m.pbxClock.Restart()
	if sent != 0 {
		m.pbxClock.Heartbeat(at, sent, arrived)
	}
}

func (m *Mediator) advanceWatermark(at time.Time, out *Output) {
	m.watermark = at
	out.Watermark = at
}

// Watermark is the last instant at which this PBX was seen: the timestamp of its last event.
func (m *Mediator) Watermark() time.Time { return m.watermark }

// SetWatermark sets the watermark that a former run left.
func (m *Mediator) SetWatermark(at time.Time) { m.watermark = at }

// ClockAt is what the PBX's clock shows at an instant of the boot clock; ok is false where no
// heartbeat has told yet.
func (m *Mediator) ClockAt(boot time.Duration) (at time.Time, ok bool) {
	limit, ok := m.pbxClock.Limit(boot)
	return time.Unix(0, int64(boot+limit)).UTC(), ok
}

// Finish ends a recording. A call that is still open ends at the last instant, its end unseen.
func (m *Mediator) Finish(out *Output) {
	if m.OpenCalls() == 0 {
		return
	}
	at := m.watermark
	m.Step(ari.Event{Kind: ari.Gap, At: at, Reason: ari.GapEndOfTrace}, out)
	m.Step(ari.Event{Kind: ari.SnapshotTaken, At: at, Snapshot: &ari.Snapshot{At: at}}, out)
}
