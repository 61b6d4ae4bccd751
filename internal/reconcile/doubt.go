package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cel"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
)

// doubt is why a call may not be charged for what was missed of it between two instants; a zero one
// stands for the call's beginning or end.
type doubt struct {
	from, to time.Time
	why      string
}

// setBack is how far a row's time may lie before an earlier row's. Rows of threads that write at
// once differ by milliseconds; more is a clock that was set.
const setBack = 2 * time.Second

// findings are the doubts that a row raises beside its event. Before and after tell whether it
// also concerns what was missed before and after the row.
var findings = []struct {
	finding       cel.Finding
	before, after bool
	why           string
}{
	{cel.Key, false, true, "a key was pressed, which may have begun a feature"},
	{cel.Sound, false, true, "a sound was played into the talk"},
	{cel.FrontDesk, false, false, "the caller was at the front desk: what was announced is not shown"},
	{cel.Unresponsive, true, false, "a phone from which nothing came was in it until it was ended"},
	{cel.Conference, true, true, "a bridge mixed more than two, some of whom may have been muted"},
	{cel.RowsMissing, true, true, "rows are missing: a channel ended in a bridge"},
}

// noteDoubts notes what a row makes doubtful, of the calls that it concerns.
func (c *comparison) noteDoubts(ev cel.Event, out *mediation.Output) {
	if ev.At.Before(c.latest.Add(-setBack)) {
		for call := range c.open {
			c.doubts[call] = append(c.doubts[call], doubt{why: "the PBX's clock was set back in it"})
		}
	}
	c.latest = ev.At
	calls := c.concerned(ev, out)
	for _, call := range calls {
		add := func(d doubt) { c.doubts[call] = append(c.doubts[call], d) }
		for _, f := range findings {
			if ev.Shows&f.finding == 0 {
				continue
			}
			d := doubt{from: ev.At, to: ev.At, why: f.why}
			if f.before {
				d.from = time.Time{}
			}
			if f.after {
				d.to = time.Time{}
			}
			add(d)
		}
		switch ev.Kind {
		case ari.ChannelCreated, ari.ChannelEnteredBridge:
			if c.outside(ev, call) {
				add(doubt{ev.At, ev.At, "an outside leg was in it, and its number is not shown"})
			}
		case ari.BridgeBlindTransfer:
			if c.known.desk {
				add(doubt{ev.At, ev.At, "after a transfer the caller may have been at the front desk"})
			}
		default: // it leads nowhere
		}
	}
}

// outside reports whether the row's channel may lead the call to an outside number.
func (c *comparison) outside(ev cel.Event, call metering.CallID) bool {
	_, _, local := ev.Channel.LocalHalf()
	return !local && ev.Channel.ID != ari.ChannelID(call) &&
		!c.rules.Operators.Match(ev.Channel.Endpoint())
}

// concerned are the calls that a row concerns: those in whose evidence its channel is, and the one
// to which its linkedid leads.
func (c *comparison) concerned(ev cel.Event, out *mediation.Output) (calls []metering.CallID) {
	id := ev.Channel.ID
	for _, e := range out.Evidence {
		if c.partOf[id] == nil {
			c.partOf[id] = map[metering.CallID]bool{}
		}
		c.partOf[id][e.Call] = true
	}
	for call := range c.partOf[id] {
		calls = append(calls, call)
	}
	if linked := metering.CallID(ev.Linked); c.open[linked] && !c.partOf[id][linked] {
		calls = append(calls, linked)
	}
	if ev.Kind == ari.ChannelDestroyed {
		delete(c.partOf, id)
	}
	return calls
}

// whyNot is why nothing shows that what was missed of a call may be charged; "" where it may be, as
// far as the talk allows it. frames are the call's evidence.
func (c *comparison) whyNot(ctx context.Context, frames [][]byte) (string, error) {
	first, _, err := evidence.ReadCall(frames[0])
	if err != nil {
		return "", err
	}
	_, out, err := mediation.Replay(frames)
	if err != nil {
		return "", err
	}
	if len(out.Calls) != 1 {
		return "", errors.New("the call is still open")
	}
	call := out.Calls[0]
	for _, d := range c.doubts[call.ID] {
		if mediation.MissedIn(call, d.from, d.to) {
			return d.why, nil
		}
	}
	switch {
	case clockSet(call):
		return "the PBX's clock was set in it", nil
	case !c.sameOperators(first):
		return "the operators of the configuration have changed since it arrived", nil
	case c.known.desk && !call.AtDesk && !seenToQueue(call):
		return "the caller may have been at the front desk: what was announced is not shown", nil
	case first.Unseen == "" || anySeen(call):
		return "", nil
	}
	same, err := c.sameTerms(ctx, first)
	if err == nil && !same {
		return "no calls before and after it show that operators, price and policy were today's", nil
	}
	return "", err
}

func (c *comparison) sameOperators(first evidence.Call) bool {
	return fmt.Sprintf("%q", first.Operators) == fmt.Sprintf("%q", c.rules.Operators.Patterns())
}

func clockSet(call *metering.Call) bool {
	for _, s := range call.Segments {
		if s.State == metering.Unseen && s.Why == metering.GapClockJumped {
			return true
		}
	}
	return false
}

func anySeen(call *metering.Call) bool {
	for _, s := range call.Segments {
		if s.State != metering.Unseen && s.To.After(s.From) {
			return true
		}
	}
	return false
}

// seenToQueue reports whether the caller was seen until a queue, or an operator, came: the front
// desk is before it.
func seenToQueue(call *metering.Call) bool {
	seenUntil := func(at time.Time) bool {
		return len(call.Queues) > 0 && !call.Queues[0].JoinedAt.After(at)
	}
	for _, s := range call.Segments {
		switch s.State {
		case metering.Unseen:
			return seenUntil(s.From)
		case metering.Talking, metering.Held:
			return true
		case metering.Waiting:
		}
	}
	return !call.EndUnseen || seenUntil(call.EndedAt)
}
