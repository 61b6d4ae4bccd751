package quality_test

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

// life is a call as it went: the truth that a record is written from.
type life struct {
	service  string
	starts   time.Time
	menuMs   int64  // before the first queue
	queue    string // "": none
	parts    []part
	byCaller bool // who ends it
	exempt   bool
	chargeS  int64 // seconds of the talk that cost something
	reason   metering.Reason
	tookOver bool
	survey   *metering.Survey
}

// part is a stretch of a call. kind is w (waiting), t (talk), h (held) or u (unseen).
type part struct {
	kind     byte
	ms       int64
	operator string
}

var (
	waits = rapid.OneOf(
		rapid.SampledFrom([]int64{
			4_999, 5_000, 5_001, 20_000, 20_001, 120_000, 150_000, 150_001, 180_000, 180_001, 300_000,
		}),
		rapid.Int64Range(1, 400_000),
	)
	freely = []metering.Reason{
		metering.ReasonExempt, metering.ReasonNoTariff, metering.ReasonNotAnnounced,
		metering.ReasonExemptionUnresolved, metering.ReasonBelowIncrement,
	}
	lives = rapid.Custom(drawLife)
	days  = rapid.SliceOfN(lives, 1, 25)
)

func drawLife(t *rapid.T) life {
	l := life{
		service: rapid.SampledFrom([]string{"1001", "1002"}).Draw(t, "service"),
		queue:   rapid.SampledFrom([]string{"", "support", "sales"}).Draw(t, "queue"),
		starts: time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC).Add(
			time.Duration(rapid.Int64Range(0, 4*3600_000).Draw(t, "start")) * time.Millisecond),
		byCaller: rapid.Bool().Draw(t, "by caller"),
		tookOver: rapid.IntRange(0, 9).Draw(t, "took over") == 9,
		exempt:   rapid.Bool().Draw(t, "exempt"),
	}
	if l.queue != "" {
		l.menuMs = rapid.Int64Range(0, 30_000).Draw(t, "menu")
		if l.menuMs > 0 {
			l.parts = append(l.parts, part{kind: 'w', ms: l.menuMs})
		}
	}
	l.parts = append(l.parts, part{kind: 'w', ms: waits.Draw(t, "wait")})
	for range rapid.IntRange(0, 6).Draw(t, "parts") {
		p := part{kind: rapid.SampledFrom([]byte("ttthwu")).Draw(t, "kind"), ms: waits.Draw(t, "ms")}
		if p.kind == 't' {
			p.operator = rapid.SampledFrom([]string{"PJSIP/a", "PJSIP/b", "PJSIP/c"}).Draw(t, "operator")
		}
		if p.kind == 'h' && l.ms('t') == 0 {
			continue // nobody is on hold before the first operator
		}
		l.parts = append(l.parts, p)
	}
	l.reason = metering.ReasonNoTalk
	if talk := l.ms('t'); talk > 0 {
		l.reason = rapid.SampledFrom(freely).Draw(t, "reason")
		if !l.exempt && talk >= 1000 && rapid.Bool().Draw(t, "charged") {
			l.reason, l.chargeS = metering.ReasonTalk, rapid.Int64Range(1, talk/1000).Draw(t, "seconds")
		}
		if rapid.Bool().Draw(t, "asked") {
			l.survey = &metering.Survey{Satisfaction: rapid.IntRange(1, 5).Draw(t, "satisfaction")}
			l.survey.Solved = rapid.SampledFrom([]string{"", "yes", "no"}).Draw(t, "solved")
		}
	}
	if l.tookOver && l.chargeS == 0 {
		l.reason = metering.ReasonTookOver
	} else {
		l.tookOver = false
	}
	return l
}

// ms is how long the call is in one kind of part.
func (l life) ms(kind byte) (ms int64) {
	for _, p := range l.parts {
		if p.kind == kind {
			ms += p.ms
		}
	}
	return ms
}

// record writes the record of the call.
func (l life) record() metering.Record {
	instant := func(ms int64) metering.Time {
		return metering.Time{Time: l.starts.Add(time.Duration(ms) * time.Millisecond)}
	}
	r := metering.Record{
		Service: l.service, ArrivedAt: instant(0), Exempt: l.exempt, Survey: l.survey,
		WaitedMs: l.ms('w'), TalkMs: l.ms('t'), HeldMs: l.ms('h'), UnseenMs: l.ms('u'),
		BillableSeconds: l.ms('t') / 1000, Reasons: []metering.Reason{l.reason},
		Charge: tariff.Amount{Currency: "EUR", Digits: 2},
	}
	if l.chargeS > 0 {
		r.BillableSeconds, r.Charge.Minor = l.chargeS, 1
	}
	var now int64
	for _, p := range l.parts {
		if p.kind == 't' {
			r.Talk = append(r.Talk, metering.Talk{
				From: instant(now), To: instant(now + p.ms), Ms: p.ms, Operator: p.operator,
			})
		}
		now += p.ms
	}
	r.EndedAt = instant(now)
	if l.queue != "" {
		r.Queues = []metering.QueueEntry{{Name: l.queue, JoinedAt: instant(l.menuMs)}}
	}
	switch {
	case r.TalkMs > 0:
		r.Outcome = metering.Talked
	case r.UnseenMs > 0:
		r.Outcome = metering.Uncertain
	case l.byCaller:
		r.Outcome = metering.Abandoned
	default:
		r.Outcome = metering.Unanswered
	}
	return r
}

