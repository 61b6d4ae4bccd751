//go:build live

package integration

import (
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// Keys of features.conf that run an application on a bridged channel.
var featureFiles = map[string]string{
	"features.conf": "[general]\nfeaturedigittimeout = 1500\n[applicationmap]\n" +
		"playself => 81,self,Playback,tt-monkeysintro\n" +
		"playpeer => 82,peer,Playback,tt-monkeysintro\n" +
		"menupeer => 83,peer,Gosub,\"feature-menu,s,1\"\n" +
		"musicself => 84,self,Playback,tt-monkeysintro,default\n" +
		"menuself => 85,self,Gosub,\"feature-menu,s,1\"\n" +
		"recordself => 86,self,MixMonitor,/tmp/feature.wav\n",
	"extensions.d/feature.conf": "[feature-menu]\nexten => s,1,Background(tt-monkeysintro)\n" +
		" same => n,WaitExten(1)\n same => n,Return()\nexten => t,1,Return()\n",
	"cel.conf": "[general]\nenable = yes\napps = dial,queue,playback,background,waitexten,mixmonitor\n" +
		"events = ALL\ndateformat = %F %T.%3q\n",
}

const allFeatures = "playself#playpeer#menupeer#musicself#menuself#recordself"

// A feature key runs an application on a channel that stays in its bridge. ARI sends a
// ChannelVarset of DYNAMIC_FEATURENAME and DYNAMIC_WHO_ACTIVATED on that channel at the start, and
// a ChannelDialplan only if a Gosub moves the channel in the dialplan. GET /channels/ID shows the
// application while it runs.
func TestObserveFeatureKeyRunsAnApplication(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, keys, runsOn, app string
		dialplanEvents          bool
	}{
		{"feature-playback-self", "81", "PJSIP/op1-", "Playback", false},
		{"feature-playback-peer", "82", "PJSIP/trunk-", "Playback", false},
		{"feature-menu-peer", "83", "PJSIP/trunk-", "BackGround", true},
		{"feature-playback-self-music", "84", "PJSIP/op1-", "Playback", false},
		{"feature-menu-self", "85", "PJSIP/op1-", "BackGround", true},
		{"feature-record-self", "86", "PJSIP/op1-", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := observe(t, c.name, []service{{
				name: "feature", agents: []string{"op1"}, queues: queue("f", "", "PJSIP/op1"),
				dialplan: "Progress(); Set(__DYNAMIC_FEATURES=" + allFeatures + "); Queue(f)",
			}}, featureFiles)
			op := o.operator(t, "op1", lab.Called(half).Speaks().Pause(second).Keys(c.keys).WaitBye())
			stop := o.samples(half/5, "/channels", "/bridges")
			defer stop()
			o.caller(t, 0, lab.Calls().Speaks().Pause(10*second).Bye())
			started := o.await("the feature to start", func(f frame) bool {
				return f.is("ChannelVarset", c.runsOn) && f.at("variable") == "DYNAMIC_WHO_ACTIVATED"
			})
			id := started.at("channel.id")
			before := started.at("channel.dialplan.app_name")
			if c.app != "" {
				o.until("GET /channels/ID to show "+c.app, func() bool { return o.app(id) == c.app })
				if !o.inBridge(id) {
					t.Errorf("no bridge lists %s while it runs %s", c.runsOn, c.app)
				}
			}
			if c.dialplanEvents {
				// ARI shows Return from here to the channel's next change: only this event tells of the end.
				o.await("the Gosub to return", func(f frame) bool {
					return f.is("ChannelVarset", c.runsOn) && f.at("variable") == "GOSUB_RETVAL"
				})
				o.variable(id, "STACK_PEEK(1,l,1)")
				if app := o.app(id); app != "Return" {
					t.Errorf("GET /channels/ID shows %s after the Gosub's end, want Return", app)
				}
			} else {
				o.until("GET /channels/ID to show "+before+" again", func() bool { return o.app(id) == before })
			}
			o.wait(op)
			n := o.count(func(f frame) bool {
				return f.is("ChannelDialplan", c.runsOn) && f.at("channel.dialplan.context") == "feature-menu"
			})
			if (n > 0) != c.dialplanEvents {
				t.Errorf("%d ChannelDialplan events of the feature", n)
			}
		})
	}
}
