package live_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/live"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/quality"
	"github.com/risposta/gateway/metering/tariff"
)

var (
	began = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	price = &tariff.Tariff{Name: "standard", PerMinute: "0.60", Increment: time.Second, Currency: "EUR"}
	free  = &tariff.Tariff{Name: "free", PerMinute: "0", Increment: time.Second, Currency: "EUR"}
)

func at(second int) time.Time { return began.Add(time.Duration(second) * time.Second) }

// segments are stretches from one instant to the next; the last one goes on.
func segments(all ...metering.Segment) []metering.Segment {
	for i := range len(all) - 1 {
		all[i].To = all[i+1].From
	}
	return all
}

func waits(from int) metering.Segment {
	return metering.Segment{State: metering.Waiting, From: at(from)}
}

func talks(from int) metering.Segment {
	return metering.Segment{
		State: metering.Talking, From: at(from), Operator: "PJSIP/agent1", Queue: "support",
	}
}

func call(terms metering.Terms, s ...metering.Segment) metering.Call {
	return metering.Call{
		ID: "pbx1-1", Service: "help", Caller: "c-1", Terms: terms, ArrivedAt: began, Segments: segments(s...),
	}
}

func exempt(c metering.Call) metering.Call {
	c.Exemption = metering.Exemption{Verdict: metering.ExemptYes, Ref: "invalid-4711"}
	return c
}

// newView makes a view with the terms that a configuration has where it gives none.
func newView(s live.State) live.View {
	s.Terms = quality.DefaultTerms()
	return live.New(s)
}

// What each call is shown as, worked out by hand: the PBX was seen up to second 70.
func TestACallsState(t *testing.T) {
	paid := metering.Terms{Tariff: price}
	asked := metering.Terms{Tariff: price, AskExemption: true}
	held := metering.Segment{State: metering.Held, From: at(60), Operator: "PJSIP/agent1"}
	unseen := metering.Segment{State: metering.Unseen, From: at(60), Why: "silence"}
	for name, c := range map[string]struct {
		call             metering.Call
		state, doing     string
		why              metering.Reason
		forMs, talkMs    int64
		amount, currency string
	}{
		"waiting": {
			call: call(paid, waits(0)), state: live.Waiting, doing: "waiting", forMs: 70_000, amount: "0.00",
			currency: "EUR",
		},
		"talk that is charged": { // 60 s at 0.60 a minute
			call: call(paid, waits(0), talks(10)), state: live.Charged, doing: "talk", forMs: 60_000,
			talkMs: 60_000, amount: "0.60", currency: "EUR",
		},
		"talk that has just begun": {
			call: call(paid, waits(0), talks(70)), state: live.Charged, doing: "talk", amount: "0.00",
			currency: "EUR",
		},
		"talk that began after what was seen last": {
			call: call(paid, waits(0), talks(71)), state: live.Charged, doing: "talk", amount: "0.00",
			currency: "EUR",
		},
		"held after talk": {
			call: call(paid, waits(0), talks(10), held), state: live.Held, doing: "held", forMs: 10_000,
			talkMs: 50_000, amount: "0.50", currency: "EUR",
		},
		"unseen after talk": {
			call: call(paid, waits(0), talks(10), unseen), state: live.Unseen, doing: "unseen", forMs: 10_000,
			talkMs: 50_000, amount: "0.50", currency: "EUR",
		},
		"no price": {
			call: call(metering.Terms{}, talks(0)), state: live.Free, doing: "talk", forMs: 70_000,
			talkMs: 70_000, why: metering.ReasonNoTariff, amount: "0.00", currency: "XXX",
		},
		"a price of nothing": {
			call: call(metering.Terms{Tariff: free}, talks(0)), state: live.Free, doing: "talk",
			forMs: 70_000, talkMs: 70_000, why: metering.ReasonBelowIncrement, amount: "0.00", currency: "EUR",
		},
		"no answer of a lookup": {
			call: call(asked, talks(0)), state: live.Free, doing: "talk", forMs: 70_000, talkMs: 70_000,
			why: metering.ReasonExemptionUnresolved, amount: "0.00", currency: "EUR",
		},
		"exempt, in talk": {
			call: exempt(call(asked, talks(0))), state: live.Exempt, doing: "talk", forMs: 70_000,
			talkMs: 70_000, amount: "0.00", currency: "EUR",
		},
		"exempt, waiting": {
			call: exempt(call(asked, waits(0))), state: live.Exempt, doing: "waiting", forMs: 70_000,
			amount: "0.00", currency: "EUR",
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := newView(live.State{PBXs: []live.PBX{{Watermark: at(70), Calls: []metering.Call{c.call}}}})
			got := v.Calls[0]
			if got.State != c.state || got.Doing != c.doing || got.Why != c.why || got.ForMs != c.forMs ||
				got.TalkMs != c.talkMs || got.Amount != c.amount || got.Currency != c.currency {
				t.Errorf("got %+v\nwant %+v", got, c)
			}
			if last := c.call.Segments[len(c.call.Segments)-1]; !last.To.IsZero() || !c.call.EndedAt.IsZero() {
				t.Error("the call was changed")
			}
		})
	}
}

