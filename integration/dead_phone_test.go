//go:build live

package integration

import (
	"net/http"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// softphone starts a baresip for an operator, or for the caller if a number is given.
func (o *observation) softphone(user, number string) *lab.Softphone {
	o.Helper()
	plan := lab.Plan{Server: o.pbx.SIPPort, Number: number, Port: o.ports[user]}
	if number != "" {
		port, err := lab.FreePort("udp")
		if err != nil {
			o.Fatal(err)
		}
		plan.Port = port
	}
	phone, err := lab.StartSoftphone(o.TempDir(), user, plan)
	if err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() {
		phone.Kill()
		if o.Failed() {
			o.Logf("%s: %s", user, phone.Output())
		}
	})
	return phone
}

// received is how many RTP packets Asterisk has received on a leg.
func (o *observation) received(id string) string {
	o.Helper()
	return field(o.ask(http.MethodGet, "/channels/"+id+"/rtp_statistics", nil).Body, "rxcount")
}

// A phone that dies sends no BYE: the received count of its leg stands still, and an RTP timeout
// ends the call.
func TestObserveDeadPhone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, options, dies string
		ends                bool
	}{
		{"dead-operator-rtp-timeout", "[op1](+)\nrtp_timeout = 6\nrtp_timeout_hold = 12\n", "PJSIP/op1-", true},
		{"dead-caller-rtp-timeout", "[trunk](+)\nrtp_timeout = 6\nrtp_timeout_hold = 12\n", "PJSIP/trunk-", true},
		{"dead-operator-no-timeout", "[op1](+)\nrtp_timeout = 0\n", "PJSIP/op1-", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := observe(t, c.name, holdingService, map[string]string{"pjsip.d/options.conf": c.options})
			phones := map[string]*lab.Softphone{"PJSIP/op1-": o.softphone("op1", "")}
			phones["PJSIP/trunk-"] = o.softphone(callerOf(0), "2001")
			trunk, operator := o.talking("PJSIP/trunk-"), o.talking("PJSIP/op1-")
			legs := map[string]string{"PJSIP/trunk-": trunk, "PJSIP/op1-": operator}
			o.ask(http.MethodGet, "/asterisk/config/dynamic/res_pjsip/endpoint/op1", nil)
			o.ask(http.MethodGet, "/asterisk/config/dynamic/res_pjsip/endpoint/trunk", nil)
			stop := o.samples(2*second, "/channels/"+trunk+"/rtp_statistics", "/channels/"+operator+"/rtp_statistics")
			defer stop()
			before := o.received(legs[c.dies])
			o.until("audio from the phone that will die", func() bool { return o.received(legs[c.dies]) != before })
			o.mark("kill")
			phones[c.dies].Kill()
			if c.ends {
				o.ended(legs[c.dies], "1", "44", "")
				o.gone(trunk)
				return
			}
			last := "" // not known until what was on its way has come
			for range 4 {
				living := o.received(trunk)
				o.until("audio from the phone that lives", func() bool { return o.received(trunk) != living })
				time.Sleep(2 * second) // what is tested is that a length of time changes nothing
				now := o.received(operator)
				if last != "" && now != last || !o.inBridge(operator) {
					t.Errorf("received from the dead phone: %s, then %s", last, now)
				}
				last = now
			}
			o.ask(http.MethodDelete, "/channels/"+trunk, nil)
			o.gone(operator)
		})
	}
}

// A held leg has a timeout of its own; a muted phone that sends no RTP looks as a dead one does.
func TestObserveSilentPhone(t *testing.T) {
	t.Parallel()
	options := map[string]string{
		"pjsip.d/options.conf": "[op1](+)\nrtp_timeout = 6\nrtp_timeout_hold = 12\n",
	}
	for _, c := range []struct {
		name   string
		script *lab.Script
		killed bool
	}{
		{"silent-muted", lab.Called(half).Speaks().Pause(3 * second).Mutes().WaitBye(), false},
		{"silent-never-spoke", lab.Called(half).WaitBye(), false},
		{"silent-held", lab.Called(half).Speaks().Pause(3 * second).Hold().Pause(second).Mutes().WaitBye(), false},
		{"silent-held-dead", lab.Called(half).Speaks().Pause(3 * second).Hold().WaitBye(), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := observe(t, c.name, holdingService, options)
			op := o.operator(t, "op1", c.script)
			o.caller(t, 0, lab.Calls().Speaks().WaitBye())
			trunk, operator := o.talking("PJSIP/trunk-"), o.talking("PJSIP/op1-")
			stop := o.samples(2*second, "/channels/"+trunk+"/rtp_statistics", "/channels/"+operator+"/rtp_statistics")
			defer stop()
			if c.killed {
				o.await("the hold", func(f frame) bool { return f.is("ChannelHold", "PJSIP/op1-") })
				o.mark("kill")
				op.Stop()
			}
			o.ended(operator, "1", "44", "")
			o.gone(trunk)
		})
	}
}

