//go:build live

package integration

import (
	"fmt"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// A service that the trunk reaches through a Local channel, and phones that are dialled by contact,
// as FreePBX and MikoPBX do.
func TestLiveServiceBehindALocalChannel(t *testing.T) {
	for _, c := range []struct{ name, dialplan, member string }{
		{"local-service-n", "Progress(); Dial(Local/1@inner/n,30)", "PJSIP/op1"},
		{"local-service-optimised", "Progress(); Dial(Local/1@inner,30)", "PJSIP/op1"},
		{"local-service-answers", "Progress(); Dial(Local/2@inner/n,30)", "PJSIP/op1"},
		{"local-service-member-n", "Progress(); Dial(Local/1@inner/n,30)", "Local/200@from-queue/n"},
		{"local-service-member-optimised", "Progress(); Dial(Local/1@inner,30)", "Local/200@from-queue"},
		{"queue-member-by-contact", "Progress(); Queue(l)", "Local/200@from-queue/n"},
		{"dial-by-contact", "Progress(); Dial(PJSIP/op1/sip:op1@127.0.0.1:${LINE},30)", "PJSIP/op1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := observe(t, c.name, []service{{
				name: "local", agents: []string{"op1"}, queues: queue("l", "", c.member), dialplan: c.dialplan,
			}}, map[string]string{"extensions.d/local.conf": `[inner]
exten => 1,1,Progress()
 same => n,Queue(l)
exten => 2,1,Answer()
 same => n,Queue(l)
[from-queue]
exten => 200,1,Dial(PJSIP/op1/sip:op1@127.0.0.1:${LINE},30)
`})
			o.console("dialplan set global LINE "+fmt.Sprint(o.ports["op1"]), "")
			op := o.operator(t, "op1", lab.Called(half).Speaks().WaitBye())
			stop := o.samples(half/2, "/channels", "/bridges")
			defer stop()
			caller := o.caller(t, 0, lab.Calls().Speaks().Pause(3*second).Bye())
			o.wait(caller, op)
			o.until("all channels to be gone", func() bool { return o.idle() })
		})
	}
}

// idle tells whether Asterisk has no channel.
func (o *observation) idle() bool {
	o.Helper()
	list, ok := o.ask("GET", "/channels", nil).Body.([]any)
	return ok && len(list) == 0
}
