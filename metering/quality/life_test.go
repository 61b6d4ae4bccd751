package quality_test

import (
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
	outside  bool // the opening hours
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
		outside:  rapid.IntRange(0, 4).Draw(t, "outside") == 4,
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
		Charge: tariff.Amount{Currency: "EUR", Digits: 2}, OutsideHours: l.outside,
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
