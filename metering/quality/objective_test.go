package quality_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering/quality"
)

func TestObjectives(t *testing.T) {
	// 20 calls answered, 87 s each, as TIM in 2017 with an objective of 70 s.
	answered := func(n, waits, ms int64) (c quality.Counts) {
		c.Offered, c.Answered = n, n
		c.Wait.Calls[5], c.Wait.Ms[5] = waits, ms
		return c
	}
	lost := func(cut, uncertain int64) quality.Counts {
		return quality.Counts{
			Offered: 100, Answered: 100 - cut - uncertain, Cut: cut, Uncertain: uncertain,
		}
	}
	const mean, share = "answer_time_mean", "answered_20s_of_answered"
	for name, c := range map[string]struct {
		indicator string
		limit     float64
		counts    quality.Counts
		want      quality.Verdict
		why       string
	}{
		"above":            {mean, 70, answered(20, 20, 20*87_000), quality.Missed, ""},
		"equal":            {mean, 87, answered(20, 20, 20*87_000), quality.Met, ""},
		"few":              {mean, 70, answered(9, 9, 9*87_000), quality.NotKnown, "too_few"},
		"nothing":          {mean, 70, answered(0, 0, 0), quality.NotKnown, "nothing_measured"},
		"unseen, at least": {mean, 90, answered(20, 19, 19*87_000), quality.Met, ""},
		"unseen":           {mean, 90, answered(20, 18, 18*87_000), quality.NotKnown, "too_much_unseen"},
		"share, equal":     {share, 0, answered(20, 20, 20*87_000), quality.Met, ""},
		"share, below":     {share, 0.4, answered(20, 20, 20*87_000), quality.Missed, ""},
		"none cut":         {"cut_waiting", 0, lost(0, 0), quality.Met, ""},
		"one cut":          {"cut_waiting", 0, lost(1, 0), quality.Missed, ""},
		"perhaps one cut":  {"cut_waiting", 0, lost(0, 1), quality.NotKnown, "between_bounds"},
		"cut, and unseen":  {"cut_waiting", 0, lost(1, 50), quality.Missed, ""},
		"few cut, unseen":  {"cut_waiting", 0.6, lost(1, 50), quality.Met, ""},
		"straddling":       {"wait_p95", 100, spread(), quality.NotKnown, "between_bounds"},
	} {
		o := quality.Objective{Service: "1001", Indicator: c.indicator, Year: 2026, Limit: c.limit}
		r, err := o.Judge(c.counts, quality.DefaultTerms())
		if err != nil || r.Verdict != c.want || r.Why != c.why || r.Objective != o {
			t.Errorf("%s: %s %q %v, want %s %q (%+v)", name, r.Verdict, r.Why, err, c.want, c.why, r.Value)
		}
	}
	if _, err := (quality.Objective{Indicator: "fast"}).Judge(quality.Counts{}, quality.DefaultTerms()); err == nil {
		t.Error("an indicator that does not exist was judged")
	}
}

// spread has 20 waits between 60 s and 120 s with a mean of 90 s: the 95th percentile may be 100 s.
func spread() (c quality.Counts) {
	c.Offered, c.Answered = 20, 20
	c.Wait.Calls[5], c.Wait.Ms[5] = 20, 20*90_000
	return c
}

func TestSuppression(t *testing.T) {
	for _, c := range []struct {
		cells []int64
		want  string // x: taken out
	}{
		{nil, ""},
		{[]int64{12, 0, 300}, "..."},
		{[]int64{9, 10, 300}, "xx."},
		{[]int64{300, 9, 0, 40}, ".x.x"},
		{[]int64{3, 4, 50, 60}, "xxx."}, // 7 callers by subtraction
		{[]int64{6, 4, 50, 60}, "xx.."},
		{[]int64{5, 0}, "x."},
		{[]int64{5}, "x"},
		{[]int64{1, 2, 3}, "xxx"},
	} {
		have := ""
		for _, hidden := range quality.Suppress(c.cells) {
			have += map[bool]string{true: "x", false: "."}[hidden]
		}
		if have != c.want {
			t.Errorf("%v: %s, want %s", c.cells, have, c.want)
		}
	}
}

// Whoever subtracts what is published from the total learns of no group of fewer than ten calls,
// and of no small cell. Nor is a large cell taken out without need.
func TestSuppressionHidesWhatTheTotalGivesAway(t *testing.T) {
	cell := rapid.OneOf(rapid.Int64Range(0, 12), rapid.Int64Range(0, 200))
	rapid.Check(t, func(t *rapid.T) {
		cells := rapid.SliceOfN(cell, 0, 8).Draw(t, "cells")
		hidden := quality.Suppress(cells)
		total, published, taken := int64(0), int64(0), 0
		small := func(n int64) bool { return n > 0 && n < 10 }
		for i, n := range cells {
			total += n
			switch {
			case hidden[i]:
				taken++
			case small(n):
				t.Errorf("%v: cell %d is published", cells, i)
			default:
				published += n
			}
		}
		// With a total of less than ten, which must be taken out too, there is nothing to subtract from.
		if left := total - published; taken > 0 && total >= 10 && (left < 10 || taken == 1) {
			t.Errorf("%v: the total gives away %d calls in %d cells", cells, left, taken)
		}
		if taken > 0 && !slices.ContainsFunc(cells, small) {
			t.Errorf("%v: taken out without need: %v", cells, hidden)
		}
	})
}
