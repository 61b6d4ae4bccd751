package mediation_test

import (
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
)

// maxDelay is how long the events of one channel or bridge are delayed in the model while those of
// others overtake them. Asterisk's own delay is 8 ms.
const maxDelay = 250 * time.Millisecond

// delayed reorders the events: those of one channel stay in their order, those of different
// channels overtake each other.
func delayed(t *rapid.T, events []ari.Event) []ari.Event {
	type late struct {
		ev ari.Event
		at time.Time
	}
	var all []late
	last := map[string]time.Time{}
	for _, ev := range events {
		delay := rapid.IntRange(0, int(maxDelay/time.Millisecond)).Draw(t, "delay")
		at := ev.At.Add(time.Duration(delay) * time.Millisecond)
		if ev.Kind == ari.ChannelCreated {
			at = ev.At // no event about a channel comes before it exists
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

// Events of different channels overtake each other: no record has more talk than there was. An
// event that comes after the end of a call finds its record written. There, and only there, the
// delay itself may be charged.
func TestModelDelaysBetweenChannels(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newCallCenter(t)
		w.hectic = true
		w.live()
		events := delayed(t, w.events)
		m, out := mediate(t, rawFrames(events))
		late := afterTheEnd(events)
		checkTalk(t, w, checkAll(t, w, m, out), func(id ari.ChannelID) time.Duration {
			return w.talked[id] + late[id]
		}, events)
	})
}

// afterTheEnd is for each call how much earlier than its end an event lies that comes after the
// end.
func afterTheEnd(events []ari.Event) map[ari.ChannelID]time.Duration {
	ended := map[ari.ChannelID]time.Time{}
	late := map[ari.ChannelID]time.Duration{}
	for _, ev := range events {
		for id, at := range ended {
			late[id] = max(late[id], at.Sub(ev.At))
		}
		ends := ev.Kind == ari.ChannelHangupRequest || ev.Kind == ari.ChannelDestroyed
		if _, ok := ended[ev.Channel.ID]; !ok && ends {
			ended[ev.Channel.ID] = ev.At
		}
	}
	return late
}

// listing shows events in the order of arrival, for a failure to be understood.
func listing(events []ari.Event) string {
	var b strings.Builder
	for _, ev := range events {
		fmt.Fprintf(&b, "%8.3f %s %s %s %s %v\n", ev.At.Sub(dawn).Seconds(),
			ev.Kind, ev.Channel.ID, ev.Channel.State, ev.Bridge.ID, ev.Bridge.Channels)
	}
	return b.String()
}
