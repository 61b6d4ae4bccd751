package quality

import (
	"slices"
	"time"

	"github.com/risposta/gateway/metering"
)

// Of returns what one record contributes: a row for its service, one for its first queue, and one
// for each operator who talked. It is a pure function of the record: nothing that a configuration
// says is in it, so that a later version takes out exactly what the earlier one put in.
//
// The operator who talked first has the answer, the first wait and the navigation; the one who came
// later, the transfer; the one who talked last, the survey, which the caller is asked after that
// talk. Each has the own talk. Everything else is no operator's, and zero in these rows. So over
// the operators each count adds up to the service's or is zero, as long as every talk has an
// operator.
//
// For a record whose detail is erased Of returns nothing: it has neither hour, queue nor operator.
func Of(r metering.Record) []Row { return AppendOf(nil, &r) }

// AppendOf appends to rows what [Of] returns.
func AppendOf(rows []Row, r *metering.Record) []Row {
	if r.DetailErased {
		return rows
	}
	at := r.ArrivedAt.UTC()
	key := Key{Day: at.Format(time.DateOnly), Hour: at.Hour(), Service: r.Service}
	c := count(r)
	rows = append(rows, Row{key, c})
	if len(r.Queues) > 0 && r.Queues[0].Name != "" {
		byQueue := key
		byQueue.Queue = r.Queues[0].Name
		rows = append(rows, Row{byQueue, c})
	}
	return appendOperators(rows, r, key, &c)
}

// count is the call's part of its service.
func count(r *metering.Record) Counts {
	c := Counts{
		WaitedMs: r.WaitedMs, HeldMs: r.HeldMs, UnseenMs: r.UnseenMs, TalkMs: r.TalkMs,
		HeldCalls: one(r.HeldMs > 0), UnseenCalls: one(r.UnseenMs > 0),
		Operators: int64(len(whoTalked(r))), Survey: surveyOf(r),
	}
	if r.Charge.Minor > 0 {
		c.ChargedCalls, c.ChargedMs = 1, r.BillableSeconds*1000
	}
	c.Reasons.add(r.Reasons, 1)
	c.FreeMs.add(r.Reasons, r.TalkMs-c.ChargedMs)
	switch {
	case slices.Contains(r.Reasons, metering.ReasonTookOver):
		c.TookOver = 1
		c.transfers(r, "")
	case r.OutsideHours:
		var within Counts
		within.offer(r)
		c.Outside = Outside{
			Offered: within.Offered, Answered: within.Answered, Abandoned: within.Abandoned,
			Cut: within.Cut, Uncertain: within.Uncertain,
		}
	default:
		c.offer(r)
		c.transfers(r, "")
	}
	if r.Exempt {
		c.Exempt = Exempt{
			Offered: c.Offered, Answered: c.Answered, Abandoned: c.Abandoned, Cut: c.Cut,
			Waits: c.Wait.Count(), WaitMs: c.Wait.SumMs(), TalkMs: c.TalkMs,
		}
	}
	return c
}

// transfers counts the transfers to an operator, "" for any.
func (c *Counts) transfers(r *metering.Record, to string) {
	for i, t := range r.Talk {
		if ms, ok := transfer(r, i); ok && (to == "" || t.Operator == to) {
			c.Transfers++
			c.TransferMs += ms
		}
	}
}

// offer counts what became of an offered call.
func (c *Counts) offer(r *metering.Record) {
	c.Offered = 1
	chosen, told := choice(r)
	switch {
	case r.TalkMs > 0:
		c.Answered = 1
		if len(r.Talk) == 0 || !waitKnown(r) {
			return
		}
		c.Wait.observe(between(chosen, r.Talk[0].From.Time))
		if told {
			c.Navigations, c.NavigationMs = 1, between(r.ArrivedAt.Time, chosen)
		}
	case r.Outcome == metering.Abandoned:
		c.Abandoned = 1
		c.AbandonedWait.observe(between(chosen, r.EndedAt.Time))
	case r.Outcome == metering.Unanswered:
		c.Cut = 1
	default:
		c.Uncertain = 1
	}
}

// choice is when the caller chose an operator, and whether the record tells it: the dialplan marked
// it, or where that is not awaited the first queue was joined, before any talk. Otherwise it is the
// arrival, which makes no wait shorter than it was.
func choice(r *metering.Record) (at time.Time, told bool) {
	at = r.ArrivedAt.Time
	var chosen time.Time
	switch {
	case r.Choice == metering.ChoiceMark:
		chosen = r.ChosenAt.Time
	case len(r.Queues) > 0:
		chosen = r.Queues[0].JoinedAt.Time
	}
	if chosen.IsZero() || len(r.Talk) > 0 && chosen.After(r.Talk[0].From.Time) {
		return at, false
	}
	if chosen.After(at) {
		at = chosen
	}
	return at, true
}

// waitKnown reports whether the first talk that was seen is the first that there was. A call whose
// direction was not seen may not have waited at all.
func waitKnown(r *metering.Record) bool {
	return r.UnseenMs == 0 && !slices.Contains(r.Reasons, metering.ReasonDirectionUnknown)
}

// transfer is the time from the talk before to this one, where another operator had that.
func transfer(r *metering.Record, i int) (ms int64, ok bool) {
	if i == 0 || r.UnseenMs > 0 || r.Talk[i].Operator == r.Talk[i-1].Operator {
		return 0, false
	}
	return between(r.Talk[i-1].To.Time, r.Talk[i].From.Time), true
}

// appendOperators appends the rows of those who talked, in the order in which they came.
func appendOperators(rows []Row, r *metering.Record, key Key, whole *Counts) []Row {
	who := whoTalked(r)
	for _, name := range who {
		key.Operator = name
		c := Counts{Operators: 1}
		for _, t := range r.Talk {
			if t.Operator == name {
				c.TalkMs += t.Ms
			}
		}
		if whole.Outside.Offered == 0 {
			c.transfers(r, name)
		}
		if name == r.Talk[0].Operator {
			c.Answered, c.Wait = whole.Answered, whole.Wait
			c.Outside.Answered = whole.Outside.Answered
			c.Navigations, c.NavigationMs = whole.Navigations, whole.NavigationMs
		}
		if name == r.Talk[len(r.Talk)-1].Operator {
			c.Survey = whole.Survey
		}
		rows = append(rows, Row{key, c})
	}
	return rows
}

// whoTalked are the operators of the call, each once.
func whoTalked(r *metering.Record) (names []string) {
	for _, t := range r.Talk {
		if t.Operator != "" && !slices.Contains(names, t.Operator) {
			names = append(names, t.Operator)
		}
	}
	return names
}

func surveyOf(r *metering.Record) (s Survey) {
	if r.Survey == nil {
		return s
	}
	if n := r.Survey.Satisfaction; n >= 1 && n <= len(s.Satisfaction) {
		s.Satisfaction[n-1] = 1
		s.Answered = 1
	}
	switch r.Survey.Solved {
	case metering.SolvedYes:
		s.SolvedYes, s.Answered = 1, 1
	case metering.SolvedNo:
		s.SolvedNo, s.Answered = 1, 1
	}
	return s
}

// between is the time from one instant to another. Asterisk's timestamps step back: less than none
// is none.
func between(from, to time.Time) int64 { return max(0, to.Sub(from).Milliseconds()) }

func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
