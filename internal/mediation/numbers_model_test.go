package mediation_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/policy"
)

// A caller whose channel has dialled a premium, unknown or masked number is not charged. Where
// nobody has dialled one, no call is refused for a number, and talk is charged by the price.
func TestModelDialledNumbersDecideTheCharge(t *testing.T) {
	t.Parallel()
	law, err := policy.For("it", "other", nil)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		rules := modelRules(t)
		rules.NumberKind = numberKind
		rules.Terms = func(string, time.Time) metering.Terms {
			return metering.Terms{Tariff: price("0.60"), Policy: law, NumberKind: "geographic"}
		}
		w := newCallCenter(t)
		w.live()
		m := mediation.New(rules)
		var out mediation.Output
		for _, f := range rawFrames(w.events) {
			m.Feed(f, &out)
		}
		records := checkAll(t, w, m, &out)
		checkTruth(t, w, records)
		for id, r := range records {
			refused := slices.Contains(r.Reasons, metering.ReasonNumberRefused)
			switch cents := w.talked[id].Milliseconds() / 1000; { // a cent a second
			case w.refused[id] && (r.Charge.Minor != 0 || r.TalkMs > 0 && !refused):
				t.Fatalf("%s dialled a number that forbids a charge: %s\n%s", id, r.JSON(), listing(w.events))
			case !w.badNumbers && refused:
				t.Fatalf("%s is refused, and nobody dialled such a number: %s", id, r.JSON())
			case r.Charge.Minor != 0 && r.Charge.Minor != cents:
				t.Fatalf("%s talked %s and is charged %s", id, w.talked[id], r.Charge)
			}
		}
	})
}

// pbxWithClock delivers the events of a call center at once, with the timestamps of a clock that
// can be set, and heartbeats.
type pbxWithClock struct {
	*callCenter
	m         *mediation.Mediator
	out       mediation.Output
	delivered int
	jumps     int
	steps     int
	set       time.Duration // how far the clock stands from the true time
}

// boot is the boot clock of the gateway's machine, which nobody sets.
func (c *pbxWithClock) boot() time.Duration { return time.Hour + c.now.Sub(dawn) }

// deliver sends the events of the last action, and a heartbeat. When the gateway finds the clock
// set forward it takes a snapshot, which shows what the rest of the events did.
func (c *pbxWithClock) deliver() {
	events := c.events[c.delivered:]
	c.delivered = len(c.events)
	events = append(slices.Clone(events), ari.Event{Kind: ari.Heartbeat, At: c.now, Node: "pbx"})
	for _, ev := range events {
		ev.At = ev.At.Add(c.set)
		c.m.Feed(ari.Frame{Raw: frame(ev), Sent: c.boot(), Arrived: c.boot()}, &c.out)
		if c.out.ClockJumps > c.jumps {
			c.jumps = c.out.ClockJumps
			s := c.snapshot()
			s.At = c.now.Add(c.set)
			taken := ari.Event{Kind: ari.SnapshotTaken, At: s.At, Node: "pbx", Snapshot: s}
			c.m.Feed(ari.Frame{Event: &taken, Sent: c.boot(), Arrived: c.boot()}, &c.out)
			break
		}
		if ev.Kind == ari.ChannelHangupRequest {
			for _, p := range c.people {
				p.recorded = p.recorded || p.id == ev.Channel.ID
			}
		}
	}
}

// The PBX's clock is set forward and back, while the boot clock goes on: no call has more talk than
// there was.
func TestModelClockIsSet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := &pbxWithClock{callCenter: newCallCenter(t), m: mediation.New(modelRules(t))}
		c.deliver()
		setBy := func(t *rapid.T, from, to int) {
			c.set += time.Duration(rapid.IntRange(from, to).Draw(t, "ms")) * time.Millisecond
			c.steps++
		}
		actions := c.actions()
		actions["the clock is set forward"] = func(t *rapid.T) { setBy(t, 1000, 3600_000) }
		actions["the clock is set back"] = func(t *rapid.T) { setBy(t, -3600_000, -1000) }
		actions[""] = func(*rapid.T) { c.deliver() }
		t.Repeat(actions)
		c.end()
		c.deliver()
		records := check(t, c.m, &c.out)
		if c.steps == 0 {
			checkTruth(t, c.callCenter, records)
		}
		checkTalk(t, c.callCenter, records, func(id ari.ChannelID) time.Duration {
			return c.talked[id]
		}, c.events)
	})
}
