package mediation

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering/ledger"
)

// Feed takes in one frame of a source or of a recording. It returns the unreadable frame, if it was one, and whether that puts an
// open call in doubt.
func (p *Mediator) Feed(f ari.Frame, out *Output) (bad *ari.Unreadable, doubt bool) {
	if f.Event != nil {
		p.feedEvent(f, out)
		return nil, false
	}
	ev, err := ari.Event{}, error(nil)
	if f.Total > 0 {
		err = ari.TooLong(f.Raw, f.Total)
	} else {
		ev, err = ari.Decode(f.Raw)
	}
	if errors.As(err, &bad) {
		sum := sha256.Sum256(f.Raw)
		out.Rejects = append(out.Rejects, ledger.Reject{
			At: p.sure, Bytes: bad.Bytes, Type: bad.Type, SHA256: hex.EncodeToString(sum[:]), Error: bad.Err.Error(),
		})
		if !bad.Doubtful() {
			return bad, false
		}
		before := len(out.Evidence)
		p.Step(ari.Event{Kind: ari.UnreadableFrame, At: p.sure, Channels: bad.Channels}, out)
		return bad, len(out.Evidence) > before
	}
	if !ev.At.IsZero() && f.Arrived != 0 && p.pbxClock.SetForward(ev.At, f.Arrived) {
		p.pbxClock.Restart()
		// From here on its timestamps mean something else. The event itself is left to the snapshot that must follow.
		p.Step(ari.Event{Kind: ari.Gap, At: p.sure, Node: ev.Node, Reason: ari.GapClock}, out)
		out.ClockJumps++
		return nil, false
	}
	p.Step(ev, out)
	if ev.Kind == ari.Heartbeat {
		out.Heartbeats++
		if f.Sent != 0 {
			p.pbxClock.Heartbeat(ev.At, f.Sent, f.Arrived)
		}
	}
	if !ev.At.IsZero() {
		p.seen(ev.At, out)
	}
	return nil, false
}

func (p *Mediator) feedEvent(f ari.Frame, out *Output) {
	ev := *f.Event
	if ev.Kind == ari.Gap && ev.At.IsZero() {
		ev.At = p.sure
	}
	p.Step(ev, out)
	if ev.Kind == ari.SnapshotTaken {
		p.seen(ev.At, out)
		p.StartClock(ev.At, f.Sent, f.Arrived)
	}
}

// StartClock begins to watch the PBX's clock anew, from a heartbeat: its timestamp, and when by the
// boot clock it was asked for and came in; zero where that is not known.
func (p *Mediator) StartClock(at time.Time, sent, arrived time.Duration) {
	p.pbxClock.Restart()
	if sent != 0 {
		p.pbxClock.Heartbeat(at, sent, arrived)
	}
}

func (p *Mediator) seen(at time.Time, out *Output) {
	p.sure = at
	out.Watermark = at
}

// Sure is the last instant that this PBX was seen at: the own timestamp of the last event.
func (p *Mediator) Watermark() time.Time { return p.sure }

// ResumeAt tells where a former run left off.
func (p *Mediator) ResumeAt(sure time.Time) { p.sure = sure }

// Finish ends a recording: whatever is still open ends at its last instant, its end unseen.
func (p *Mediator) Finish(out *Output) {
	if p.OpenCalls() == 0 {
		return
	}
	p.Step(ari.Event{Kind: ari.Gap, At: p.sure, Reason: ari.GapEndOfTrace}, out)
	p.Step(ari.Event{Kind: ari.SnapshotTaken, At: p.sure, Snapshot: &ari.Snapshot{At: p.sure}}, out)
}
