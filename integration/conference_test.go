//go:build live

package integration

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

var conferenceFiles = map[string]string{
	"confbridge.conf": `[general]
[default_bridge]
type = bridge
[default_user]
type = user
[quiet](!)
type = user
quiet = yes
[muted](quiet)
startmuted = yes
[waiting](quiet)
wait_marked = yes
music_on_hold_when_empty = yes
[leader](quiet)
marked = yes
[plain](quiet)
music_on_hold_when_empty = yes
[default_menu]
type = menu
* = toggle_mute
`,
	"extensions.d/conf.conf": `[agents](+)
exten => 8801,1,ConfBridge(room,,plain,default_menu)
exten => 8802,1,ConfBridge(room,,leader,default_menu)
exten => 8803,1,ConfBridge(room,,muted,default_menu)
`,
}

func observeConference(t *testing.T, name, profile string) *observation {
	t.Helper()
	return observe(t, name, []service{{
		name: "conference", agents: []string{"op1"},
		dialplan: "Progress(); ConfBridge(room,," + profile + ",default_menu)",
	}}, conferenceFiles)
}

// ARI sends no event when a member of a conference is muted, by any road, or hears music alone.
func TestObserveConferenceMutesWithoutAnEvent(t *testing.T) {
	t.Parallel()
	o := observeConference(t, "conference-muted", "plain")
	caller := o.caller(t, 0, lab.Calls().Speaks().Pause(9*second).
		Keys("*").Pause(2*second).Keys("*").Pause(second).Bye())
	trunk := o.talking("PJSIP/trunk-")
	o.mark("alone")
	stop := o.samples(half, "/channels", "/bridges")
	defer stop()
	op := o.dials(t, "op1", "8803", lab.Calls().Speaks().Pause(12*second).Bye())
	member := o.talking("PJSIP/op1-")
	o.mark("joined-start-muted")
	o.console("confbridge list room", `PJSIP/op1-\S+ +\S*m`)
	o.console("confbridge unmute room PJSIP/op1", "(?i)unmut")
	o.mark("console-unmuted")
	o.console("confbridge mute room PJSIP/trunk", "(?i)mut")
	o.mark("console-muted-caller")
	o.console("confbridge unmute room PJSIP/trunk", "(?i)unmut")
	o.mark("console-unmuted-caller")
	for _, direction := range []string{"in", "out", "both"} {
		q := url.Values{"direction": {direction}}
		if a := o.ask(http.MethodPost, "/channels/"+member+"/mute", q); a.Status != http.StatusConflict {
			t.Errorf("muting a member by ARI: %d %v", a.Status, a.Body)
		}
		o.mark("ari-muted-" + direction)
	}
	o.silent("joined-start-muted", "ari-muted-both")
	o.wait(caller)
	o.gone(trunk)
	o.wait(op)
}

// A member who waits for a leader is in the conference's bridge, or in none: what ARI shows of it.
func TestObserveConferenceWaitsForALeader(t *testing.T) {
	t.Parallel()
	o := observeConference(t, "conference-wait-marked", "waiting")
	caller := o.caller(t, 0, lab.Calls().Speaks().Pause(12*second).Bye())
	o.console("confbridge list room", "PJSIP/trunk")
	stop := o.samples(half, "/channels", "/bridges")
	defer stop()
	o.mark("waits")
	o.conferenceInfo()
	op := o.dials(t, "op1", "8801", lab.Calls().Speaks().Pause(3*second).Bye())
	o.console("confbridge list room", "PJSIP/op1")
	o.mark("plain-member-came")
	if waits := o.conferenceInfo()["waiting"]; !strings.HasPrefix(waits, "PJSIP/trunk-") {
		t.Errorf("waiting beside a plain member: %q", waits)
	}
	o.wait(op)
	o.mark("plain-member-left")
	op = o.dials(t, "op1", "8802", lab.Calls().Speaks().Pause(2*second).Bye())
	o.console("confbridge list room", "PJSIP/op1")
	o.mark("leader-came")
	if got := o.conferenceInfo(); got["waiting"] != "" || !strings.Contains(got["active"], "PJSIP/trunk-") {
		t.Errorf("with a leader: %v", got)
	}
	o.wait(op)
	o.mark("leader-left")
	o.wait(caller)
}

// conferenceInfo asks which members are which, by their channels' names.
func (o *observation) conferenceInfo() map[string]string {
	o.Helper()
	list, _ := o.ask(http.MethodGet, "/channels", nil).Body.([]any)
	id := field(list[0], "id") // the functions need a channel, whichever
	members := map[string]string{}
	for _, kind := range []string{"parties", "waiting", "active", "marked"} {
		members[kind] = o.variable(id, "CONFBRIDGE_CHANNELS("+kind+",room)")
	}
	for _, what := range []string{"parties", "marked", "muted"} {
		o.variable(id, "CONFBRIDGE_INFO("+what+",room)")
	}
	return members
}
