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
func modelRules(t *rapid.T) mediation.Rules { return listRules(t, agentsAreOperators) }

// listRules are the rules under one list of operators.
func listRules(t *rapid.T, list int) mediation.Rules {
	operators, err := mediation.NewGlobs(operatorLists[list]...)
	if err != nil {
		t.Fatal(err)
	}
	return mediation.Rules{
		Service: func(c ari.Channel) (string, bool) {
			return "help", c.Context == "from-trunk" && c.Exten == "1001"
		},
		Operators: operators,
		Terms:     func(string, time.Time) metering.Terms { return metering.Terms{} },
		Pseudonym: func(n metering.Number) string {
			if n.Withheld() {
				return ""
			}
			return "c-somebody"
		},
	}
}

// mediate feeds frames to a new mediator.
func mediate(t *rapid.T, frames []ari.Frame) (*mediation.Mediator, *mediation.Output) {
	m := mediation.New(modelRules(t))
	var out mediation.Output
	for _, f := range frames {
		if bad, _ := m.Feed(f, &out); bad != nil {
			t.Fatalf("the model made an unreadable frame: %v", bad)
		}
	}
	return m, &out
}

// check checks what holds in every run, gaps or not: one record a call, parts that add up, evidence
// that replays to the record, and nothing left in memory.
func check(
	t *rapid.T, m *mediation.Mediator, out *mediation.Output,
) map[ari.ChannelID]metering.Record {
	records := map[ari.ChannelID]metering.Record{}
	for _, r := range out.Records {
		id := ari.ChannelID(r.Call)
		if _, twice := records[id]; twice {
			t.Fatalf("call %s has two records", id)
		}
		records[id] = r
		sum := r.TalkMs + r.WaitedMs + r.HeldMs + r.UnseenMs
		if sum != r.EndedAt.Sub(r.ArrivedAt.Time).Milliseconds() {
			t.Fatalf("the parts of %s do not add up: %s", id, r.JSON())
		}
		frames := evidenceOf(out, r.Call)
		_, again, err := mediation.Replay(frames)
		if err != nil || len(again.Records) != 1 {
			t.Fatalf("the evidence of %s gives %v and not one record", id, err)
		}
		if got := again.Records[0].JSON(); !bytes.Equal(got, r.JSON()) {
			t.Fatalf("the evidence of %s gives\n%s, want\n%s\nfrom\n%s",
				id, got, r.JSON(), bytes.Join(frames, []byte("\n")))
		}
	}
	if n := m.Size(); n != 0 {
		t.Fatalf("%d things are left in memory after the last call", n)
	}
	return records
}

// checkAll checks a run without gaps: each caller has a record besides.
func checkAll(
	t *rapid.T, w *callCenter, m *mediation.Mediator, out *mediation.Output,
) map[ari.ChannelID]metering.Record {
	records := check(t, m, out)
	for _, c := range w.people {
		if _, ok := records[c.id]; c.caller && !ok {
			t.Fatalf("call %s has no record", c.id)
		}
	}
	return records
}

// checkTalk checks that no record has more talk than is allowed for its call.
func checkTalk(
	t *rapid.T, w *callCenter, records map[ari.ChannelID]metering.Record,
	allowed func(ari.ChannelID) time.Duration, events []ari.Event,
) {
	for id, r := range records {
		if got := time.Duration(r.TalkMs) * time.Millisecond; got > allowed(id) {
			t.Fatalf("%s talked %s, the truth is %s in %v, allowed are %s: %s\n%s",
				id, got, w.talked[id], w.intervals[id], allowed(id), r.JSON(), listing(events))
		}
	}
}

// checkTruth checks that each record has the talk that there was.
func checkTruth(t *rapid.T, w *callCenter, records map[ari.ChannelID]metering.Record) {
	for id, r := range records {
		if got := time.Duration(r.TalkMs) * time.Millisecond; got != w.talked[id] {
			t.Fatalf("%s talked %s, the truth is %s in %v: %s",
				id, got, w.talked[id], w.intervals[id], r.JSON())
		}
	}
}

func TestModelTalkIsTheTruth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newCallCenter(t)
		w.live()
		frames := rawFrames(w.events)
		m, out := mediate(t, frames)
		checkTruth(t, w, checkAll(t, w, m, out))
		_, again := mediate(t, frames)
		for i := range out.Records {
			if got, want := again.Records[i].JSON(), out.Records[i].JSON(); !bytes.Equal(got, want) {
				t.Fatalf("the same frames gave other bytes:\n%s\n%s", want, got)
			}
		}
	})
}

// An event that comes twice changes nothing.
func TestModelRepeatedEventsTalkIsTheTruth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newCallCenter(t)
		w.live()
		var events []ari.Event
		for _, ev := range w.events {
			events = append(events, ev)
			// A channel's creation and end come once. A second creation would be another channel.
			once := ev.Kind == ari.ChannelCreated || ev.Kind == ari.ChannelDestroyed
			if !once && rapid.IntRange(0, 4).Draw(t, "again") == 0 {
				events = append(events, ev)
			}
		}
		m, out := mediate(t, rawFrames(events))
		checkTruth(t, w, checkAll(t, w, m, out))
	})
}

// stepBack is how far the timestamp of an event may lie before those of earlier events.
const stepBack = 10 * time.Millisecond

// Timestamps step back: no stretch is longer than the truth by more than that.
func TestModelTimestampsThatStepBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newCallCenter(t)
		w.live()
		events := append([]ari.Event(nil), w.events...)
		for i := range events {
			back := rapid.IntRange(0, int(stepBack/time.Millisecond)).Draw(t, "back")
			events[i].At = events[i].At.Add(-time.Duration(back) * time.Millisecond)
		}
		m, out := mediate(t, rawFrames(events))
		checkTalk(t, w, checkAll(t, w, m, out), func(id ari.ChannelID) time.Duration {
			return w.talked[id] + time.Duration(w.stretches[id])*stepBack
		}, events)
	})
}
