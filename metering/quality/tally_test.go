package quality_test

import (
	"fmt"
)

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
			if l.outside && !l.tookOver {
				add(all, row, "outside.answered", 1)
			}
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
	if l.outside {
		outcome := map[bool]string{true: "answered", false: "cut"}[talk > 0]
		switch {
		case talk > 0:
		case unseen > 0:
			outcome = "uncertain"
		case l.byCaller:
			outcome = "abandoned"
		}
		add(all, row, "outside.offered", 1)
		add(all, row, "outside."+outcome, 1)
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
	if l.tookOver || l.outside {
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
	if l.ms('u') > 0 || l.outside && !l.tookOver {
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
