//go:build live

package integration

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// deskConfig is a gateway whose policy wants the price told, and agreed to.
const deskConfig = `
pbx:
  - {name: live, url: "{{ari}}", username: risposta}
operators: ["PJSIP/op*"]
tariffs:
  - {name: standard, per_minute: "0.96", increment: 1s, currency: EUR}
law: {policy: it, also: [announced, consent]}
front_desk: {language: en}
callers: {country_code: "39"}
ledger: {file: "{{dir}}/ledger.db"}
admin: {listen: "{{admin}}"}
`

// announced is the dialplan of a service with a front desk.
func announced(queue string) string {
	return "Progress(); Gosub(risposta,announce,1(en)); Queue(" + queue + ")"
}

// patient is a dialplan that gives the gateway more than 200 ms to say that it is there: what is tested is what the desk says, on a machine that is busy with
// other tests.
var patient = map[string]string{"extensions.d/desk.conf": "[globals](+)\nRISPOSTA_WAIT = 2\n"}

// announcement is how long the desk speaks before it hears the caller: some seconds, by the prompts that espeak-ng makes.
const announcement = 14 * time.Second

// What the front desk tells callers, and what each then pays.
func TestLiveFrontDesk(t *testing.T) {
	t.Parallel()
	services := []service{
		{name: "agrees", dialplan: announced("agrees"), agents: []string{"op1"}, queues: queue("agrees", "", "PJSIP/op1")},
		{name: "exempt", dialplan: announced("exempt"), agents: []string{"op2"}, queues: queue("exempt", "", "PJSIP/op2")},
		{name: "refuses", dialplan: announced("refuses"), agents: []string{"op3"}, queues: queue("refuses", "", "PJSIP/op3")},
		{name: "types-code", dialplan: announced("code"), agents: []string{"op4"}, queues: queue("code", "", "PJSIP/op4")},
		{name: "past-the-desk", dialplan: "Progress(); Queue(past)", agents: []string{"op5"}, queues: queue("past", "", "PJSIP/op5")},
		{name: "is-asked", dialplan: "Progress(); Queue(asked,c); Gosub(risposta,survey,1(it))", agents: []string{"op6"}, queues: queue("asked", "", "PJSIP/op6")},
	}
	r := newRigUnder(t, deskConfig, services, patient)
	exempt := func(args ...string) string {
		t.Helper()
		out, code, err := r.gw.Command(r.ctx, append([]string{"exempt", "add", "--from", "2026-01-01", "--category", "minimum pension"}, args...)...)
		if err != nil || code != 0 {
			t.Fatalf("exit %d, %v: %s", code, err, out)
		}
		return out
	}
	exempt("--ref", "e-number", callerOf(1))
	code := regexp.MustCompile(`its code is ([0-9]{10})`).FindStringSubmatch(exempt("--ref", "e-code", "--code"))
	if code == nil {
		t.Fatal("no code was made")
	}
	r.start(t)
	for i, s := range services {
		script := lab.Called(half).WaitBye()
		if s.name == "is-asked" {
			script = lab.Called(half).Pause(2 * second).Bye()
		}
		if s.name != "refuses" {
			r.operator(t, services[i].agents[0], script)
		}
	}
	talk := func(s *lab.Script) *lab.Script { return s.Answered().Pause(3 * second).Bye() }
	parties := []*lab.Party{
		r.caller(t, 0, talk(lab.AtDesk().Pause(announcement).Keys("1"))),
		r.caller(t, 1, talk(lab.AtDesk())),
		r.caller(t, 2, lab.AtDesk().LetGo()),
		r.caller(t, 3, talk(lab.AtDesk().Pause(announcement).Keys("*").Pause(6*second).Keys(code[1]+"#"))),
		r.caller(t, 4, lab.Calls().Pause(3*second).Bye()),
		r.caller(t, 5, lab.AtDesk().Answered().Pause(9*second).Keys("4").Pause(6*second).Keys("1").WaitBye()),
	}
	for _, p := range parties {
		if err := p.Wait(r.ctx); err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.Fatalf("the gateway's log:\n%s", r.gw.Log())
	}
	for i, want := range []struct {
		reason, outcome string
		consent         string
		free, charged   bool
		ref             string
	}{
		{"talk", "talked", "given", false, true, ""},
		{"exempt", "talked", "", true, false, "e-number"},
		{"no_talk", "unanswered", "refused", false, false, ""},
		{"exempt", "talked", "", true, false, "e-code"},
		{"no_consent", "talked", "", false, false, ""},
		{"no_consent", "talked", "", false, false, ""},
	} {
		rec := r.record(t, services[i].name)
		if rec.Reasons[0] != want.reason || rec.Outcome != want.outcome || rec.Announcement.Consent != want.consent || rec.Announcement.Free != want.free ||
			(rec.Charge.Amount != "0.00") != want.charged || rec.ExemptionRef != want.ref {
			t.Errorf("%s: %+v; want %+v", services[i].name, rec, want)
		}
		if slices.Contains(rec.Reasons, "answered_early") && services[i].name != "is-asked" {
			t.Errorf("%s: the front desk answered the caller: %v", services[i].name, rec.Reasons)
		}
		if want.charged {
			if lead := rec.Talk[0].From.Sub(rec.Announcement.AnnouncedAt); lead < 3*second {
				t.Errorf("talk began %s after the price was told, want 3 s at least", lead)
			}
			r.sameTalk(t, i, rec)
		}
	}
	if rec := r.record(t, "is-asked"); rec.Survey.Satisfaction != 4 || rec.Survey.Solved != "yes" || rec.TalkMs > 3000 {
		t.Errorf("the survey: %+v, talk %d ms; want 4, solved, and no talk in it", rec.Survey, rec.TalkMs)
	}
	r.noClearNumbers(t, len(services))
	if log := r.gw.Log(); strings.Contains(log, code[1]) || strings.Contains(log, "pension") {
		t.Error("the log tells a code, or why somebody is exempt")
	}
	if out, code, err := r.gw.Command(r.ctx, "verify"); err != nil || code != 0 {
		t.Errorf("verify: exit %d, %v\n%s", code, err, out)
	}
}

