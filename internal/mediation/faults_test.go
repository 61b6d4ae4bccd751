package mediation_test

import (
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
)

// maxDelay is how long the word about one channel or bridge is kept back in the model while others overtake it. Asterisk's own is 8 ms.
const maxDelay = 250 * time.Millisecond

// delayed puts the events into an order in which each channel's own come in their order, but those of different channels overtake each other.
func delayed(t *rapid.T, events []ari.Event) []ari.Event {
	type late struct {
		ev ari.Event
		at time.Time
	}
	var all []late
	last := map[string]time.Time{}
	for _, ev := range events {
		at := ev.At.Add(time.Duration(rapid.IntRange(0, int(maxDelay/time.Millisecond)).Draw(t, "delay")) * time.Millisecond)
		if ev.Kind == ari.ChannelCreated {
			at = ev.At // nothing can be said of a channel before it is there
		}
		source := fmt.Sprint(ev.Channel.ID, "/", ev.Bridge.ID)
		if ev.Channel.ID != "" {
			source = string(ev.Channel.ID)
		}
		if at.Before(last[source]) {
			at = last[source]
		}
		last[source] = at
		all = append(all, late{ev, at})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].at.Before(all[j].at) })
	var out []ari.Event
	for _, l := range all {
		out = append(out, l.ev)
	}
	return out
}

// Channels overtake each other: nothing is charged that was no talk. What comes after a call's end finds its record written, so there, and
// only there, the delay itself may be charged.
func TestModelWithDelaysBetweenChannels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.hectic = true
		w.live()
		events := delayed(t, w.events)
		p, out := playEvents(t, rawFrames(events))
		tail := afterTheEnd(events)
		for id, r := range common(t, w, p, out) {
			allowed := w.truth[id] + tail[id]
			if got := time.Duration(r.TalkMs) * time.Millisecond; got > allowed {
				t.Fatalf("%s talked %s, the truth is %s in %v (and %s after its end): %s\n%s", id, got, w.truth[id], w.intervals[id], tail[id], r.JSON(), listing(events))
			}
		}
	})
}

// afterTheEnd is for each call how much earlier than its end something happened of which word came only after that end.
func afterTheEnd(events []ari.Event) map[ari.ChannelID]time.Duration {
	ended := map[ari.ChannelID]time.Time{}
	tail := map[ari.ChannelID]time.Duration{}
	for _, ev := range events {
		for id, at := range ended {
			tail[id] = max(tail[id], at.Sub(ev.At))
		}
		if _, ok := ended[ev.Channel.ID]; !ok && (ev.Kind == ari.ChannelHangupRequest || ev.Kind == ari.ChannelDestroyed) {
			ended[ev.Channel.ID] = ev.At
		}
	}
	return tail
}

// Events are lost, and the source notices only some events later: that is a loss of sight from the last instant before the loss.
func TestModelWithDroppedEventsNothingIsCharged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.live()
		begin := rapid.IntRange(0, len(w.events)-1).Draw(t, "first lost")
		lost := rapid.IntRange(1, 20).Draw(t, "how many")
		end := min(begin+lost, len(w.events))
		frames := rawFrames(w.events[:begin])
		sure := dawn
		for _, ev := range w.events[:begin] {
			sure = ev.At
		}
		now := w.events[end-1].At
		seen := replayWorld(w.events[:end], now)
		frames = append(frames,
			ari.Frame{Event: &ari.Event{Kind: ari.Gap, At: sure, Node: "pbx", Reason: ari.GapOverflow}},
			ari.Frame{Event: &ari.Event{Kind: ari.SnapshotTaken, At: now, Node: "pbx", Snapshot: seen}})
		frames = append(frames, rawFrames(w.events[end:])...)
		p, out := playEvents(t, frames)
		once(t, out)
		for _, r := range out.Records {
			id := ari.ChannelID(r.Call)
			for _, talk := range r.Talk {
				if !inside(talk, w.intervals[id]) {
					t.Fatalf("%s is charged from %s to %s, the truth is %v: %s", id, talk.From, talk.To, w.intervals[id], r.JSON())
				}
				if talk.From.Before(now) && talk.To.After(sure) {
					t.Fatalf("%s is charged from %s to %s, nothing was seen from %s to %s: %s", id, talk.From, talk.To, sure, now, r.JSON())
				}
			}
		}
		if n := p.Size(); n != 0 {
			t.Fatalf("%d things are left in memory after everybody has gone", n)
		}
	})
}

// replayWorld is what a snapshot shows after these events, worked out from the events' own lists.
func replayWorld(events []ari.Event, at time.Time) *ari.Snapshot {
	s := &ari.Snapshot{At: at, Node: "pbx"}
	legs := map[ari.ChannelID]*ari.Leg{}
	bridges := map[ari.BridgeID]*ari.Bridge{}
	var order []ari.ChannelID
	var places []ari.BridgeID
	for _, ev := range events {
		if id := ev.Channel.ID; id != "" {
			l := legs[id]
			if l == nil {
				l = &ari.Leg{Hold: ari.HoldOff, Dialled: ev.Channel.Context != "from-trunk"}
				legs[id] = l
				order = append(order, id)
			}
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
			if bridges[id] == nil {
				places = append(places, id)
			}
			b := ev.Bridge
			bridges[id] = &b
			if ev.Kind == ari.BridgeDestroyed {
				bridges[id] = &ari.Bridge{ID: id, Type: b.Type}
			}
		}
	}
	for _, id := range order {
		if legs[id] != nil {
			s.Legs = append(s.Legs, *legs[id])
			delete(legs, id)
		}
	}
	for _, id := range places {
		s.Bridges = append(s.Bridges, *bridges[id])
	}
	return s
}

// once: no call has two records.
func once(t *rapid.T, out *mediation.Output) {
	seen := map[metering.CallID]bool{}
	for _, r := range out.Records {
		if seen[r.Call] {
			t.Fatalf("call %s has two records", r.Call)
		}
		seen[r.Call] = true
	}
}

// listing shows events in the order of their coming, for a failure to be understood.
func listing(events []ari.Event) string {
	var b strings.Builder
	for _, ev := range events {
		fmt.Fprintf(&b, "%8.3f %s %s %s %s %v\n", ev.At.Sub(dawn).Seconds(), ev.Kind, ev.Channel.ID, ev.Channel.State, ev.Bridge.ID, ev.Bridge.Channels)
	}
	return b.String()
}
