package mediation_test

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
)

// modelRules are those of all models: one service, without a price.
func modelRules(t *rapid.T) mediation.Rules {
	operators, err := mediation.NewGlobs("PJSIP/agent*")
	if err != nil {
		t.Fatal(err)
	}
	return mediation.Rules{
		Service: func(c ari.Channel) (string, bool) {
			return "help", c.Context == "from-trunk" && c.Exten == "1001"
		},
		Operators: operators,
		Terms:     func(string, time.Time) metering.Terms { return metering.Terms{} },
		Pseudonym: func(metering.Number) string { return "" },
	}
}

// playEvents feeds frames to a new mediator.
func playEvents(t *rapid.T, frames []ari.Frame) (*mediation.Mediator, *mediation.Output) {
	m := mediation.New(modelRules(t))
	var out mediation.Output
	for _, f := range frames {
		if bad, _ := m.Feed(f, &out); bad != nil {
			t.Fatalf("the model made an unreadable frame: %v", bad)
		}
	}
	return m, &out
}

// centre makes a random call centre and lets it live.
func centre(t *rapid.T) *world {
	w := newWorld(t)
	w.live()
	return w
}

// common are the invariants of every run: one record a call, parts that add up, evidence that gives the same record, nothing left behind.
func common(t *rapid.T, w *world, p *mediation.Mediator, out *mediation.Output) map[ari.ChannelID]metering.Record {
	records := map[ari.ChannelID]metering.Record{}
	for _, r := range out.Records {
		id := ari.ChannelID(r.Call)
		if _, twice := records[id]; twice {
			t.Fatalf("call %s has two records", id)
		}
		records[id] = r
		if sum := r.TalkMs + r.WaitedMs + r.HeldMs + r.UnseenMs; sum != r.EndedAt.Sub(r.ArrivedAt.Time).Milliseconds() {
			t.Fatalf("the parts of %s do not add up: %s", id, r.JSON())
		}
		var frames [][]byte
		for _, e := range out.Evidence {
			if e.Call == r.Call {
				frames = append(frames, e.Frame)
			}
		}
		_, again, err := mediation.Replay(frames)
		if err != nil || len(again.Records) != 1 {
			t.Fatalf("the evidence of %s gives %v and not one record", id, err)
		}
		if got := again.Records[0].JSON(); string(got) != string(r.JSON()) {
			t.Fatalf("the evidence of %s gives\n%s, want\n%s\nfrom\n%s", id, got, r.JSON(), bytes.Join(frames, []byte("\n")))
		}
	}
	for _, c := range w.people {
		if _, ok := records[c.id]; c.caller && !ok {
			t.Fatalf("call %s has no record", c.id)
		}
	}
	if n := p.Size(); n != 0 {
		t.Fatalf("%d things are left in memory after everybody has gone", n)
	}
	return records
}

func TestModelWithoutFaultsTalkIsTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := centre(t)
		frames := rawFrames(w.events)
		p, out := playEvents(t, frames)
		for id, r := range common(t, w, p, out) {
			if got := time.Duration(r.TalkMs) * time.Millisecond; got != w.truth[id] {
				t.Fatalf("%s talked %s, the truth is %s in %v: %s", id, got, w.truth[id], w.intervals[id], r.JSON())
			}
		}
		_, again := playEvents(t, frames)
		for i := range out.Records {
			if string(out.Records[i].JSON()) != string(again.Records[i].JSON()) {
				t.Fatalf("the same frames gave other bytes:\n%s\n%s", out.Records[i].JSON(), again.Records[i].JSON())
			}
		}
	})
}

// Sight is lost and regained at any points; what was said between is never heard.
func TestModelWithGapsNothingUnseenIsCharged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		var frames []ari.Frame
		heard, blind := 0, false
		hear := func() {
			if !blind {
				for _, p := range w.people {
					p.told = p.told || p.ended
				}
				frames = append(frames, rawFrames(w.events[heard:])...)
			}
			heard = len(w.events)
		}
		w.add(&person{caller: true}, "PJSIP/trunk-%08x")
		w.add(&person{operator: true}, "PJSIP/agent1-%08x")
		look := func() {
			frames = append(frames, ari.Frame{Event: &ari.Event{Kind: ari.SnapshotTaken, At: w.now, Node: "pbx", Snapshot: w.sight()}})
			blind = false
		}
		hear()
		for range rapid.IntRange(1, 60).Draw(t, "acts") {
			w.act()
			hear()
			switch {
			case !blind && rapid.IntRange(0, 9).Draw(t, "lose") == 0:
				frames = append(frames, ari.Frame{Event: &ari.Event{Kind: ari.Gap, Node: "pbx", Reason: ari.GapConnection}})
				blind = true
			case blind && rapid.IntRange(0, 3).Draw(t, "regain") == 0:
				look()
			}
		}
		if blind {
			look()
		}
		w.end()
		hear()
		p, out := playEvents(t, frames)
		once(t, out)
		for _, r := range out.Records {
			id := ari.ChannelID(r.Call)
			for _, talk := range r.Talk {
				if !inside(talk, w.intervals[id]) {
					t.Fatalf("%s is charged from %s to %s, the truth is %v: %s", id, talk.From, talk.To, w.intervals[id], r.JSON())
				}
			}
		}
		if n := p.Size(); n != 0 {
			t.Fatalf("%d things are left in memory after everybody has gone", n)
		}
	})
}

func inside(talk metering.Talk, intervals [][2]time.Time) bool {
	if talk.Ms == 0 {
		return true
	}
	for _, i := range intervals {
		if !talk.From.Before(i[0]) && !talk.To.After(i[1]) {
			return true
		}
	}
	return false
}

// step back by up to 10 ms: an event may bear an earlier instant than the ones that came before it.
const stepBack = 10 * time.Millisecond

// An event that comes twice says nothing new.
func TestModelWithRepeatedEventsTalkIsTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := centre(t)
		var events []ari.Event
		for _, ev := range w.events {
			events = append(events, ev)
			// The creation and the end of a channel come once in any order of delivery; a second creation would be another channel.
			if ev.Kind != ari.ChannelCreated && ev.Kind != ari.ChannelDestroyed && rapid.IntRange(0, 4).Draw(t, "again") == 0 {
				events = append(events, ev)
			}
		}
		p, out := playEvents(t, rawFrames(events))
		for id, r := range common(t, w, p, out) {
			if got := time.Duration(r.TalkMs) * time.Millisecond; got != w.truth[id] {
				t.Fatalf("%s talked %s, the truth is %s: %s", id, got, w.truth[id], r.JSON())
			}
		}
	})
}

// Timestamps lie up to 10 ms back: no stretch is longer than the truth by more than that, and nothing else goes wrong.
func TestModelWithTimestampsThatStepBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := centre(t)
		events := append([]ari.Event(nil), w.events...)
		for i := range events {
			events[i].At = events[i].At.Add(-time.Duration(rapid.IntRange(0, int(stepBack/time.Millisecond)).Draw(t, "back")) * time.Millisecond)
		}
		p, out := playEvents(t, rawFrames(events))
		for id, r := range common(t, w, p, out) {
			allowed := w.truth[id] + time.Duration(w.stretches[id])*stepBack
			if got := time.Duration(r.TalkMs) * time.Millisecond; got > allowed {
				t.Fatalf("%s talked %s, the truth is %s in %d stretches: %s", id, got, w.truth[id], w.stretches[id], r.JSON())
			}
		}
	})
}