// The gateway is gone, or stands still, when a caller comes to the front desk: Asterisk goes on, the operator talks, and the call is free.
func TestLiveCallsDoNotWaitForTheFrontDesk(t *testing.T) {
	t.Parallel()
	services := []service{
		{name: "away", dialplan: announced("away"), agents: []string{"op1"}, queues: queue("away", "", "PJSIP/op1")},
		{name: "stuck", dialplan: announced("stuck"), agents: []string{"op2"}, queues: queue("stuck", "", "PJSIP/op2")},
		{name: "dies", dialplan: announced("dies"), agents: []string{"op3"}, queues: queue("dies", "", "PJSIP/op3")},
	}
	// Italian law as it is wants no price told: who came to the desk is free all the same.
	r := newRigUnder(t, strings.Replace(deskConfig, ", also: [announced, consent]", "", 1), services, nil)
	for i := range services {
		r.operator(t, services[i].agents[0], lab.Called(0).WaitBye())
	}
	talks := func(i int) {
		t.Helper()
		start := time.Now()
		if err := r.caller(t, i, lab.AtDesk().Answered().Pause(2*second).Bye()).Wait(r.ctx); err != nil {
			t.Fatal(err)
		}
		// 2 s of talk, and what sipp takes to start and to end; without the timeout the call would never come to its operator.
		if took := time.Since(start); took > 6*second {
			t.Errorf("%s: the call took %s", services[i].name, took)
		}
	}
	talks(0) // no gateway has been started
	r.start(t)
	if err := r.gw.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	talks(1)
	if err := r.gw.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if waited := r.beforeQueue(t, 1); waited > second {
		t.Errorf("a call waited %s for a gateway that stood still, want 200 ms and what Asterisk takes to look at its clock", waited)
	}
	rec := r.record(t, "stuck")
	if rec.Charge.Amount != "0.00" || rec.Reasons[0] != "not_announced" || rec.TalkMs < 1500 {
		t.Errorf("a call that nobody told the price: %+v", rec)
	}
	// It dies while it speaks: the caller is kept for 8 s at most.
	start := time.Now()
	caller := r.caller(t, 2, lab.AtDesk().Answered().Pause(2*second).Bye())
	r.logged(t, "caller.at_desk", 2)
	if err := r.gw.Kill(r.ctx); err != nil {
		t.Fatal(err)
	}
	if err := caller.Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	t.Logf("a caller whose price was being told when the gateway died was through, and had talked 2 s, after %s", took)
	if took > 16*second { // 8 s at the desk, 2 s of talk, the rest is sipp's and the log's
		t.Errorf("the caller was kept for %s", took)
	}
	if err := r.gw.Start(); err != nil {
		t.Fatal(err)
	}
	if err := r.gw.WaitReady(r.ctx, 20*second); err != nil {
		t.Fatal(err)
	}
	if rec := r.record(t, "dies"); rec.Charge.Amount != "0.00" {
		t.Errorf("a call in which the gateway died was charged: %+v", rec)
	}
}

