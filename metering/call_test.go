package metering_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering"
)

// Whatever the facts and however their instants step back: the parts of the call add up to the
// whole, stretches of talk do not overlap, and no more than the talk is charged.
func TestPartsOfACallAddUp(t *testing.T) {
	kinds := []metering.FactKind{
		metering.TalkStarted, metering.TalkPaused, metering.GapStarted, metering.GapEnded,
		metering.QueueJoined, metering.QueueLeft, metering.CallerAnswered,
		metering.TalkUnproven, metering.TalkHeld, metering.TalkRetracted,
	}
	states := []metering.State{metering.Waiting, metering.Held, metering.Unseen}
	rapid.Check(t, func(t *rapid.T) {
		m := metering.NewMeter()
		m.Apply(arrived(&metering.Terms{Tariff: price()}))
		now := noon
		step := rapid.IntRange(-10, 5000)
		for range rapid.IntRange(0, 30).Draw(t, "facts") {
			now = now.Add(time.Duration(step.Draw(t, "step")) * time.Millisecond)
			m.Apply(metering.Fact{
				Kind: rapid.SampledFrom(kinds).Draw(t, "kind"),
				Call: "c1", At: now, Operator: "o", Queue: "q",
				Since: now.Add(-time.Duration(rapid.IntRange(0, 9000).Draw(t, "since")) * time.Millisecond),
				State: rapid.SampledFrom(states).Draw(t, "state"),
			})
		}
		end := now.Add(time.Duration(step.Draw(t, "end")) * time.Millisecond)
		call := m.Apply(metering.Fact{Kind: metering.CallEnded, Call: "c1", At: end})
		rec := metering.NewRecord(call, metering.Evidence{})
		whole := rec.EndedAt.Sub(rec.ArrivedAt.Time).Milliseconds()
		if sum := rec.WaitedMs + rec.HeldMs + rec.UnseenMs + rec.TalkMs; sum != whole {
			t.Fatalf("parts %d, whole %d: %s", sum, whole, rec.JSON())
		}
		last := rec.ArrivedAt.Time
		for _, talk := range rec.Talk {
			if talk.From.Before(last) || talk.To.Before(talk.From.Time) {
				t.Fatalf("stretches overlap: %s", rec.JSON())
			}
			last = talk.To.Time
		}
		if last.After(rec.EndedAt.Time) {
			t.Fatalf("talk after the end: %s", rec.JSON())
		}
		if rec.BillableSeconds*1000 > rec.TalkMs {
			t.Fatalf("%d s billed for %d ms of talk", rec.BillableSeconds, rec.TalkMs)
		}
	})
}

// The music of a hold that goes on after it belongs to it: one stretch, and no talk.
func TestMusicAfterAHoldIsHeld(t *testing.T) {
	m := metering.NewMeter()
	m.Apply(arrived(&metering.Terms{Tariff: price()}))
	for _, f := range []metering.Fact{
		{Kind: metering.TalkStarted, At: at(1), Operator: "o", Queue: "q"},
		{Kind: metering.TalkPaused, At: at(3), State: metering.Held, Operator: "o"},
		{Kind: metering.TalkStarted, At: at(5), Operator: "o", Queue: "q"},
		{Kind: metering.TalkHeld, Since: at(5), At: at(7), Operator: "other"},
		{Kind: metering.TalkHeld, Since: at(5), At: at(6), Operator: "o"},
	} {
		f.Call = "c1"
		m.Apply(f)
	}
	call := m.Apply(metering.Fact{Kind: metering.CallEnded, Call: "c1", At: at(9)})
	want := []metering.Segment{
		{State: metering.Waiting, From: at(0), To: at(1)},
		{State: metering.Talking, From: at(1), To: at(3), Operator: "o", Queue: "q"},
		{State: metering.Held, From: at(3), To: at(6), Operator: "o"},
		{State: metering.Talking, From: at(6), To: at(9), Operator: "o", Queue: "q"},
	}
	if diff := cmp.Diff(want, call.Segments); diff != "" {
		t.Error(diff)
	}
}

func TestFactAboutAnUnknownCallPanics(t *testing.T) {
	for name, facts := range map[string][]metering.Fact{
		"never arrived": {{Kind: metering.TalkStarted, Call: "c2"}},
		"arrived twice": {arrived(nil), arrived(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic: a call would be lost")
				}
			}()
			m := metering.NewMeter()
			for _, f := range facts {
				m.Apply(f)
			}
		})
	}
}
