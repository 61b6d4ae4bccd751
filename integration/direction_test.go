//go:build live

package integration

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// What may tell whether Asterisk was called or has called on a channel.
var directionVariables = []string{
	"CHANNEL(state)", "CHANNEL(pjsip,request_uri)", "CHANNEL(pjsip,target_uri)", "CHANNEL(pjsip,local_uri)",
	"CHANNEL(pjsip,remote_uri)", "CHANNEL(pjsip,call-id)", "CHANNEL(uas)", "CHANNEL(dialstatus)", "CHANNEL(peerip)",
	"CHANNEL(channeltype)", "SIPDOMAIN", "SIPCALLID", "DIALEDPEERNUMBER", "DIALEDPEERNAME", "DIALSTATUS", "DIALEDTIME",
	"PJSIP_HEADER(read,Call-ID)", "PJSIP_HEADER(read,CSeq)", "PJSIP_HEADERS(C)", "PJSIP_RESPONSE_HEADER(read,CSeq)",
	"PJSIP_RESPONSE_HEADERS(C)", "CHANNEL(accountcode)", "CHANNEL(peeraccount)", "CALLERID(num)", "CALLERID(dnid)",
	"CALLERID(ani)", "CONNECTEDLINE(num)", "CHANNEL(linkedid)", "CHANNEL(caller_url)",
	"CHANNEL(appname)", "CHANNEL(appdata)",
	"CHANNEL(callid)", "HANGUPCAUSE", "CDR(src)", "CDR(dst)", "CDR(channel)", "CDR(lastapp)",
}

func (o *observation) direction(id string) map[string]string {
	o.Helper()
	got := map[string]string{}
	for _, v := range directionVariables {
		got[v] = o.variable(id, v)
	}
	o.ask(http.MethodGet, "/channels/"+id, nil)
	return got
}

var originatedService = []service{{
	name: "direction", agents: []string{"op1", "line1"}, queues: queue("d", "", "PJSIP/op1"),
	dialplan: "Progress(); Queue(d)",
}}

var directionFiles = map[string]string{
	"extensions.d/direction.conf": "[agents](+)\nexten => 990,1,Dial(PJSIP/trunk/sip:990@127.0.0.1:${LINE},30)\n",
}

// CHANNEL(pjsip,request_uri) is set where Asterisk was called, and empty where it called, on every
// road.
func TestObserveDirectionOfAChannel(t *testing.T) {
	t.Parallel()
	t.Run("direction-called", func(t *testing.T) {
		o := observe(t, "direction-called", originatedService, nil)
		op := o.operator(t, "op1", lab.Called(half).WaitBye())
		caller := o.caller(t, 0, lab.Calls().Pause(4*second).Bye())
		trunk, operator := o.talking("PJSIP/trunk-"), o.talking("PJSIP/op1-")
		o.uas(trunk, true)
		o.uas(operator, false)
		o.wait(caller, op)
	})
	originate := func(name string, start func(o *observation, endpoint string)) {
		t.Run(name, func(t *testing.T) {
			o := observe(t, name, originatedService, directionFiles)
			op := o.operator(t, "op1", lab.Called(half).WaitBye())
			customer := o.operator(t, "line1", lab.Called(2*second).Pause(5*second).Bye())
			start(o, fmt.Sprintf("PJSIP/trunk/sip:3331234567@127.0.0.1:%d", o.ports["line1"]))
			ringing := o.channel("PJSIP/trunk-", "Ringing")
			o.uas(ringing, false)
			trunk, operator := o.talking("PJSIP/trunk-"), o.talking("PJSIP/op1-")
			o.uas(trunk, false)
			o.uas(operator, false)
			o.ask(http.MethodGet, "/channels", nil)
			o.wait(customer, op)
		})
	}
	originate("direction-ari-originate", func(o *observation, endpoint string) {
		o.ask(http.MethodPost, "/channels", url.Values{
			"endpoint": {endpoint}, "extension": {"2001"}, "context": {"from-trunk"}, "priority": {"1"},
			"callerId": {"+390612340000"},
		})
	})
	originate("direction-console-originate", func(o *observation, endpoint string) {
		o.console("channel originate "+endpoint+" extension 2001@from-trunk", "")
	})
	originate("direction-local-originate", func(o *observation, endpoint string) {
		o.console("dialplan set global LINE "+fmt.Sprint(o.ports["line1"]), "")
		o.console("channel originate Local/990@agents extension 2001@from-trunk", "")
	})
	t.Run("direction-click-to-call", func(t *testing.T) {
		o := observe(t, "direction-click-to-call", originatedService, directionFiles)
		o.console("dialplan set global LINE "+fmt.Sprint(o.ports["line1"]), "")
		op := o.operator(t, "op1", lab.Called(half).WaitBye())
		customer := o.operator(t, "line1", lab.Called(second).Pause(3*second).Bye())
		o.console("channel originate PJSIP/op1 extension 990@agents", "")
		trunk, operator := o.talking("PJSIP/trunk-"), o.talking("PJSIP/op1-")
		o.uas(trunk, false)
		o.uas(operator, false)
		o.wait(customer, op)
	})
	t.Run("direction-operator-calls-out", func(t *testing.T) {
		o := observe(t, "direction-operator-calls-out", originatedService, directionFiles)
		o.console("dialplan set global LINE "+fmt.Sprint(o.ports["line1"]), "")
		customer := o.operator(t, "line1", lab.Called(second).Pause(3*second).Bye())
		op := o.dials(t, "op1", "990", lab.Calls().WaitBye())
		trunk, operator := o.talking("PJSIP/trunk-"), o.talking("PJSIP/op1-")
		o.uas(trunk, false)
		o.uas(operator, true)
		o.wait(customer, op)
	})
}

// uas checks whether Asterisk was called (it is the server of the dialog) on a channel.
func (o *observation) uas(id string, want bool) {
	o.Helper()
	if uri := o.direction(id)["CHANNEL(pjsip,request_uri)"]; (uri != "") != want {
		o.Errorf("CHANNEL(pjsip,request_uri) of %s is %q; Asterisk was called on it: %v", id, uri, want)
	}
}