// A caller who waits unanswered, and whose carrier sends no audio before the answer, is no dead one:
// no RTP timeout ends the wait.
func TestObserveSilentCallerBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	waits := []service{{
		name: "silent-unanswered", dialplan: "Progress(); Queue(neverup)", agents: []string{"op8"},
		queues: queue("neverup", "", "PJSIP/op8"),
	}}
	o := observe(t, "silent-unanswered", waits,
		map[string]string{"pjsip.d/options.conf": "[trunk](+)\nrtp_timeout = 3\n"})
	// The phone fails where anything but its own CANCEL ends the call.
	if err := o.caller(t, 0, lab.GivesUp(8*second)).Wait(o.ctx); err != nil {
		t.Error(err)
	}
}

// ended waits for the end of a leg and checks the causes of its first hang-up request and of its
// end.
func (o *observation) ended(id, requested, destroyed, sip string) {
	o.Helper()
	end := o.gone(id)
	request := o.await("the hang-up request", func(f frame) bool {
		return f.at("type") == "ChannelHangupRequest" && f.at("channel.id") == id
	})
	if request.at("cause") != requested || end.at("cause") != destroyed || end.at("tech_cause") != sip {
		o.Errorf("ended by %v and %v, want causes %s and %s, SIP %q", request, end, requested, destroyed, sip)
	}
}

// Without an RTP timeout the session timer ends a dead phone's call.
func TestObserveSessionTimerEndsADeadPhone(t *testing.T) {
	t.Parallel()
	o := observe(t, "dead-operator-session-timer", holdingService, map[string]string{
		"pjsip.d/options.conf": "[op1](+)\nrtp_timeout = 0\ntimers = always\n" +
			"timers_min_se = 90\ntimers_sess_expires = 90\n",
	})
	phone := o.softphone("op1", "")
	o.softphone(callerOf(0), "2001")
	trunk, operator := o.talking("PJSIP/trunk-"), o.talking("PJSIP/op1-")
	o.ask(http.MethodGet, "/asterisk/config/dynamic/res_pjsip/endpoint/op1", nil)
	stop := o.samples(5*second, "/channels/"+trunk+"/rtp_statistics", "/channels/"+operator+"/rtp_statistics")
	defer stop()
	o.mark("kill")
	phone.Kill()
	o.awaitFor(150*second, "the session timer", func(f frame) bool {
		return f.at("type") == "ChannelDestroyed" && f.at("channel.id") == operator
	})
	o.ended(operator, "18", "18", "408")
	o.gone(trunk)
}

// What rtp_statistics answers for channels that have no RTP, and what a thousand requests cost.
func TestObserveStatisticsOfOtherChannels(t *testing.T) {
	t.Parallel()
	o := observe(t, "rtp-statistics-cost", []service{{
		name: "statistics", agents: []string{"op1", "op2"}, queues: queue("s", "", "Local/200@from-queue/n"),
		dialplan: "Progress(); Queue(s)",
	}}, map[string]string{"extensions.d/local.conf": "[from-queue]\nexten => 200,1,Dial(PJSIP/op1,30)\n" +
		"[agents](+)\nexten => 8800,1,ConfBridge(room)\n"})
	o.operator(t, "op1", lab.Called(half).Speaks().WaitBye())
	caller := o.caller(t, 0, lab.Calls().Speaks().WaitBye())
	trunk := o.talking("PJSIP/trunk-")
	o.dials(t, "op2", "8800", lab.Calls().Speaks().WaitBye()) // the room's announcer takes the next number, too
	const local = "Local/200@from-queue-00000000;"
	for name, want := range map[string]int{
		local + "1": http.StatusForbidden, local + "2": http.StatusForbidden,
		"PJSIP/op1-": http.StatusOK, "PJSIP/op2-": http.StatusOK, "PJSIP/trunk-": http.StatusOK,
	} {
		id := o.talking(name)
		if a := o.ask(http.MethodGet, "/channels/"+id+"/rtp_statistics", nil); a.Status != want {
			t.Errorf("%s: %d %v, want %d", name, a.Status, a.Body, want)
		}
		o.variable(id, "CHANNEL(rtp,hold)")
	}
	for _, path := range []string{
		"/channels/" + trunk + "/rtp_statistics", "/channels/" + trunk, "/channels", "/bridges",
		"/channels/" + trunk + "/variable?variable=CHANNEL(rtp%2Chold)",
		"/asterisk/config/dynamic/res_pjsip/endpoint/op1", "/asterisk/ping",
	} {
		o.cost(path, 1000)
	}
	o.ask(http.MethodDelete, "/channels/"+trunk, nil)
	o.wait(caller)
}

// cost measures what requests cost Asterisk's process.
func (o *observation) cost(path string, n int) {
	o.Helper()
	before, began := o.processor(), time.Now()
	for range n {
		if a, err := o.request(o.ctx, http.MethodGet, path, nil); err != nil || a.Status != http.StatusOK {
			o.Fatalf("%s: %d, %v", path, a.Status, err)
		}
	}
	used := o.processor() - before
	o.Logf("%s: %d requests took %s, %.3f ms each; Asterisk used %s, %.3f ms each", path, n, time.Since(began),
		float64(time.Since(began).Milliseconds())/float64(n), used, used.Seconds()*1000/float64(n))
}
