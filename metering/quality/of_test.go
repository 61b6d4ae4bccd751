package quality_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/quality"
	"github.com/risposta/gateway/metering/tariff"
)

// arrival is the instant at which the calls of these tests arrive.
var arrival = time.Date(2026, 11, 23, 9, 46, 14, 0, time.UTC)

// at is an instant so many seconds after the arrival.
func at(seconds float64) metering.Time {
	return metering.Time{Time: arrival.Add(time.Duration(seconds * float64(time.Second)))}
}

func stretch(from, to float64, operator string) metering.Talk {
	return metering.Talk{
		From: at(from), To: at(to), Ms: int64((to - from) * 1000), Operator: operator,
	}
}

func visit(name string, joined, left float64) metering.QueueEntry {
	return metering.QueueEntry{Name: name, JoinedAt: at(joined), LeftAt: at(left)}
}

var (
	serviceKey = quality.Key{Day: "2026-11-23", Hour: 9, Service: "1001"}
	support    = quality.Key{Day: "2026-11-23", Hour: 9, Service: "1001", Queue: "support"}
	anna       = quality.Key{Day: "2026-11-23", Hour: 9, Service: "1001", Operator: "PJSIP/anna"}
	bruno      = quality.Key{Day: "2026-11-23", Hour: 9, Service: "1001", Operator: "PJSIP/bruno"}
)

// transferred is a call of 200 s: a menu for 10 s, 21.5 s in the queue, 60 s with Anna, 8.5 s until
// Bruno, who talks for 100 s and leaves; the caller answers the survey.
func transferred() metering.Record {
	return metering.Record{
		Service: "1001", Caller: "p-1", ArrivedAt: at(0), EndedAt: at(215), Outcome: metering.Talked,
		Queues: []metering.QueueEntry{visit("support", 10, 31.5), visit("second", 92, 100)},
		Talk:   []metering.Talk{stretch(31.5, 91.5, "PJSIP/anna"), stretch(100, 200, "PJSIP/bruno")},
		// Of the 8.5 s between the two, 3 were on hold with Anna.
		WaitedMs: 52_000, HeldMs: 3_000, TalkMs: 160_000, BillableSeconds: 120,
		Charge:  tariff.Amount{Minor: 30, Digits: 2, Currency: "EUR"},
		Reasons: []metering.Reason{metering.ReasonTalk},
		Survey:  &metering.Survey{Satisfaction: 4, Solved: metering.SolvedYes},
	}
}

// abandoned is a call that its caller ends after so many seconds, in a queue joined after 2 s.
func abandoned(seconds float64) metering.Record {
	return metering.Record{
		Service: "1001", ArrivedAt: at(0), EndedAt: at(seconds), Outcome: metering.Abandoned,
		Queues:   []metering.QueueEntry{visit("support", 2, seconds)},
		WaitedMs: int64(seconds * 1000), Reasons: []metering.Reason{metering.ReasonNoTalk},
	}
}

func TestOfATransferredCall(t *testing.T) {
	whole := quality.Counts{
		Offered: 1, Answered: 1, Navigations: 1, NavigationMs: 10_000, Transfers: 1, TransferMs: 8_500,
		WaitedMs: 52_000, HeldMs: 3_000, TalkMs: 160_000, HeldCalls: 1, Operators: 2,
		ChargedCalls: 1, ChargedMs: 120_000,
		Survey: quality.Survey{Answered: 1, Satisfaction: [5]int64{3: 1}, SolvedYes: 1},
	}
	whole.Wait.Calls[3], whole.Wait.Ms[3] = 1, 21_500 // more than 20 s, at most 30 s
	whole.Reasons[0], whole.FreeMs[0] = 1, 40_000
	first := quality.Counts{
		Answered: 1, Wait: whole.Wait, Navigations: 1, NavigationMs: 10_000, TalkMs: 60_000,
		Operators: 1,
	}
	last := quality.Counts{
		Transfers: 1, TransferMs: 8_500, TalkMs: 100_000, Operators: 1, Survey: whole.Survey,
	}
	want := []quality.Row{{serviceKey, whole}, {support, whole}, {anna, first}, {bruno, last}}
	if diff := cmp.Diff(want, quality.Of(transferred())); diff != "" {
		t.Error(diff)
	}
}

// oneWait is the histogram of one wait.
func oneWait(bucket int, ms int64) (h quality.Histogram) {
	h.Calls[bucket], h.Ms[bucket] = 1, ms
	return h
}

