//go:build live

package integration

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// Another application of ARI holds, mutes and plays music: which events come, and whom the bridge
// lists.
func TestObserveOtherApplicationHoldsAndMutes(t *testing.T) {
	t.Parallel()
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
	bridge := o.await("the bridge", func(f frame) bool {
		return f.is("ChannelEnteredBridge", "PJSIP/trunk-")
	}).at("bridge.id")
	for _, leg := range []string{"caller", "operator"} {
		id := map[string]string{"caller": trunk, "operator": operator}[leg]
		for _, what := range []string{"hold", "moh", "silence"} {
			if a := o.ask(http.MethodPost, "/channels/"+id+"/"+what, nil); a.Status != http.StatusNoContent {
				t.Errorf("%s: %d %v", what, a.Status, a.Body)
			}
			o.mark(leg + "-" + what)
			o.bridges()
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
	o.silent("caller-hold", "operator-end-silence")
	// The bridge looks at its members anew at each mute and its end; what has changed nothing tells.
	again := o.count(func(f frame) bool {
		return f.is("ChannelVarset", "PJSIP/trunk-") && f.at("variable") == "BRIDGEPEER"
	})
	if want := 1 + 6; again != want {
		t.Errorf("%d ChannelVarset of BRIDGEPEER, want %d: one of the bridging, six of the mutes", again, want)
	}
	o.ask(http.MethodPost, "/bridges/"+bridge+"/moh", nil)
	o.await("the music among the bridge's members", func(f frame) bool {
		return f.is("ChannelVarset", "PJSIP/trunk-") && f.at("variable") == "BRIDGEPEER" &&
			strings.HasPrefix(f.at("value"), "Announcer/ARI_MOH-")
	})
	o.mark("bridge-moh")
	o.bridges()
	o.ask(http.MethodDelete, "/bridges/"+bridge+"/moh", nil)
	o.mark("bridge-end-moh")
	o.bridges()
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

// How an endpoint's options change what a hold shows. PJSIP/op1 holds by re-INVITE:
// CHANNEL(rtp,hold) shows it whatever the options, ARI and the CEL do not.
func TestObserveHoldUnderEndpointOptions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, options string
		holds         int
	}{
		{"hold-plain", "", 2},
		{"hold-suppress-moh-on-sendonly", "suppress_moh_on_sendonly = yes", 0},
		{"hold-moh-passthrough", "moh_passthrough = yes", 2},
		{"hold-moh-passthrough-both", "moh_passthrough = yes\n[trunk](+)\nmoh_passthrough = yes", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := observe(t, c.name, holdingService, map[string]string{
				"pjsip.d/options.conf": "[op1](+)\n" + c.options + "\n",
			})
			script := lab.Called(half).Speaks()
			for _, to := range []string{"sendonly", "sendrecv", "inactive", "sendrecv", "recvonly", "sendrecv"} {
				script = script.Pause(second).Redirects(to)
			}
			op := o.operator(t, "op1", script.Pause(second).Bye())
			o.caller(t, 0, lab.Calls().Speaks().WaitBye())
			o.holds(op, c.holds, c.holds, "0", "1", "0", "1", "0")
		})
	}
}

var holdingService = []service{{
	name: "holding", agents: []string{"op1"}, queues: queue("h", "", "PJSIP/op1"),
	dialplan: "Progress(); Queue(h)",
}}

// holds samples both legs till the operator ends, and checks how many holds and ends of holds ARI
// sent, and what CHANNEL(rtp,hold) of the operator's leg was.
func (o *observation) holds(op *lab.Party, holds, unholds int, want ...string) {
	o.Helper()
	const variable = "CHANNEL(rtp,hold)"
	operator, caller := o.talking("PJSIP/op1-"), o.talking("PJSIP/trunk-")
	path := func(id string) string {
		return "/channels/" + id + "/variable?variable=" + url.QueryEscape(variable)
	}
	stop := o.samples(half/2, "/channels", path(operator), path(caller),
		"/channels/"+operator+"/rtp_statistics", "/channels/"+caller+"/rtp_statistics")
	o.wait(op)
	stop()
	o.gone(caller)
	for kind, n := range map[string]int{"ChannelHold": holds, "ChannelUnhold": unholds} {
		if got := o.count(func(f frame) bool { return f.is(kind, "PJSIP/op1-") }); got != n {
			o.Errorf("%d %s, want %d", got, kind, n)
		}
	}
	if got := o.values(operator, variable); !slices.Equal(got, want) {
		o.Errorf("%s was %v, want %v", variable, got, want)
	}
}

// A re-INVITE without an offer, answered in the ACK: ARI says Unhold first, and of a leg that is
// held already it says no more than that, while the phone remains on hold.
func TestObserveOfferlessReinviteHolds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		script         func(*lab.Script) *lab.Script
		holds, unholds int
		values         []string
	}{
		{"offerless-sendonly", func(s *lab.Script) *lab.Script {
			return s.OffersNothing("sendonly").Pause(2 * second).OffersNothing("sendrecv")
		}, 1, 3, []string{"0", "1", "0"}},
		{"offerless-sendonly-twice", func(s *lab.Script) *lab.Script {
			return s.OffersNothing("sendonly").Pause(2 * second).OffersNothing("sendonly").Pause(2 * second).Unhold()
		}, 1, 3, []string{"0", "1", "0"}},
		{"offerless-within-hold", func(s *lab.Script) *lab.Script {
			return s.Hold().Pause(2 * second).OffersNothing("sendonly").Pause(2 * second).Unhold()
		}, 1, 2, []string{"0", "1", "0"}},
		{"offerless-sendrecv", func(s *lab.Script) *lab.Script {
			return s.OffersNothing("sendrecv").Pause(second)
		}, 0, 1, []string{"0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := observe(t, c.name, holdingService, nil)
			script := c.script(lab.Called(half).Speaks().Pause(second)).Pause(second)
			op := o.operator(t, "op1", script.Bye())
			o.caller(t, 0, lab.Calls().Speaks().WaitBye())
			o.holds(op, c.holds, c.unholds, c.values...)
		})
	}
}
