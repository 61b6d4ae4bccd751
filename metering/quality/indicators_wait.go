package quality

import "fmt"

const (
	fromBuckets   = "the buckets of the waits tell no single wait"
	unseenOffered = "calls seen in part may or may not have been answered in time"
)

// waitIndicators are about how long callers wait for an operator.
func waitIndicators() []Indicator {
	all := append(answerTimes(),
		within("answered_20s_of_answered", 20, cons24),
		withinOffered("answered_20s_of_offered", 20, ""),
		within("answered_180s_of_answered", 180, ley3),
		withinOffered("answered_180s_of_offered", 180, ley3))
	return append(all, otherWaits()...)
}

// answerTimes are means of the first wait.
func answerTimes() []Indicator {
	return []Indicator{{
		Name: "answer_time_mean", Version: 1, Unit: Seconds, Better: Lower, PerOperator: true,
		Formula: "Mean time from the choice of an operator to the operator's answer. The choice is " +
			"joining the first queue or, as the service has it, the mark of the dialplan; where there " +
			"was none before the answer, the arrival.",
		Numerator: "sum of wait.ms", Denominator: "sum of wait.calls",
		Source:  csp79 + "; " + cons24 + "; " + ofcom,
		measure: func(c Counts, _ Terms) Value { return meanWait(c, c.Wait.SumMs()) },
	}, {
		Name: "answer_time_with_navigation_mean", Version: 1, Unit: Seconds, Better: Lower,
		PerOperator: true,
		Formula:     "Mean time from the arrival of the call to the operator's answer.",
		Numerator:   "sum of wait.ms + navigation_ms", Denominator: "sum of wait.calls", Source: cons24,
		measure: func(c Counts, _ Terms) Value { return meanWait(c, c.Wait.SumMs()+c.NavigationMs) },
	}, {
		Name: "navigation_mean", Version: 1, Unit: Seconds, Better: Lower,
		Formula:   "Mean time from the arrival to the choice of an operator, of answered calls with one.",
		Numerator: "navigation_ms", Denominator: "navigations", Source: csp79,
		measure: func(c Counts, _ Terms) Value {
			return exactly(c.NavigationMs, c.Navigations*1000, c.Navigations, c.Answered)
		},
	}}
}

// otherWaits are the longest waits, the waits of exempt callers, and those of later operators.
func otherWaits() []Indicator {
	return []Indicator{{
		Name: "wait_best_95_mean", Version: 1, Unit: Seconds, Better: Lower,
		Formula:   "Mean of the shortest 95 % of the first waits, their number rounded up.",
		Numerator: "sum of the shortest of wait", Denominator: "95 % of the sum of wait.calls",
		Bounds: fromBuckets, Source: ley3,
		measure: func(c Counts, _ Terms) Value {
			low, high, n := c.Wait.BestSum(95)
			return bounded(low, high, n*1000, c.Wait.Count(), c.Answered)
		},
	}, {
		Name: "wait_p95", Version: 1, Unit: Seconds, Better: Lower, PerOperator: true,
		Formula:   "The first wait that 95 % of the waits do not exceed (nearest rank).",
		Numerator: "wait", Denominator: "sum of wait.calls", Bounds: fromBuckets,
		measure: func(c Counts, _ Terms) Value {
			n := c.Wait.Count()
			if n == 0 {
				return Value{Of: c.Answered}
			}
			low, high := c.Wait.Percentile(95)
			return bounded(low, high, 1000, n, c.Answered)
		},
	}, {
		Name: "answer_time_mean_exempt", Version: 1, Unit: Seconds, Better: Lower,
		Formula:   "answer_time_mean of exempt callers.",
		Numerator: "exempt.wait_ms", Denominator: "exempt.waits",
		measure: func(c Counts, _ Terms) Value {
			e := c.Exempt
			return exactly(e.WaitMs, e.Waits*1000, e.Waits, e.Answered)
		},
	}, {
		Name: "answer_time_mean_others", Version: 1, Unit: Seconds, Better: Lower,
		Formula:     "answer_time_mean of callers who are not known to be exempt.",
		Numerator:   "sum of wait.ms - exempt.wait_ms",
		Denominator: "sum of wait.calls - exempt.waits",
		measure: func(c Counts, _ Terms) Value {
			n := c.Wait.Count() - c.Exempt.Waits
			ms := c.Wait.SumMs() - c.Exempt.WaitMs
			return exactly(ms, n*1000, n, c.Answered-c.Exempt.Answered)
		},
	}, {
		Name: "transfer_wait_mean", Version: 1, Unit: Seconds, Better: Lower, PerOperator: true,
		Formula: "Mean time between the talk with one operator and the talk with the next, on " +
			"hold or not.",
		Numerator: "transfer_ms", Denominator: "transfers",
		measure: func(c Counts, _ Terms) Value {
			return exactly(c.TransferMs, c.Transfers*1000, c.Transfers, c.Transfers)
		},
	}}
}

// meanWait is the mean, in seconds, of a sum over the first waits.
func meanWait(c Counts, ms int64) Value {
	n := c.Wait.Count()
	return exactly(ms, n*1000, n, c.Answered)
}

func within(name string, seconds int64, source string) Indicator {
	return Indicator{
		Name: name, Version: 1, Unit: Share, Better: Higher, PerOperator: true,
		Formula: "Share of the first waits of at most " + fmt.Sprint(seconds) +
			" s, of all first waits of answered calls.",
		Numerator:   "wait.calls up to " + fmt.Sprint(seconds) + " s",
		Denominator: "sum of wait.calls", Source: source,
		measure: func(c Counts, _ Terms) Value {
			n := c.Wait.Count()
			return exactly(c.Wait.Within(seconds), n, n, c.Answered)
		},
	}
}

func withinOffered(name string, seconds int64, source string) Indicator {
	return Indicator{
		Name: name, Version: 1, Unit: Share, Better: Higher,
		Formula: "Share of the calls answered after a first wait of at most " + fmt.Sprint(seconds) +
			" s, of all offered calls, those abandoned in short too.",
		Numerator: "wait.calls up to " + fmt.Sprint(seconds) + " s", Denominator: "offered",
		Bounds: unseenOffered, boundsUnseen: true, Source: source,
		measure: func(c Counts, _ Terms) Value {
			low, unseen := c.Wait.Within(seconds), c.Answered-c.Wait.Count()+c.Uncertain
			return bounded(low, low+unseen, c.Offered, c.Offered-unseen, c.Offered)
		},
	}
}
