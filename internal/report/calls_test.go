package report

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/quality"
	"github.com/risposta/gateway/metering/tariff"
)

// center is a call center whose calls are made up, always the same ones.
type center struct {
	services, queues, operators []string
	from                        time.Time
	days, calls                 int
	seed                        uint64
}

// rows are what the calls count, day by day.
func (c center) rows(f func(day string, rows []quality.Row)) {
	random := rand.New(rand.NewPCG(c.seed, 1))
	for day := range c.days {
		at := c.from.AddDate(0, 0, day)
		var rows []quality.Row
		for i := day * c.calls / c.days; i < (day+1)*c.calls/c.days; i++ {
			rows = append(rows, quality.Of(c.call(random, at, i))...)
			if len(rows) > 10_000 {
				rows = quality.Merge(rows)
			}
		}
		rows = quality.Merge(rows)
		for i := range rows {
			if row := &rows[i]; row.Level() == quality.LevelService {
				row.Repeat.First[2] = row.Offered * 9 / 10
				row.Repeat.FirstRepeated[2] = row.Offered / 12
			}
		}
		f(at.Format(time.DateOnly), rows)
	}
}

// call is one call between 8 and 20 o'clock: of 100, about 7 are abandoned, 2 are not seen to their
// end, 5 go to a second operator and 20 answer the survey.
func (c center) call(random *rand.Rand, day time.Time, i int) metering.Record {
	pick := func(names []string) string { return names[random.IntN(len(names))] }
	at := day.Add(8*time.Hour + time.Duration(random.IntN(12*3600))*time.Second)
	now := at
	after := func(ms int64) metering.Time {
		now = now.Add(time.Duration(ms) * time.Millisecond)
		return metering.Time{Time: now}
	}
	r := metering.Record{
		Record: fmt.Sprint("r-", i), Version: 1, Call: metering.CallID(fmt.Sprint("c-", i)),
		Service: c.services[i%len(c.services)], ArrivedAt: metering.Time{Time: at},
		Outcome: metering.Talked, Charge: tariff.Amount{Currency: "EUR", Digits: 2},
		Exempt: random.IntN(20) == 0, Reasons: []metering.Reason{metering.ReasonTalk},
	}
	menu := int64(random.IntN(20_000))
	r.Queues = []metering.QueueEntry{{Name: pick(c.queues), JoinedAt: after(menu)}}
	wait := int64(random.ExpFloat64() * 38_000)
	r.WaitedMs = menu + wait
	if random.IntN(100) < 7 {
		r.Outcome, r.EndedAt = metering.Abandoned, after(wait)
		r.Reasons = []metering.Reason{metering.ReasonNoTalk}
		return r
	}
	talk := func(waitMs, ms int64) {
		part := metering.Talk{From: after(waitMs), Ms: ms, Operator: pick(c.operators)}
		part.To = after(ms)
		r.Talk = append(r.Talk, part)
		r.TalkMs += ms
	}
	talk(wait, 20_000+int64(random.ExpFloat64()*180_000))
	if random.IntN(100) < 5 {
		r.WaitedMs += 15_000
		talk(15_000, 60_000)
	}
	if random.IntN(100) < 2 {
		r.UnseenMs = 5000
	}
	if random.IntN(100) < 20 {
		r.Survey = &metering.Survey{Satisfaction: 5 - int(min(4, random.ExpFloat64()*1.2))}
		r.Survey.Solved = []string{metering.SolvedYes, metering.SolvedYes, metering.SolvedNo}[random.IntN(3)]
	}
	r.EndedAt, r.BillableSeconds = after(0), r.TalkMs/1000
	if r.Exempt {
		r.Reasons = []metering.Reason{metering.ReasonExempt}
	} else {
		r.Charge.Minor = 1 + r.BillableSeconds/60*30
	}
	return r
}

// aims are objectives of the first service, met, missed and between.
func (c center) aims() []quality.Objective {
	return []quality.Objective{
		{Service: c.services[0], Indicator: "answer_time_mean", Year: 2026, Limit: 36},
		{Service: c.services[0], Indicator: "answered_20s_of_answered", Year: 2026, Limit: 0.4},
		{Service: c.services[0], Indicator: "cut_waiting", Year: 2026, Limit: 0},
		{Service: c.services[0], Indicator: "satisfaction_mean", Year: 2026, Limit: 4},
	}
}

// report is the report of the first half of 2026 by the days of Rome.
func (c center) report(t testing.TB) Report {
	t.Helper()
	var rows kept
	c.rows(func(_ string, of []quality.Row) { rows = append(rows, of...) })
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParsePeriod("2026-H1", rome)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Build(t.Context(), rows, Request{
		Period: p, Terms: terms, Objectives: c.aims(), Policy: "it@3f0c2b9a51d4",
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// headText is a signed head as a ledger has it.
const headText = "risposta-ledger\n48211\n0cTeBhWVk2mRZzJ3pEoXQwJrVq0cYb9nA1uZ5s7d2fM=\n\n" +
	"— risposta-ledger 3kF0bWlDUvJ4b2JqZWN0aXZlIHNpZ25hdHVyZSBvZiBhIGxlZGdlcg==\n"

var spring = center{
	services: []string{"assistenza clienti"}, queues: []string{"tecnica", "amministrativa", "guasti"},
	operators: []string{"PJSIP/anna", "PJSIP/bruno", "PJSIP/carla", "PJSIP/dario", "PJSIP/elena"},
	from:      time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC), days: 170, calls: 20_000, seed: 1,
}

// samplePages are pages of all kinds, by name.
func samplePages(t *testing.T, language string) map[string]string {
	t.Helper()
	whole := spring.report(t)
	whole.Head = headText
	few := spring
	few.calls, few.days, few.services = 90, 20, []string{"help", "sales"}
	few.operators = append(few.operators, "PJSIP/franco", "PJSIP/gina")
	long := few
	long.calls = 4000
	name := "a queue whose name somebody made far too long for every column of every table of a report"
	long.queues = []string{
		name + " 1", name + " 2", "an_unbroken_name_of_a_queue_of_a_company_that_has_many_queues",
	}
	long.operators = []string{"PJSIP/" + name, "PJSIP/anna"}
	long.services = []string{name, "sales"}
	pages := map[string]string{
		"whole": written(t, whole, language), "few": written(t, few.report(t), language),
		"long": written(t, long.report(t), language), "empty": written(t, built(t, kept{}, ""), language),
	}
	pages["compared"] = comparedPage(t, language)
	return pages
}

// comparedPage compares three companies, of which one counts with other terms.
func comparedPage(t *testing.T, language string) string {
	t.Helper()
	var all []Published
	for i, name := range []string{
		"Rossi S.p.A.", "Bianchi Telecomunicazioni S.p.A.", "Verdi & C. <S.r.l.>",
	} {
		of := spring
		of.seed, of.calls = uint64(i+1), 8000-i*3900
		p := Published{Company: name, Report: of.report(t)}
		p.Head = headText
		all = append(all, p)
	}
	all[1].ShortAbandonMs = 10_000
	c, err := Compare(all)
	if err != nil {
		t.Fatal(err)
	}
	return comparisonText(t, c, language)
}
