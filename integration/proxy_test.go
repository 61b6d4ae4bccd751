//go:build live

package integration

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// played waits until so many prompts have begun through the proxy since its start.
func (p *clustered) played(t *testing.T, n int) {
	t.Helper()
	err := lab.Until(p.ctx, 20*time.Second, "prompts to be played", func() error {
		_, metrics, err := p.proxy.Get(p.ctx, "/metrics")
		if err != nil {
			return err
		}
		if got := counted(metrics, `risposta_proxy_requests_total{kind="play",result="done"}`); got < n {
			return fmt.Errorf("%d have begun, want %d", got, n)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, p.proxy.Log(), p.gw.Log())
	}
}

// counted is the value of a series; 0 where it is not there.
func counted(metrics, series string) (n int) {
	for line := range strings.Lines(metrics) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			_, _ = fmt.Sscan(value, &n)
		}
	}
	return n
}

// The front desk through ari-proxy: a price that is accepted, and a survey.
func TestLiveFrontDeskThroughTheProxy(t *testing.T) {
	t.Parallel()
	services := []service{
		servedBy("op1", "agrees", announcing),
		servedBy("op2", "is-asked", "Progress(); Queue({queue},c); Gosub(risposta,survey,1(it))"),
	}
	p := newClustered(t, frontDeskConfig, 1, services, longWait)
	p.startMeters(t)
	p.operator(t, "op1", lab.Called(half).WaitBye())
	p.operator(t, "op2", lab.Called(half).Pause(2*second).Bye())
	p.finish(t,
		p.caller(t, 0, lab.AtFrontDesk().Speaks().Pause(announcement).Keys("1").
			Answered().Pause(3*second).Bye()),
		p.caller(t, 1, lab.AtFrontDesk().Answered().
			Pause(9*second).Keys("4").Pause(6*second).Keys("1").WaitBye()),
	)
	rec := p.record(t, "agrees")
	if rec.Reasons[0] != "talk" || rec.Announcement.Consent != "given" || rec.Charge.Amount == "0.00" ||
		rec.Talk[0].From.Sub(rec.Announcement.AnnouncedAt) < 3*second {
		t.Errorf("a price that was accepted: %+v", rec)
	}
	p.wantSameTalk(t, 0, rec)
	if rec := p.record(t, "is-asked"); rec.Survey.Satisfaction != 4 || rec.Survey.Solved != "yes" ||
		rec.TalkMs > 3000 {
		t.Errorf("the survey: %+v, talk %d ms; want 4, solved, and no talk in it", rec.Survey, rec.TalkMs)
	}
	_, metrics, err := p.proxy.Get(p.ctx, "/metrics")
	for _, kind := range []string{"play", "set_variable", "continue"} {
		series := fmt.Sprintf(`risposta_proxy_requests_total{kind=%q,result="done"}`, kind)
		if err != nil || counted(metrics, series) < 2 {
			t.Errorf("%s: %d, %v; the commands came another way", series, counted(metrics, series), err)
		}
	}
	p.wantVerified(t, "")
}

// The proxy stands still, or dies, in the middle of an announcement: the call goes on and is free.
// What it finds when it goes on does nothing to the talk that runs by then.
func TestLongCallsDoNotWaitForTheProxy(t *testing.T) {
	t.Parallel()
	services := []service{
		servedBy("op1", "stuck", announcing),
		servedBy("op2", "dies", announcing),
		servedBy("op3", "away", announcing),
		servedBy("op4", "back", announcing),
	}
	p := newClustered(t, strings.Replace(frontDeskConfig, "also: [announced, consent]",
		"also: [announced]", 1), 1, services, longWait)
	p.startMeters(t)
	for i := range services {
		p.operator(t, services[i].agents[0], lab.Called(0).WaitBye())
	}
	p.stuckProxy(t)
	// Killed.
	caller := p.caller(t, 1, lab.AtFrontDesk().Answered().Pause(2*second).Bye())
	_, metrics, err := p.proxy.Get(p.ctx, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	before := counted(metrics, `risposta_proxy_requests_total{kind="play",result="done"}`)
	p.played(t, before+1)
	died := time.Now()
	if err := p.proxy.Kill(p.ctx); err != nil {
		t.Fatal(err)
	}
	p.finish(t, caller)
	t.Logf("killed: with 2 s of talk the call ended %s later", time.Since(died))
	p.wantFree(t, "dies", 1500)
	// Away: the desk has nobody to ask, and the dialplan's own time ends the wait.
	p.finish(t, p.caller(t, 2, lab.AtFrontDesk().Answered().Pause(2*second).Bye()))
	if waited := p.beforeQueue(t, 2); waited > 4*second {
		t.Errorf("without a proxy a call waited %s, want the 2 s of RISPOSTA_WAIT and a little", waited)
	}
	p.wantFree(t, "away", 1500)
	p.startPart(t, p.proxy)
	p.finish(t, p.caller(t, 3, lab.AtFrontDesk().Answered().Pause(2*second).Bye()))
	if rec := p.record(t, "back"); rec.Charge.Amount == "0.00" || rec.Announcement.AnnouncedAt.IsZero() {
		t.Errorf("with the proxy back: %+v; want an announcement and a charge", rec)
	}
}

// stuckProxy stops the proxy during an announcement, until the caller has talked for a while.
func (p *clustered) stuckProxy(t *testing.T) {
	t.Helper()
	caller := p.caller(t, 0, lab.AtFrontDesk().Answered().Pause(8*second).Bye())
	p.played(t, 1)
	stopped := time.Now()
	if err := p.proxy.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	p.logged(t, "talk.started", 1)
	t.Logf("stopped: the caller talked %s later", time.Since(stopped))
	if err := p.proxy.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.finish(t, caller)
	p.wantFree(t, "stuck", 7500) // the whole 8 s: no old command has cut it
	err := lab.Until(p.ctx, 10*second, "old commands to be refused", func() error {
		_, metrics, err := p.proxy.Get(p.ctx, "/metrics")
		if err == nil &&
			counted(metrics, `risposta_proxy_requests_total{kind="set_variable",result="expired"}`) == 0 {
			err = errors.New("none so far")
		}
		return err
	})
	if err != nil {
		t.Errorf("%v\n%s", err, p.proxy.Log())
	}
}

// wantFree checks that a call was talked, for free, and that the record says why.
func (p *clustered) wantFree(t *testing.T, service string, talkMs int64) {
	t.Helper()
	rec := p.record(t, service)
	if rec.Charge.Amount != "0.00" || rec.Reasons[0] != "not_announced" || rec.TalkMs < talkMs {
		t.Errorf("%s: %+v; want talk of %d ms at least, free, without an announcement", service, rec, talkMs)
	}
}
