package mediation_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// checkIntervals checks that each record charges nothing but what was talk.
func checkIntervals(t *rapid.T, w *callCenter, records map[ari.ChannelID]metering.Record) {
	for id, r := range records {
		for _, talk := range r.Talk {
			if !inside(talk, w.intervals[id]) {
				t.Fatalf("%s is charged from %s to %s, the truth is %v: %s",
					id, talk.From, talk.To, w.intervals[id], r.JSON())
			}
		}
	}
}

// gappedSource delivers the events of a call center, with gaps.
type gappedSource struct {
	*callCenter
	frames       []ari.Frame
	delivered    int // events so far
	disconnected bool
}

// deliver delivers the events since the last time; during a gap they are lost.
func (s *gappedSource) deliver() {
	if !s.disconnected {
		for _, p := range s.people {
			p.recorded = p.recorded || p.ended
		}
		s.frames = append(s.frames, rawFrames(s.events[s.delivered:])...)
	}
	s.delivered = len(s.events)
}

func (s *gappedSource) startGap() {
	if !s.disconnected {
		s.disconnected, s.appsHidden = true, true
		lost := ari.Event{Kind: ari.Gap, Node: "pbx", Reason: ari.GapConnection}
		s.frames = append(s.frames, ari.Frame{Event: &lost})
	}
}

func (s *gappedSource) endGap() {
	if s.disconnected {
		s.disconnected, s.appsHidden = false, false
		ev := ari.Event{Kind: ari.SnapshotTaken, At: s.now, Node: "pbx", Snapshot: s.snapshot()}
		s.frames = append(s.frames, ari.Frame{Event: &ev})
	}
}

// Gaps start and end at any points, and the events within are lost: no unseen time is charged.
func TestModelGapsAreNotCharged(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := gappedSource{callCenter: newCallCenter(t)}
		actions := s.actions()
		actions["the connection is lost"] = func(*rapid.T) { s.startGap() }
		actions["the connection is back"] = func(*rapid.T) { s.endGap() }
		actions[""] = func(*rapid.T) { s.deliver() } // after each action
		t.Repeat(actions)
		s.endGap()
		s.end()
		s.deliver()
		m, out := mediate(t, s.frames)
		checkIntervals(t, s.callCenter, check(t, m, out))
	})
}

// Events are lost, and the source notices some events later. It is a gap from the last event before
// the loss.
func TestModelLostEventsAreNotCharged(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newCallCenter(t)
		w.appsHidden = true
		w.live()
		begin := rapid.IntRange(0, len(w.events)-1).Draw(t, "first lost")
		end := min(begin+rapid.IntRange(1, 20).Draw(t, "how many"), len(w.events))
		lastSeen := dawn
		for _, ev := range w.events[:begin] {
			lastSeen = ev.At
		}
		now := w.events[end-1].At
		gap := ari.Event{Kind: ari.Gap, At: lastSeen, Node: "pbx", Reason: ari.GapOverflow}
		seen := ari.Event{
			Kind: ari.SnapshotTaken, At: now, Node: "pbx", Snapshot: snapshotAfter(w.events[:end], now),
		}
		frames := rawFrames(w.events[:begin])
		frames = append(frames, ari.Frame{Event: &gap}, ari.Frame{Event: &seen})
		frames = append(frames, rawFrames(w.events[end:])...)
		m, out := mediate(t, frames)
		records := check(t, m, out)
		checkIntervals(t, w, records)
		for id, r := range records {
			for _, talk := range r.Talk {
				if talk.From.Before(now) && talk.To.After(lastSeen) {
					t.Fatalf("%s is charged from %s to %s, unseen was %s to %s: %s",
						id, talk.From, talk.To, lastSeen, now, r.JSON())
				}
			}
		}
	})
}

// snapshotAfter is what a snapshot shows after these events, worked out from the events' own lists.
func snapshotAfter(events []ari.Event, at time.Time) *ari.Snapshot {
	s := &ari.Snapshot{At: at, Node: "pbx"}
	legs := map[ari.ChannelID]*ari.Leg{}
	bridges := map[ari.BridgeID]ari.Bridge{}
	var order []ari.ChannelID
	var bridgeOrder []ari.BridgeID
	for _, ev := range events {
		if id := ev.Channel.ID; id != "" {
			if legs[id] == nil {
				calls := ev.Channel.Context == "from-trunk"
				legs[id] = &ari.Leg{Hold: ari.HoldOff, Dialled: !calls, Incoming: calls}
				order = append(order, id)
			}
			l := legs[id]
			l.Channel = ev.Channel
			switch ev.Kind {
			case ari.ChannelHold:
				l.Hold = ari.HoldOn
			case ari.ChannelUnhold:
				l.Hold = ari.HoldOff
			case ari.ChannelHangupRequest:
				l.Done = true
			case ari.ChannelDestroyed:
				delete(legs, id)
			default:
			}
		}
		if id := ev.Bridge.ID; id != "" {
			if _, known := bridges[id]; !known {
				bridgeOrder = append(bridgeOrder, id)
			}
			bridges[id] = ev.Bridge
			if ev.Kind == ari.BridgeDestroyed {
				bridges[id] = ari.Bridge{ID: id, Type: ev.Bridge.Type}
			}
		}
	}
	for _, id := range order {
		if l := legs[id]; l != nil {
			s.Legs = append(s.Legs, *l)
			delete(legs, id)
		}
	}
	for _, id := range bridgeOrder {
		s.Bridges = append(s.Bridges, bridges[id])
	}
	return s
}
