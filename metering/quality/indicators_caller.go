package quality

// lostIndicators are about calls that reach no operator.
func lostIndicators() []Indicator {
	const perhapsAbandoned = "calls seen in part may or may not have been abandoned"
	return []Indicator{{
		Name: "abandoned", Version: 1, Unit: Share, Better: Lower,
		Formula: "Share of the calls that the caller ended before any operator talked, of the " +
			"offered calls; those abandoned in short are in neither.",
		Numerator:   "abandoned - abandoned_wait.calls up to short_abandon",
		Denominator: "offered - abandoned_wait.calls up to short_abandon",
		Bounds:      perhapsAbandoned, boundsUnseen: true, Term: shortAbandon, Source: ofcom,
		measure: func(c Counts, t Terms) Value {
			short := t.short(c)
			return lost(c, c.Abandoned-short, c.Offered-short)
		},
	}, {
		Name: "abandoned_short", Version: 1, Unit: Share, Better: Lower,
		Formula: "Share of the calls that the caller ended within the short time before any " +
			"operator talked, of all offered calls.",
		Numerator: "abandoned_wait.calls up to short_abandon", Denominator: "offered",
		Bounds: perhapsAbandoned, boundsUnseen: true, Term: shortAbandon,
		measure: func(c Counts, t Terms) Value { return lost(c, t.short(c), c.Offered) },
	}, {
		Name: "cut_waiting", Version: 1, Unit: Share, Better: Lower,
		Formula: "Share of the calls that the service ended before any operator talked, of all " +
			"offered calls.",
		Numerator: "cut", Denominator: "offered",
		Bounds: "calls seen in part may or may not have been cut", boundsUnseen: true, Source: ley4,
		measure: func(c Counts, _ Terms) Value { return lost(c, c.Cut, c.Offered) },
	}}
}

// lost is the share of n in of, where each uncertain call may belong to n.
func lost(c Counts, n, of int64) Value {
	return bounded(n, n+c.Uncertain, of, of-c.Uncertain, of)
}

// callerIndicators are about what callers say and do afterwards, and about what was seen.
func callerIndicators() []Indicator {
	return []Indicator{{
		Name: "solved_survey", Version: 1, Unit: Share, Better: Higher, PerOperator: true,
		Formula:   "Share of the callers who say that the matter is solved, of those who say yes or no.",
		Numerator: "survey.solved_yes", Denominator: "survey.solved_yes + survey.solved_no",
		Source: csp79 + "; " + ofcom,
		measure: func(c Counts, _ Terms) Value {
			return wilson(c.Survey.SolvedYes, c.Survey.SolvedYes+c.Survey.SolvedNo)
		},
	}, {
		Name: "no_repeat_call", Version: 1, Unit: Share, Better: Higher,
		Formula: "Share of the first calls after which the same caller did not call the service " +
			"again within the days that count as a repeat. Calls with a withheld number are left out.",
		Numerator: "repeat.first - repeat.first_repeated", Denominator: "repeat.first",
		Term: repeatWithin, Source: csp79 + "; " + ofcom,
		measure: func(c Counts, t Terms) Value {
			first, repeated := t.first(c)
			return share(first-repeated, first)
		},
	}, {
		Name: "satisfaction_mean", Version: 1, Unit: Score, Better: Higher, PerOperator: true,
		Formula:     "Mean satisfaction, from 1 to 5, of the callers who gave one.",
		Numerator:   "survey.satisfaction, each times its score",
		Denominator: "sum of survey.satisfaction", Source: cons24 + "; " + ley18 + "; " + ofcom,
		measure: func(c Counts, _ Terms) Value {
			total, n := int64(0), sum(c.Survey.Satisfaction[:])
			for i, answers := range c.Survey.Satisfaction {
				total += int64(i+1) * answers
			}
			return exactly(total, n, n, n)
		},
	}, {
		Name: "satisfied", Version: 1, Unit: Share, Better: Higher, PerOperator: true,
		Formula:     "Share of the callers who are satisfied, 4 or 5, of those who gave a satisfaction.",
		Numerator:   "survey.satisfaction of 4 and 5",
		Denominator: "sum of survey.satisfaction", Source: cons24 + "; " + ley18 + "; " + ofcom,
		measure: func(c Counts, _ Terms) Value {
			return wilson(sum(c.Survey.Satisfaction[3:]), sum(c.Survey.Satisfaction[:]))
		},
	}, {
		Name: "survey_response", Version: 1, Unit: Share, Better: Higher,
		Formula: "Share of the answered calls with at least one answer to the survey, whether the " +
			"caller was asked or not, outside the opening hours too.",
		Numerator: "survey.answered", Denominator: "answered + outside.answered",
		measure: func(c Counts, _ Terms) Value {
			return share(c.Survey.Answered, c.Answered+c.Outside.Answered)
		},
	}, {
		Name: "outside_hours", Version: 1, Unit: Share, Better: Lower,
		Formula: "Share of the calls that arrived outside the opening hours, of all calls. They are " +
			"in no other indicator but no_repeat_call, seen, and those of the survey.",
		Numerator: "outside.offered", Denominator: "offered + outside.offered",
		measure: func(c Counts, _ Terms) Value {
			return share(c.Outside.Offered, c.Offered+c.Outside.Offered)
		},
	}, {
		Name: "seen", Version: 1, Unit: Share, Better: Higher,
		Formula:     "Share of the time of all calls that the gateway saw.",
		Numerator:   "waited_ms + held_ms + talk_ms",
		Denominator: "waited_ms + held_ms + talk_ms + unseen_ms",
		measure: func(c Counts, _ Terms) Value {
			seen, calls := c.WholeMs()-c.UnseenMs, c.Offered+c.Outside.Offered+c.TookOver
			return exactly(seen, c.WholeMs(), calls, calls)
		},
	}}
}
