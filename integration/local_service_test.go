//go:build live

package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// byContact begins the dial string of an operator's phone that is dialled by its contact.
const byContact = "op1/sip:op1@127.0.0.1:"

// A service that the trunk reaches through a Local channel, and phones that are dialled by contact,
// as FreePBX and MikoPBX do.
func TestObserveServiceBehindALocalChannel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, dialplan, member, dialled string }{
		{"local-service-n", "Progress(); Dial(Local/1@inner/n,30)", "PJSIP/op1", "PJSIP/op1"},
		{"local-service-optimised", "Progress(); Dial(Local/1@inner,30)", "PJSIP/op1", "PJSIP/op1"},
		{"local-service-answers", "Progress(); Dial(Local/2@inner/n,30)", "PJSIP/op1", "PJSIP/op1"},
		{"local-service-member-n", "Progress(); Dial(Local/1@inner/n,30)", "Local/200@from-queue/n", byContact},
		{"local-service-member-optimised", "Progress(); Dial(Local/1@inner,30)", "Local/200@from-queue", byContact},
		{"queue-member-by-contact", "Progress(); Queue(l)", "Local/200@from-queue/n", byContact},
		{"dial-by-contact", "Progress(); Dial(PJSIP/op1/sip:op1@127.0.0.1:${LINE},30)", "PJSIP/op1", byContact},
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
			dial := o.await("the call of the operator", func(f frame) bool {
				return f.at("type") == "Dial" && f.at("peer.name") == "PJSIP/op1-00000001"
			})
			if got := dial.at("dialstring"); !strings.HasPrefix(got, c.dialled) {
				t.Errorf("dialstring %s, want %s", got, c.dialled)
			}
			queued := o.count(func(f frame) bool {
				return f.is("ChannelDialplan", "PJSIP/trunk-") && f.at("dialplan_app") == "Queue"
			})
			if direct := strings.Contains(c.dialplan, "Queue"); direct != (queued > 0) {
				t.Errorf("the caller's own channel runs Queue: %d times", queued)
			}
			o.until("all channels to be gone", func() bool { return o.idle() })
		})
	}
}
