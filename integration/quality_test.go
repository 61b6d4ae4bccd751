//go:build live

package integration

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// The calls of the day. Waits are a second or more away from the borders of 5, 10 and 20 s: the
// queue_log has whole seconds.
var (
	ringing = []time.Duration{
		3 * second, 6500 * time.Millisecond, 8 * second, 12 * second, 18 * second, 22 * second,
	}
	callsEach = 6 // calls of each of these
)

const (
	transferredCalls, markedCalls, shortCalls, abandonedCalls, cutCalls, lateCalls = 4, 4, 4, 6, 4, 2
)

// inTurn is the dialplan of a number whose nth call waits in the nth queue of a name: each call has an
// operator of its own.
func inTurn(name, before string) string {
	return fmt.Sprintf("Progress(); %sSet(GLOBAL(%[2]s)=$[0${GLOBAL(%[2]s)} + 1]); Set(n=${%[2]s}); "+
		"Queue(%[2]s-${n}); Hangup()", before, name)
}

// crew is a number in whose queues as many operators, at one phone, take a call each.
func crew(of, name string, calls int, before string) service {
	s := service{name: of, dialplan: inTurn(name, before), onePhone: true}
	for n := range calls {
		agent := fmt.Sprintf("op-%s-%d", name, n+1)
		s.agents = append(s.agents, agent)
		s.queues += queue(fmt.Sprintf("%s-%d", name, n+1), "", "PJSIP/"+agent)
	}
	return s
}

// A day of calls in miniature: 60 calls side by side. What the gateway reports agrees with what
// Asterisk's queue_log alone tells, and the audit by CEL and queue_log finds no difference that it
// may not have.
func TestLongDayOfCalls(t *testing.T) {
	t.Parallel()
	var services []service
	for i := range ringing {
		services = append(services, crew("day", fmt.Sprintf("w%d", i), callsEach, ""))
	}
	first := len(services) // of those that are no plain waits
	night := time.Now().UTC().Add(12 * time.Hour).Hour()
	services = append(services,
		crew("day", "moves", transferredCalls, ""), crew("day", "second", transferredCalls, ""),
		service{name: "day", dialplan: "Progress(); Queue(nobody)",
			queues: queue("nobody", "joinempty = yes")},
		service{name: "day", dialplan: "Progress(); Queue(closing,,,,2); Hangup()",
			queues: queue("closing", "joinempty = yes")},
		crew("marked", "marked", markedCalls, "Wait(1); Gosub(risposta,chosen,1); Wait(2); "),
		crew("night", "night", lateCalls, ""))
	services[len(services)-2].measured = ", choice: mark"
	services[len(services)-1].measured = fmt.Sprintf(
		", zone: UTC, hours: [{from: \"%02d:00\", until: \"%02d:59\"}]", night, night)
	h := newHarness(t, services, nil)
	h.start(t)
	h.takeCalls(t, services, first)
	h.makeCalls(t, first)
	h.logged(t, "record.written", 60)

	log, err := h.pbx.Log(h.ctx, "queue_log")
	if err != nil {
		t.Fatal(err)
	}
	h.wantFigures(t, "day", queueLogFigures(log, func(queue string) bool {
		return !strings.HasPrefix(queue, "marked") && !strings.HasPrefix(queue, "night")
	}))
	h.wantApart(t)
	text, code := h.audit(t)
	if code != 0 || !strings.Contains(text, "12 figures agree") {
		t.Errorf("the audit ended with %d", code)
	}
	t.Logf("the audit:\n%s", text)
	h.wantVerified(t, "60 records: 60 replayed")
}