func TestOfCallsThatNobodyAnswered(t *testing.T) {
	unanswered := abandoned(90)
	unanswered.Outcome = metering.Unanswered
	unseen := abandoned(90)
	unseen.Outcome, unseen.UnseenMs, unseen.WaitedMs = metering.Uncertain, 30_000, 60_000
	exempt := abandoned(90)
	exempt.Exempt = true
	for name, c := range map[string]struct {
		record metering.Record
		want   quality.Counts
	}{
		"abandoned at a border": {abandoned(7), quality.Counts{
			Abandoned: 1, AbandonedWait: oneWait(0, 5_000), WaitedMs: 7_000}},
		"abandoned after it": {abandoned(7.001), quality.Counts{
			Abandoned: 1, AbandonedWait: oneWait(1, 5_001), WaitedMs: 7_001}},
		"cut": {unanswered, quality.Counts{Cut: 1, WaitedMs: 90_000}},
		"uncertain": {unseen, quality.Counts{
			Uncertain: 1, WaitedMs: 60_000, UnseenMs: 30_000, UnseenCalls: 1}},
		"exempt": {exempt, quality.Counts{
			Abandoned: 1, AbandonedWait: oneWait(5, 88_000), WaitedMs: 90_000,
			Exempt: quality.Exempt{Offered: 1, Abandoned: 1}}},
	} {
		c.want.Offered = 1
		c.want.Reasons[15] = 1 // no_talk
		want := []quality.Row{{serviceKey, c.want}, {support, c.want}}
		if diff := cmp.Diff(want, quality.Of(c.record)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// What was not seen is not made a short wait, a call or an answer.
func TestOfCallsThatWereSeenInPart(t *testing.T) {
	gap := transferred()
	gap.UnseenMs, gap.WaitedMs = 20_000, 32_000
	c := quality.Of(gap)[0].Counts
	if c.Answered != 1 || c.Wait.Count() != 0 || c.Navigations != 0 || c.Transfers != 0 {
		t.Errorf("a call with unseen time: %+v", c)
	}
	callback := transferred()
	callback.Reasons = []metering.Reason{metering.ReasonDirectionUnknown}
	if c := quality.Of(callback)[0].Counts; c.Answered != 1 || c.Wait.Count() != 0 {
		t.Errorf("a call whose direction is not known: %+v", c)
	}
	leg := transferred()
	leg.Reasons = []metering.Reason{metering.ReasonTookOver}
	c = quality.Of(leg)[0].Counts
	if c.Offered != 0 || c.Answered != 0 || c.Wait.Count() != 0 || c.TookOver != 1 ||
		c.TalkMs != 160_000 {
		t.Errorf("a leg that took over: %+v", c)
	}
	if rows := quality.Of(transferred().Erased("x")); rows != nil {
		t.Errorf("an erased record gives %+v", rows)
	}
}

// A call from outside the opening hours is counted apart. Its times are counted with the others.
func TestOfACallOutsideTheOpeningHours(t *testing.T) {
	r := transferred()
	r.OutsideHours = true
	want := quality.Of(transferred())[0].Counts
	want.Offered, want.Answered, want.Wait = 0, 0, quality.Histogram{}
	want.Navigations, want.NavigationMs, want.Transfers, want.TransferMs = 0, 0, 0, 0
	want.Outside = quality.Outside{Offered: 1, Answered: 1}
	rows := quality.Of(r)
	if diff := cmp.Diff(want, rows[0].Counts); diff != "" {
		t.Error(diff)
	}
	if c := rows[2].Counts; c.Answered != 0 || c.Outside.Answered != 1 || c.TalkMs != 60_000 {
		t.Errorf("the first operator: %+v", c)
	}
	cut := abandoned(90)
	cut.Outcome, cut.OutsideHours = metering.Unanswered, true
	if c := quality.Of(cut)[0].Counts; c.Cut != 0 || c.Outside != (quality.Outside{Offered: 1, Cut: 1}) {
		t.Errorf("a call that the closed service ended: %+v", c)
	}
}

// Where the dialplan marks the choice, joining a queue says nothing.
func TestTheMarkedChoiceOfAnOperator(t *testing.T) {
	for name, c := range map[string]struct {
		chosen           metering.Time
		waitMs, navigate int64
		told             int64
	}{
		"before the queue":        {at(5), 35_000, 5_000, 1},
		"in the queue":            {at(20), 20_000, 20_000, 1},
		"never":                   {metering.Time{}, 40_000, 0, 0},
		"after the answer":        {at(60), 40_000, 0, 0},
		"a clock that steps back": {at(-0.008), 40_000, 0, 1},
	} {
		r := transferred()
		r.Choice, r.ChosenAt = metering.ChoiceMark, c.chosen
		r.Queues = []metering.QueueEntry{visit("a", 15, 40)}
		r.Talk = []metering.Talk{stretch(40, 100, "PJSIP/anna")}
		got := quality.Of(r)[0].Counts
		if got.Wait.SumMs() != c.waitMs || got.NavigationMs != c.navigate || got.Navigations != c.told {
			t.Errorf("%s: wait %d ms, navigation %d ms in %d calls", name, got.Wait.SumMs(),
				got.NavigationMs, got.Navigations)
		}
	}
}

func TestTheChoiceOfAnOperator(t *testing.T) {
	for name, c := range map[string]struct {
		queues           []metering.QueueEntry
		waitMs, navigate int64
		told             int64
	}{
		"no queue": {nil, 40_000, 0, 0},
		"queue":    {[]metering.QueueEntry{visit("a", 15, 40)}, 25_000, 15_000, 1},
		"two queues": {[]metering.QueueEntry{
			visit("a", 5, 20), visit("b", 21, 40),
		}, 35_000, 5_000, 1},
		"queue after the answer": {[]metering.QueueEntry{visit("a", 60, 70)}, 40_000, 0, 0},
		"clock stepped back":     {[]metering.QueueEntry{visit("a", -0.008, 40)}, 40_000, 0, 1},
	} {
		r := transferred()
		r.Queues, r.Talk = c.queues, []metering.Talk{stretch(40, 100, "PJSIP/anna")}
		got := quality.Of(r)[0].Counts
		if got.Wait.SumMs() != c.waitMs || got.NavigationMs != c.navigate || got.Navigations != c.told {
			t.Errorf("%s: wait %d ms, navigation %d ms in %d calls", name, got.Wait.SumMs(),
				got.NavigationMs, got.Navigations)
		}
	}
}