// Why a caller is exempt is nowhere in a view, in none of its forms.
func TestAViewNeverSaysWhyACallerIsExempt(t *testing.T) {
	c := exempt(call(metering.Terms{Tariff: price, AskExemption: true}, talks(0)))
	v := newView(live.State{PBXs: []live.PBX{{Watermark: at(70), Calls: []metering.Call{c}}}})
	var b strings.Builder
	if err := v.Write(&b, live.Plain); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("%+v", v), b.String()} {
		if strings.Contains(text, "4711") || !strings.Contains(text, live.Exempt) {
			t.Errorf("the reference of the entitlement is in the view, or the state is not:\n%s", text)
		}
	}
}

// However many calls there are, each state has the ones that have been in it for longest, and the
// others are counted.
func TestAViewIsBounded(t *testing.T) {
	const calls = 1000
	p := live.PBX{Watermark: at(5000)}
	for i := range calls {
		c := call(metering.Terms{Tariff: price}, waits(i))
		if i%2 == 0 {
			c = call(metering.Terms{Tariff: price}, waits(0), talks(i+1))
		}
		c.ID = metering.CallID(fmt.Sprintf("pbx1-%04d", i))
		c.Queues = []metering.QueueVisit{{Name: fmt.Sprint("queue", i%100), JoinedAt: c.ArrivedAt}}
		if i%2 == 0 {
			c.Segments[1].Operator = fmt.Sprint("PJSIP/agent", i)
		}
		p.Calls = append(p.Calls, c)
	}
	slices.Reverse(p.Calls) // the order in which they come is no matter
	v := newView(live.State{At: at(5000), PBXs: []live.PBX{p}})
	if len(v.Calls) != 80 || v.MoreCalls != calls-80 || v.States[0].Calls != 500 || v.States[3].Calls != 500 {
		t.Errorf("%d calls and %d more, %+v; want 80, 920, 500 charged and 500 waiting", len(v.Calls),
			v.MoreCalls, v.States)
	}
	if v.Calls[0].Call != "pbx1-0000" || v.Calls[40].Call != "pbx1-0001" {
		t.Errorf("the first of each state are %s and %s", v.Calls[0].Call, v.Calls[40].Call)
	}
	if len(v.Queues) != 50 || v.MoreQueues != 1 || len(v.Operators) != 100 || v.MoreOperators != 400 {
		t.Errorf("%d queues and %d more, %d operators and %d more; want 50, 1, 100, 400", len(v.Queues),
			v.MoreQueues, len(v.Operators), v.MoreOperators)
	}
	if q := v.Queues[0]; q.Waiting != 10 || q.LongestMs != 4_999_000 {
		t.Errorf("the queue with the longest wait is %+v, want 10 callers, the first since second 1", q)
	}
}