// takeCalls starts the operators' phones.
func (h *harness) takeCalls(t *testing.T, services []service, first int) {
	t.Helper()
	phone := func(i int, s *lab.Script) {
		agents := services[i].agents
		p, err := lab.StartOperator(h.ctx, t.TempDir(), lab.Plan{
			Script: s, Port: h.ports[agents[0]], Server: h.pbx.SIPPort, Calls: len(agents),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Stop)
	}
	for i, rings := range ringing {
		phone(i, lab.Called(rings).WaitBye())
	}
	phone(first, lab.Called(second).Pause(4*second).Refer(numberOf(first+1)))
	phone(first+1, lab.Called(2*second).WaitBye())
	phone(first+4, lab.Called(3*second).WaitBye())
	phone(first+5, lab.Called(second).WaitBye())
}

// makeCalls makes the 60 calls, and waits for their end.
func (h *harness) makeCalls(t *testing.T, first int) {
	t.Helper()
	var parties []*lab.Party
	calls := func(i, n int, s *lab.Script) { parties = append(parties, h.crowd(t, i, n, s)) }
	talks := func(d time.Duration) *lab.Script { return lab.Calls().Pause(d).Bye() }
	for i := range ringing {
		calls(i, callsEach, talks(second))
	}
	calls(first, transferredCalls, talks(13*second))
	calls(first+2, shortCalls, lab.GivesUp(2*second))
	calls(first+2, abandonedCalls, lab.GivesUp(8*second))
	calls(first+3, cutCalls, lab.Unanswered())
	calls(first+4, markedCalls, talks(second))
	calls(first+5, lateCalls, talks(second))
	h.finish(t, parties...)
}

// crowd starts several callers of the i-th service, who come one after the other.
func (h *harness) crowd(t *testing.T, i, calls int, s *lab.Script) *lab.Party {
	t.Helper()
	port, err := lab.FreePort("udp")
	if err != nil {
		t.Fatal(err)
	}
	p, err := lab.StartParty(t.TempDir(), lab.Plan{
		Script: s, Port: port, Server: h.pbx.SIPPort, Number: numberOf(i), Caller: callerOf(i),
		Calls: calls, Rate: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// queueLogFigures are indicators as the queue_log alone tells them, in whole seconds, of the calls that
// joined one of these queues first.
func queueLogFigures(log string, of func(queue string) bool) map[string]float64 {
	type call struct{ answered, abandoned, cut, wait float64 }
	calls := map[string]*call{}
	for line := range strings.Lines(log) {
		f := append(strings.Split(strings.TrimSpace(line), "|"), "", "", "")
		c := calls[f[1]]
		if f[4] == "ENTERQUEUE" && c == nil && of(f[2]) {
			calls[f[1]] = &call{}
		}
		if c == nil || c.answered+c.abandoned+c.cut > 0 {
			continue // it is over, or has joined a second queue after a transfer
		}
		switch f[4] {
		case "CONNECT": // holdtime
			c.answered = 1
			c.wait, _ = strconv.ParseFloat(f[5], 64)
		case "ABANDON": // position, original position, wait
			c.abandoned = 1
			c.wait, _ = strconv.ParseFloat(f[7], 64)
		case "EXITWITHTIMEOUT":
			c.cut = 1
		}
	}
	var offered, answered, abandoned, short, cut, in20, in180, waited float64
	for _, c := range calls {
		offered++
		answered, abandoned, cut = answered+c.answered, abandoned+c.abandoned, cut+c.cut
		waited += c.wait * c.answered
		for border, n := range map[float64]*float64{20: &in20, 180: &in180} {
			if c.answered == 1 && c.wait < border {
				*n++
			}
		}
		if c.abandoned == 1 && c.wait < 5 {
			short++
		}
	}
	return map[string]float64{
		"answer_time_mean": waited / answered, "cut_waiting": cut / offered,
		"answered_20s_of_answered": in20 / answered, "answered_20s_of_offered": in20 / offered,
		"answered_180s_of_answered": in180 / answered, "answered_180s_of_offered": in180 / offered,
		"abandoned": (abandoned - short) / (offered - short), "abandoned_short": short / offered,
		"outside_hours": 0,
	}
}

// wantFigures compares what `risposta report` has of a service. A mean of whole seconds may be off by
// one; a share of calls may not.
func (h *harness) wantFigures(t *testing.T, service string, want map[string]float64) {
	t.Helper()
	have := h.figures(t, service)
	for name, v := range want {
		f, ok := have[name]
		off := math.Abs(f.Low - v)
		if !ok || !f.Known || f.Low != f.High || off > 1e-9 && name != "answer_time_mean" || off > 1 {
			t.Errorf("%s: %+v, the queue_log has %.3f", name, f, v)
		}
		t.Logf("%-28s report %.3f of %d calls, queue_log %.3f", name, f.Low, f.N, v)
	}
	if f := have["answered_20s_of_offered"]; f.N != 54 {
		t.Errorf("%d calls were offered in the day, want 54", f.N)
	}
	if f := have["transfer_wait_mean"]; f.N != 0 && (f.N != transferredCalls || f.Low < 2) {
		t.Errorf("the waits after transfers: %+v", f)
	}
}

// reported is a figure of the JSON of `risposta report`.
type reported struct {
	Indicator string
	Known     bool
	Low, High float64
	N         int64
}

func (h *harness) figures(t *testing.T, service string) map[string]reported {
	t.Helper()
	out, code, err := h.gw.Command(h.ctx, "report", "--period", month(), "--service", service,
		"--format", "json")
	var report struct {
		Services []struct{ Figures []reported }
	}
	if err == nil {
		err = json.Unmarshal([]byte(out), &report)
	}
	if err != nil || code != 0 || len(report.Services) != 1 {
		t.Fatalf("the report of %s: exit %d, %v: %s", service, code, err, out)
	}
	figures := map[string]reported{}
	for _, f := range report.Services[0].Figures {
		figures[f.Indicator] = f
	}
	return figures
}

func month() string { return time.Now().UTC().Format("2006-01") }

// wantApart checks the calls that the queue_log does not tell as they are measured: those from outside
// the opening hours, and those whose choice the dialplan marks.
func (h *harness) wantApart(t *testing.T) {
	t.Helper()
	late, err := h.gw.Records(h.ctx, "night")
	if err != nil || len(late) != lateCalls {
		t.Fatalf("%d records of the night, %v", len(late), err)
	}
	for _, r := range late {
		if !r.OutsideHours || r.Outcome != "talked" {
			t.Errorf("a call of the night: %+v", r)
		}
	}
	marked, err := h.gw.Records(h.ctx, "marked")
	if err != nil || len(marked) != markedCalls {
		t.Fatalf("%d records with a mark, %v", len(marked), err)
	}
	for _, r := range marked {
		// The mark comes 1 s after the arrival, the queue 2 s later, the operator 3 s after that.
		wait := r.Talk[0].From.Sub(r.ChosenAt)
		if r.ChosenAt.IsZero() || wait < 5*second || wait > 12*second {
			t.Errorf("the choice was marked at %s, %s before the answer", r.ChosenAt, wait)
		}
	}
	out, code, err := h.gw.Command(h.ctx, "records", "--outcome", "abandoned")
	if n := strings.Count(out, "\n"); err != nil || code != 0 || n != shortCalls+abandonedCalls {
		t.Errorf("records --outcome abandoned: exit %d, %v, %d records", code, err, n)
	}
}
