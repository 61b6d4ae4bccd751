//go:build live

package integration

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// Another application of ARI holds, mutes and plays music: which events come, and whom the bridge lists.
func TestLiveOtherApplicationHoldsAndMutes(t *testing.T) {
	o := observe(t, "ari-hold-mute-moh", []service{{
		name: "stasis", agents: []string{"op1"}, dialplan: "Progress(); Stasis(other)",
	}}, nil)
	o.operator(t, "op1", lab.Called(half).Speaks().WaitBye())
	app, err := lab.StartApp(o.ctx, o.pbx.URL(), "other")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Stop)
	caller := o.caller(t, 0, lab.Calls().Speaks().WaitBye())
	if err := app.Connect(o.ctx, "PJSIP/op1"); err != nil {
		t.Fatal(err)
	}
	trunk := o.talking("PJSIP/trunk-")
	operator := o.talking("PJSIP/op1-")
	bridge := o.await("the bridge", func(f frame) bool { return f.is("ChannelEnteredBridge", "PJSIP/trunk-") }).at("bridge.id")
	for _, leg := range []string{"caller", "operator"} {
		id := map[string]string{"caller": trunk, "operator": operator}[leg]
		for _, what := range []string{"hold", "moh", "silence"} {
			o.ask(http.MethodPost, "/channels/"+id+"/"+what, nil)
			o.mark(leg + "-" + what)
			o.bridges(leg + "-" + what)
			o.ask(http.MethodDelete, "/channels/"+id+"/"+what, nil)
			o.mark(leg + "-end-" + what)
		}
	}
	for _, direction := range []string{"in", "out", "both"} {
		q := url.Values{"direction": {direction}}
		o.ask(http.MethodPost, "/channels/"+trunk+"/mute", q)
		o.mark("caller-mute-" + direction)
		o.ask(http.MethodGet, "/channels", nil)
		o.ask(http.MethodDelete, "/channels/"+trunk+"/mute", q)
		o.mark("caller-end-mute-" + direction)
	}
	o.ask(http.MethodPost, "/bridges/"+bridge+"/moh", nil)
	o.mark("bridge-moh")
	o.bridges("bridge-moh")
	o.ask(http.MethodDelete, "/bridges/"+bridge+"/moh", nil)
	o.mark("bridge-end-moh")
	o.bridges("bridge-end-moh")
	o.ask(http.MethodPost, "/bridges/"+bridge+"/play", url.Values{"media": {"sound:tt-monkeysintro"}})
	o.await("the bridge's playback to end", func(f frame) bool { return f.at("type") == "PlaybackFinished" })
	o.ask(http.MethodPost, "/channels/"+trunk+"/play", url.Values{"media": {"sound:vm-goodbye"}})
	o.await("the channel's playback to end", func(f frame) bool {
		return f.at("type") == "PlaybackFinished" && strings.HasPrefix(f.at("playback.target_uri"), "channel:")
	})
	if err := app.HangUp(o.ctx); err != nil {
		t.Error(err)
	}
	o.ask(http.MethodDelete, "/channels/"+trunk, nil)
	o.wait(caller)
}

// bridges records what ARI lists of bridges and channels now.
func (o *observation) bridges(string) {
	o.Helper()
	o.ask(http.MethodGet, "/bridges", nil)
	o.ask(http.MethodGet, "/channels", nil)
}

// How an endpoint's options change what a hold shows. PJSIP/op1 holds by re-INVITE.
func TestLiveHoldUnderEndpointOptions(t *testing.T) {
	for _, c := range []struct{ name, options string }{
		{"hold-plain", ""},
		{"hold-suppress-moh-on-sendonly", "suppress_moh_on_sendonly = yes"},
		{"hold-moh-passthrough", "moh_passthrough = yes"},
		{"hold-moh-passthrough-both", "moh_passthrough = yes\n[trunk](+)\nmoh_passthrough = yes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := observe(t, c.name, holdingService, map[string]string{
				"pjsip.d/options.conf": "[op1](+)\n" + c.options + "\n",
			})
			script := lab.Called(half).Speaks()
			for _, direction := range []string{"sendonly", "sendrecv", "inactive", "sendrecv", "recvonly", "sendrecv"} {
				script = script.Pause(second).Redirects(direction)
			}
			op := o.operator(t, "op1", script.Pause(second).Bye())
			o.caller(t, 0, lab.Calls().Speaks().WaitBye())
			o.holdsSampled("PJSIP/op1-", "PJSIP/trunk-", op)
		})
	}
}

var holdingService = []service{{
	name: "holding", agents: []string{"op1"}, queues: queue("h", "", "PJSIP/op1"),
	dialplan: "Progress(); Queue(h)",
}}

// holdsSampled reads CHANNEL(rtp,hold) and what else may tell of a hold, of both legs, till the operator ends.
func (o *observation) holdsSampled(operator, caller string, op *lab.Party) {
	o.Helper()
	a, b := o.talking(operator), o.talking(caller)
	stop := o.samples(half/2, "/channels",
		"/channels/"+a+"/variable?variable="+url.QueryEscape("CHANNEL(rtp,hold)"),
		"/channels/"+b+"/variable?variable="+url.QueryEscape("CHANNEL(rtp,hold)"),
		"/channels/"+a+"/rtp_statistics", "/channels/"+b+"/rtp_statistics")
	o.wait(op)
	stop()
	o.gone(b)
}

// A re-INVITE without an offer, answered with sendonly in the ACK, holds: what ARI shows of it.
func TestLiveOfferlessReinviteHolds(t *testing.T) {
	for _, c := range []struct {
		name   string
		script func(*lab.Script) *lab.Script
	}{
		{"offerless-sendonly", func(s *lab.Script) *lab.Script {
			return s.Pause(second).OffersNothing("sendonly").Pause(2 * second).OffersNothing("sendrecv").Pause(2 * second)
		}},
		{"offerless-sendonly-twice", func(s *lab.Script) *lab.Script {
			return s.Pause(second).OffersNothing("sendonly").Pause(2 * second).OffersNothing("sendonly").Pause(2 * second).
				Redirects("sendrecv").Pause(second)
		}},
		{"offerless-within-hold", func(s *lab.Script) *lab.Script {
			return s.Pause(second).Hold().Pause(2 * second).OffersNothing("sendonly").Pause(2 * second).Unhold().Pause(second)
		}},
		{"offerless-sendrecv", func(s *lab.Script) *lab.Script {
			return s.Pause(second).OffersNothing("sendrecv").Pause(2 * second)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := observe(t, c.name, holdingService, nil)
			op := o.operator(t, "op1", c.script(lab.Called(half).Speaks()).Bye())
			o.caller(t, 0, lab.Calls().Speaks().WaitBye())
			o.holdsSampled("PJSIP/op1-", "PJSIP/trunk-", op)
		})
	}
}