// The indicators of today are those of metering/quality; objectives of other years and services count
// for nothing.
func TestTodaysIndicators(t *testing.T) {
	r := metering.Record{
		Service: "help", ArrivedAt: metering.Time{Time: began}, EndedAt: metering.Time{Time: at(100)},
		Outcome: metering.Talked, TalkMs: 60_000, WaitedMs: 40_000, BillableSeconds: 60,
		Queues:  []metering.QueueEntry{{Name: "support", JoinedAt: metering.Time{Time: began}}},
		Talk:    []metering.Talk{{From: metering.Time{Time: at(40)}, Ms: 60_000, Operator: "PJSIP/agent1"}},
		Charge:  tariff.Amount{Minor: 60, Digits: 2, Currency: "EUR"},
		Reasons: []metering.Reason{metering.ReasonTalk},
	}
	var today []quality.Row
	for range 10 { // fewer tell nothing
		today = append(today, quality.Of(r)...)
	}
	objective := quality.Objective{Service: "help", Indicator: "answer_time_mean", Year: 2026, Limit: 30}
	other, earlier := objective, objective
	other.Service, earlier.Year = "sales", 2025
	v := newView(live.State{
		At: at(100), Today: today,
		Objectives: []quality.Objective{objective, other, earlier},
	})
	if len(v.Services) != 2 || v.Services[0].Name != "help" || v.Services[1].Name != "sales" {
		t.Fatalf("services %+v, want help, and sales, which has an objective", v.Services)
	}
	s := v.Services[0]
	if s.Offered != 10 || s.Answered != 10 || s.ChargedMs != 600_000 || len(s.Objectives) != 1 {
		t.Fatalf("help has %+v", s)
	}
	if o := s.Objectives[0]; o.Verdict != quality.Missed || o.Value.Low != 40 {
		t.Errorf("the objective of 30 s is %+v, want it missed with 40 s", o)
	}
	if o := v.Operators; len(o) != 1 || o[0].Answered != 10 || o[0].TalkMs != 600_000 || o[0].Doing != "" {
		t.Errorf("operators %+v, want agent1 in no call, with 10 answers", o)
	}
	if q := v.Queues; len(q) != 1 || q[0].Offered != 10 || q[0].Waiting != 0 {
		t.Errorf("queues %+v", q)
	}
}

func TestAPBXThatDoesNotAnswerIsStale(t *testing.T) {
	v := newView(live.State{At: at(10), PBXs: []live.PBX{
		{Name: "slow", AsOf: at(5), Synced: true, Committed: false},
		{Name: "gap", AsOf: at(10), Reason: "silence", Since: at(3), Committed: true},
	}})
	if v.PBXs[0].StaleMs != 5000 || v.PBXs[1].StaleMs != 0 {
		t.Errorf("stale for %d and %d ms, want 5,000 and 0", v.PBXs[0].StaleMs, v.PBXs[1].StaleMs)
	}
	var b strings.Builder
	if err := v.Write(&b, live.Plain); err != nil {
		t.Fatal(err)
	}
	const want = `2026-11-24 12:00:10 UTC   0 open calls: 0 charged, 0 free, 0 held, 0 waiting, 0 unseen, 0 exempt

PBX   EVENTS                     SINCE     LEDGER             WAITING FRAMES  CALLS
slow  all received               -         no answer for 5 s               0      0
gap   NOT ALL RECEIVED: silence  12:00:03  written                         0      0
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// A name that a PBX gives commands no terminal.
func TestNamesCommandNoTerminal(t *testing.T) {
	c := call(metering.Terms{Tariff: price}, talks(0))
	c.Segments[0].Operator = "PJSIP/\x1b[2Jagent"
	v := newView(live.State{PBXs: []live.PBX{{Watermark: at(70), Calls: []metering.Call{c}}}})
	var b strings.Builder
	paint := func(_, text string) string { return "<" + text + ">" }
	if err := v.Write(&b, paint); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "\x1b") || !strings.Contains(b.String(), `PJSIP/\u001b[2Jagent`) ||
		!strings.Contains(b.String(), "<charged>") {
		t.Errorf("got %q", b.String())
	}
}
