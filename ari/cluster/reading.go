package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/ari"
)

// reading is how far a source is: what makes frames of messages. It belongs to one goroutine.
type reading struct {
	source *Source
	at     Position // of the last frame that has come
	parts  Assembler
	// stream is the sequence of the message in which the batch began that comes at present.
	stream   uint64
	resuming bool   // the position of the last run has not been confirmed yet
	wanting  string // why a snapshot must be asked for, if none comes by itself; "": it need not
	inGap    bool   // frames are dropped until a snapshot
	clock    ari.Clock
	clockSet bool      // it was set forward, and no snapshot has come since
	lastCame time.Time // a batch, by this machine's clock
	synced   bool
}

func newReading(s *Source) *reading {
	r := &reading{source: s, inGap: true, wanting: ari.GapNotWatching, lastCame: time.Now()}
	if s.cfg.From == nil {
		return r
	}
	at, err := ParsePosition(s.cfg.From)
	if err != nil || at.Place == (Place{}) {
		s.obs.NotResumed(errors.Join(errors.New("the position of the last run is none"), err))
		return r
	}
	r.at, r.resuming, r.inGap, r.stream, r.wanting = at, true, at.Gap, at.Stream, ""
	if at.Gap {
		r.wanting = ari.GapRestart
	}
	if at.ClockAt != 0 {
		r.clock = ari.ResumeClock(at.ClockLimit, at.ClockAt)
	}
	return r
}

// began reports whether it is known where to go on.
func (r *reading) began() bool { return r.at.Place != (Place{}) }

// message takes the next message of the stream.
func (r *reading) message(ctx context.Context, text []byte, stream uint64) error {
	m, err := ParseMessage(text)
	if err == nil && m.Node != r.source.cfg.Node {
		err = fmt.Errorf("a message of node %s came on the subject of node %s", m.Node, r.source.cfg.Node)
	}
	if err != nil {
		r.source.obs.Unreadable(err) // what it had is missing, as the next one shows
		return nil
	}
	if m.Part == 0 {
		r.stream = stream
	}
	whole, ok := r.parts.Add(m)
	if !ok {
		return nil
	}
	return r.batch(ctx, &whole, true)
}

// batch takes the next batch. One that was here before is dropped. What is missing before it is asked
// of the tap, where fetch says so; else it is a gap.
func (r *reading) batch(ctx context.Context, m *Message, fetch bool) error {
	last := m.Last()
	known := r.at.Place
	if last == known || last.Before(known) {
		return nil
	}
	if !r.follows(m) {
		if fetch {
			if err := r.source.fetch(ctx, m.After); err != nil {
				return err
			}
		}
		if r.at.Place == last || last.Before(r.at.Place) {
			return nil
		}
		if !r.follows(m) {
			r.lost(m)
		}
	}
	frames, err := m.Frames()
	if err != nil {
		r.source.obs.Unreadable(err) // it is missing, as the next one shows
		return nil
	}
	return r.frames(ctx, m, frames)
}

// follows reports whether nothing is missing before a batch.
func (r *reading) follows(m *Message) bool {
	known := r.at.Place
	return known == Place{} || m.After == known ||
		m.First.Run == known.Run && m.First.Sequence <= known.Sequence+1
}

// lost delivers a gap: what is missing before a batch cannot be had.
func (r *reading) lost(m *Message) {
	s := r.source
	err := fmt.Errorf("the frames behind %s, up to %s, are neither in the stream nor at the tap",
		r.at.Place, m.After)
	r.at.Place = Place{m.First.Run, m.First.Sequence - 1}
	if r.resuming {
		r.resuming, r.inGap = false, true
		s.obs.NotResumed(err)
	}
	r.gap(ari.GapFrames, err)
	r.wanting = ari.GapFrames
}

// gap delivers a gap, where none is open.
func (r *reading) gap(reason string, err error) {
	if r.inGap {
		return
	}
	s := r.source
	r.inGap, r.synced = true, false
	s.queue.Put(ari.Frame{
		Event:    &ari.Event{Kind: ari.Gap, Node: s.cfg.Node, Reason: reason},
		Position: r.position().Encode(),
	})
	s.obs.SyncLost(reason, err)
}

// position is that of the last frame.
func (r *reading) position() Position {
	p := r.at
	p.Gap = r.inGap || r.clockSet
	p.ClockLimit = 0
	if limit, ok := r.clock.Limit(p.ClockAt); ok && p.ClockAt != 0 {
		p.ClockLimit = limit
	} else {
		p.ClockAt = 0
	}
	return p
}

// frames delivers those frames of a batch that have not come yet.
func (r *reading) frames(ctx context.Context, m *Message, frames []ari.Frame) error {
	r.lastCame = time.Now()
	first := m.First
	if first.Run != r.at.Place.Run && r.began() && !continues(frames) {
		r.confirm()
		r.at.Place = m.After
		r.gap(ari.GapRestart, errors.New("the tap was started anew, and the PBX kept no events for it"))
	}
	positions := make([]byte, 0, len(frames)*positionBytes)
	for i := range frames {
		place := Place{first.Run, first.Sequence + uint64(i)}
		if !r.at.Place.Before(place) {
			continue
		}
		r.confirm()
		r.at.Place, r.at.Stream = place, r.stream
		if !r.frame(&frames[i]) {
			continue
		}
		n := len(positions)
		positions = r.position().append(positions)
		frames[i].Position = positions[n:len(positions):len(positions)]
		if err := r.put(ctx, frames[i]); err != nil {
			return err
		}
	}
	r.source.queue.HandOver()
	if r.inGap && r.wanting != "" {
		r.source.want(r.wanting)
	}
	r.wanting = ""
	r.report()
	return nil
}

// continues reports whether the first frame of a run says that nothing is missing before it.
func continues(frames []ari.Frame) bool {
	return frames[0].Event != nil && frames[0].Event.Kind == ari.Resumed
}

// confirm delivers, once, that this run goes on where the last one ended.
func (r *reading) confirm() {
	if !r.resuming {
		return
	}
	r.resuming = false
	p := r.position()
	f := ari.Frame{
		Event:    &ari.Event{Kind: ari.Resumed, Node: r.source.cfg.Node},
		Position: p.Encode(),
	}
	if p.ClockAt != 0 {
		f.Sent, f.Arrived = p.ClockAt, p.ClockAt
		f.Event.At = time.Unix(0, int64(p.ClockLimit+p.ClockAt)).UTC()
	}
	r.source.queue.Put(f)
}

// put waits until the queue takes a frame.
func (r *reading) put(ctx context.Context, f ari.Frame) error {
	for !r.source.queue.Keep(f) {
		r.source.queue.HandOver()
		select {
		case <-time.After(roomCheck):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// report tells the observer when frames are delivered again.
func (r *reading) report() {
	if !r.inGap && !r.synced {
		r.synced = true
		r.source.obs.Synced(r.source.cfg.Node)
	}
}

// errSilence is why nothing is known at present.
var errSilence = fmt.Errorf("no frame has come for %s: either NATS or the tap is away", SilenceLimit)

// checkSilence reports that nothing comes.
func (r *reading) checkSilence() {
	if r.synced && time.Since(r.lastCame) >= SilenceLimit {
		r.synced = false
		r.source.obs.SyncLost(ari.GapSilence, errSilence)
	}
}
