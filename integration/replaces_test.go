//go:build live

package integration

import (
	"net/http"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// An INVITE with Replaces from the trunk takes the place of the caller's leg, as a carrier's SBC may do.
func TestObserveTrunkReplacesTheCallersLeg(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, whose, number string
		refused             bool
	}{
		{"replaces-caller", "PJSIP/trunk-", "2001", false},
		{"replaces-caller-unknown-number", "PJSIP/trunk-", "nowhere", true},
		{"replaces-operator", "PJSIP/op1-", "2001", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := observe(t, c.name, originatedService, nil)
			op := o.operator(t, "op1", lab.Called(half).Speaks().WaitBye())
			caller := o.caller(t, 0, lab.Calls().Speaks().WaitBye())
			trunk, operator := o.talking("PJSIP/trunk-"), o.talking("PJSIP/op1-")
			id := map[string]string{"PJSIP/trunk-": trunk, "PJSIP/op1-": operator}[c.whose]
			dialog := lab.Dialog{
				CallID:    o.variable(id, "CHANNEL(pjsip,call-id)"),
				LocalTag:  o.variable(id, "CHANNEL(pjsip,local_tag)"),
				RemoteTag: o.variable(id, "CHANNEL(pjsip,remote_tag)"),
			}
			bridge := o.await("the bridge", func(f frame) bool {
				return f.is("ChannelEnteredBridge", "PJSIP/trunk-")
			}).at("bridge.id")
			o.mark("replacing")
			stop := o.samples(half/2, "/channels", "/bridges")
			defer stop()
			newcomer := o.dials(t, "+390698765432", c.number, lab.Replacing(dialog).Speaks().Pause(3*second).Bye())
			if c.refused { // 404: the number must exist although it is not called
				if err := newcomer.Wait(o.ctx); err == nil || !o.inBridge(id) {
					t.Errorf("the INVITE is accepted (%v), or the call has ended", err)
				}
				o.ask(http.MethodDelete, "/channels/"+trunk, nil)
				o.wait(caller, op)
				return
			}
			o.gone(id)
			entered := o.await("the new leg in the bridge", func(f frame) bool {
				return f.is("ChannelEnteredBridge", "PJSIP/trunk-00000002")
			})
			linked := o.variable(entered.at("channel.id"), "CHANNEL(linkedid)")
			if linked != trunk {
				t.Errorf("the new leg's linkedid is %s, want the caller's %s", linked, trunk)
			}
			if entered.at("bridge.id") != bridge || entered.at("channel.dialplan.app_name") != "" {
				t.Errorf("the new leg entered %v", entered)
			}
			o.wait(newcomer)
			if c.whose == "PJSIP/trunk-" {
				o.wait(caller, op)
			}
		})
	}
}