// tally counts by name: the names are those of the JSON of quality.Counts.
type tally map[string]int64

// count adds what the call is to the tallies of its service, queue and operators, part by part.
func (l life) count(all map[string]tally) {
	hour := l.starts.Format("2006-01-02 15 ") + l.service
	l.whole(all, hour)
	if l.queue != "" {
		l.whole(all, hour+" queue "+l.queue)
	}
	seen := map[string]bool{}
	first, last := "", ""
	for _, p := range l.parts {
		if p.kind != 't' {
			continue
		}
		row := hour + " operator " + p.operator
		if first == "" {
			first = p.operator
			l.answer(all, row)
		}
		if !seen[p.operator] {
			seen[p.operator] = true
			add(all, row, "operators", 1)
			add(all, hour, "operators", 1)
			if l.queue != "" {
				add(all, hour+" queue "+l.queue, "operators", 1)
			}
		}
		add(all, row, "talk_ms", p.ms)
		last = p.operator
	}
	if last != "" {
		l.answers(all, hour+" operator "+last)
	}
	l.passOn(all, hour)
}

func add(all map[string]tally, row, name string, n int64) {
	if all[row] == nil {
		all[row] = tally{}
	}
	if all[row][name] += n; all[row][name] == 0 {
		delete(all[row], name)
	}
}

// whole counts what the service and the queue have of the call besides transfers and operators.
func (l life) whole(all map[string]tally, row string) {
	unseen, talk := l.ms('u'), l.ms('t')
	add(all, row, "waited_ms", l.ms('w'))
	add(all, row, "held_ms", l.ms('h'))
	add(all, row, "unseen_ms", unseen)
	add(all, row, "talk_ms", talk)
	if l.ms('h') > 0 {
		add(all, row, "held_calls", 1)
	}
	if unseen > 0 {
		add(all, row, "unseen_calls", 1)
	}
	if l.chargeS > 0 {
		add(all, row, "charged_calls", 1)
		add(all, row, "charged_ms", l.chargeS*1000)
	}
	add(all, row, "reasons."+string(l.reason), 1)
	add(all, row, "free_ms."+string(l.reason), talk-l.chargeS*1000)
	l.answers(all, row)
	exempt := func(string, int64) {}
	if l.exempt {
		exempt = func(name string, n int64) { add(all, row, "exempt."+name, n) }
	}
	exempt("talk_ms", talk)
	if l.tookOver {
		add(all, row, "took_over", 1)
		return
	}
	add(all, row, "offered", 1)
	exempt("offered", 1)
	waited := l.ms('w') - l.menuMs // where nobody answered
	switch {
	case talk > 0:
		exempt("answered", 1)
		if unseen == 0 {
			exempt("waits", 1)
			exempt("wait_ms", l.firstWait())
		}
		l.answer(all, row)
	case unseen > 0:
		add(all, row, "uncertain", 1)
	case !l.byCaller:
		add(all, row, "cut", 1)
		exempt("cut", 1)
	default:
		add(all, row, "abandoned", 1)
		wait(all, row, "abandoned_wait", waited)
		exempt("abandoned", 1)
	}
}

func (l life) firstWait() (ms int64) {
	for _, p := range l.parts {
		if p.kind == 't' {
			return ms - l.menuMs
		}
		ms += p.ms
	}
	panic("nobody answered")
}

// answer counts the answer to a call, if it was offered.
func (l life) answer(all map[string]tally, row string) {
	if l.tookOver {
		return
	}
	add(all, row, "answered", 1)
	if l.ms('u') > 0 {
		return
	}
	wait(all, row, "wait", l.firstWait())
	if l.queue != "" {
		add(all, row, "navigations", 1)
		add(all, row, "navigation_ms", l.menuMs)
	}
}

// wait counts a wait in its bucket.
func wait(all map[string]tally, row, name string, ms int64) {
	bucket := 0
	for _, border := range []int64{5, 10, 20, 30, 60, 120, 150, 180, 300} {
		if ms > border*1000 {
			bucket++
		}
	}
	add(all, row, fmt.Sprintf("%s.calls.%d", name, bucket), 1)
	add(all, row, fmt.Sprintf("%s.ms.%d", name, bucket), ms)
}

func (l life) answers(all map[string]tally, row string) {
	if l.survey == nil {
		return
	}
	add(all, row, "survey.answered", 1)
	add(all, row, fmt.Sprintf("survey.satisfaction.%d", l.survey.Satisfaction-1), 1)
	if l.survey.Solved != "" {
		add(all, row, "survey.solved_"+l.survey.Solved, 1)
	}
}

// passOn counts the changes of operator: what lies between two stretches of talk.
func (l life) passOn(all map[string]tally, hour string) {
	if l.ms('u') > 0 {
		return
	}
	with, since := "", int64(0)
	for _, p := range l.parts {
		if p.kind != 't' {
			since += p.ms
			continue
		}
		if with != "" && with != p.operator {
			rows := []string{hour, hour + " operator " + p.operator}
			if l.queue != "" {
				rows = append(rows, hour+" queue "+l.queue)
			}
			for _, row := range rows {
				add(all, row, "transfers", 1)
				add(all, row, "transfer_ms", since)
			}
		}
		with, since = p.operator, 0
	}
}