// beforeQueue is how long a call of the i-th service took to its Queue(), by the CEL.
func (r *rig) beforeQueue(t *testing.T, i int) time.Duration {
	t.Helper()
	var came, queued time.Time
	err := lab.Until(r.ctx, 10*second, "the CEL to tell of the queue", func() error {
		cel, err := r.pbx.Log(r.ctx, "cel-custom/cel.csv")
		if err != nil {
			return err
		}
		for line := range strings.Lines(cel) {
			f := strings.Split(strings.ReplaceAll(line, `"`, ""), ",")
			if len(f) < 3 || f[2] != callerOf(i) {
				continue
			}
			at, err := time.Parse("2006-01-02 15:04:05.000", f[1])
			switch {
			case err != nil:
				return err
			case f[0] == "CHAN_START":
				came = at
			case f[0] == "APP_START":
				queued = at
			}
		}
		if came.IsZero() || queued.IsZero() {
			return errors.New("it does not yet")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %s from the call's arrival to Queue()", numberOf(i), queued.Sub(came))
	return queued.Sub(came)
}

// Where Asterisk keeps its events for a gateway that is away, the application stays registered, and callers come to a desk at which nobody is. They go on; and the
// gateway, back again, makes nothing of what it is told late.
func TestLiveTheDeskIsAwayAndAsteriskKeepsItsEvents(t *testing.T) {
	t.Parallel()
	services := []service{
		{name: "told", dialplan: announced("told"), agents: []string{"op1"}, queues: queue("told", "", "PJSIP/op1")},
		{name: "not-told", dialplan: announced("nottold"), agents: []string{"op2"}, queues: queue("nottold", "", "PJSIP/op2")},
	}
	r := hostedRigUnder(t, strings.Replace(deskConfig, "also: [announced, consent]", "also: [announced]", 1), services, patient)
	r.start(t)
	for i := range services {
		r.operator(t, services[i].agents[0], lab.Called(0).WaitBye())
	}
	talks := func(i int) {
		t.Helper()
		if err := r.caller(t, i, lab.AtDesk().Answered().Pause(2*second).Bye()).Wait(r.ctx); err != nil {
			t.Fatal(err)
		}
	}
	talks(0)
	if rec := r.record(t, "told"); rec.Charge.Amount == "0.00" || rec.Announcement.AnnouncedAt.IsZero() {
		t.Errorf("with the gateway there: %+v", rec)
	}
	r.stop(t)
	start := time.Now()
	talks(1)
	if took := time.Since(start); took > 6*second {
		t.Errorf("with the gateway away the call took %s", took)
	}
	if err := r.gw.Start(); err != nil {
		t.Fatal(err)
	}
	if err := r.gw.WaitReady(r.ctx, 20*second); err != nil {
		t.Fatal(err)
	}
	rec := r.record(t, "not-told")
	if rec.Charge.Amount != "0.00" || rec.Reasons[0] != "not_announced" || rec.UnseenMs != 0 || rec.TalkMs < 1500 {
		t.Errorf("with the gateway away: %+v; want its talk seen, and free because nobody told the price", rec)
	}
}
