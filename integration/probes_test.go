//go:build live

package integration

import (
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// often asks about the legs of a talk as often as the configuration allows.
var often = strings.Replace(gatewayConfig, "username: risposta}", "username: risposta, probe_every: 2s}", 1)

// when is the instant of a recorded event, by Asterisk.
func (o *observation) when(what string, match func(frame) bool) time.Time {
	o.Helper()
	at, err := time.Parse("2006-01-02T15:04:05.000-0700", o.await(what, match).at("timestamp"))
	if err != nil {
		o.Fatal(err)
	}
	return at
}

// marked is the instant of a marker.
func (o *observation) marked(name string) time.Time {
	o.Helper()
	return o.when(name, func(f frame) bool { return f.at("eventname") == name })
}

// entered is when a channel has entered its nth bridge.
func (o *observation) entered(channel string, n int) time.Time {
	o.Helper()
	return o.nth("ChannelEnteredBridge", channel, n)
}

func (o *observation) nth(kind, channel string, n int) time.Time {
	o.Helper()
	seen := map[string]bool{}
	return o.when(kind+" of "+channel, func(f frame) bool {
		if f.is(kind, channel) {
			seen[f.at("timestamp")+f.at("channel.id")] = true
		}
		return len(seen) == n
	})
}

// wantTalk checks that a record charges no talk beyond the truth, and lacks at most so much of it.
func wantTalk(t *testing.T, rec lab.Record, truth, lacks time.Duration) {
	t.Helper()
	talk := time.Duration(rec.TalkMs) * time.Millisecond
	t.Logf("\n    %-34s %6.3f s talk, %6.3f s at most", path.Base(t.Name()), talk.Seconds(), truth.Seconds())
	if talk > truth+tolerance || talk < truth-lacks {
		t.Errorf("talk %s, the truth is %s; want no more, and at most %s less: %+v", talk, truth, lacks, rec)
	}
}

// A phone that holds answers a re-INVITE without an offer with sendonly: Asterisk reports an Unhold,
// and the phone holds on.
func TestLongOfferlessReinvite(t *testing.T) {
	o := observe(t, "live-offerless", holdingService, nil)
	o.start(t)
	o.operator(t, "op1", lab.Called(half).Speaks().Pause(2*second).
		Hold().Pause(2*second).OffersNothing("sendonly").Pause(2*second).Unhold().Pause(2*second).Bye())
	o.caller(t, 0, lab.Calls().Speaks().WaitBye())
	rec := o.record(t, "holding")
	held := o.nth("ChannelUnhold", "PJSIP/op1-", 2).Sub(o.nth("ChannelHold", "PJSIP/op1-", 1))
	all := o.nth("ChannelHangupRequest", "PJSIP/op1-", 1).Sub(o.entered("PJSIP/trunk-", 1))
	wantTalk(t, rec, all-held, 100*time.Millisecond)
}

// A phone dies in mid-talk. No event says so: the packets that Asterisk counts do.
func TestLongDeadPhone(t *testing.T) {
	for _, c := range []struct{ name, options, dies string }{
		{"live-dead-operator", "", "PJSIP/op1-"},
		{"live-dead-caller", "", "PJSIP/trunk-"},
		{"live-dead-operator-rtp-timeout", "[op1](+)\nrtp_timeout = 5\n", "PJSIP/op1-"},
		{"live-dead-caller-rtp-timeout", "[trunk](+)\nrtp_timeout = 5\n", "PJSIP/trunk-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config := often
			if c.options != "" {
				config = gatewayConfig // the timeout comes before the first count
			}
			o := observeWith(t, c.name, config, holdingService, map[string]string{
				"pjsip.d/options.conf": "[op1](+)\nrtp_timeout = 0\n[trunk](+)\nrtp_timeout = 0\n" + c.options,
			})
			o.start(t)
			phones := map[string]*lab.Softphone{"PJSIP/op1-": o.softphone("op1", "")}
			phones["PJSIP/trunk-"] = o.softphone(callerOf(0), "2001")
			trunk, operator := o.talking("PJSIP/trunk-"), o.talking("PJSIP/op1-")
			dies := map[string]string{"PJSIP/trunk-": trunk, "PJSIP/op1-": operator}[c.dies]
			began := o.entered("PJSIP/trunk-", 1)
			o.until("5 s of talk", func() bool { return time.Since(began) > 5*second })
			last := o.received(dies)
			o.until("audio from the phone that will die", func() bool { return o.received(dies) != last })
			o.mark("kill")
			phones[c.dies].Kill()
			if c.options == "" {
				o.logged(t, "talk.unproven", 1)
				o.ask(http.MethodDelete, "/channels/"+trunk, nil)
			}
			rec := o.record(t, "holding")
			truth := o.marked("kill").Sub(began)
			wantTalk(t, rec, truth, 5*second) // two intervals, or the timeout and a second
			if rec.UnseenMs == 0 {
				t.Errorf("nothing of the call is unseen: %+v", rec)
			}
		})
	}
}

// With direct media the packets pass Asterisk by: none is counted, and the talk stays talk.
func TestLongDirectMedia(t *testing.T) {
	o := observeWith(t, "live-direct-media", often, holdingService, map[string]string{
		"pjsip.d/options.conf": "[op1](+)\ndirect_media = yes\n[trunk](+)\ndirect_media = yes\n",
	})
	o.start(t)
	o.softphone("op1", "")
	o.softphone(callerOf(0), "2001")
	trunk := o.talking("PJSIP/trunk-")
	o.talking("PJSIP/op1-")
	began := o.entered("PJSIP/trunk-", 1)
	stop := o.samples(second, "/channels/"+trunk+"/rtp_statistics",
		"/channels/"+trunk+"/variable?variable=CHANNEL(rtp%2Cdirect)")
	defer stop()
	last := ""
	o.until("a count that stands still", func() bool {
		now := o.received(trunk)
		still := now == last
		last = now
		return still
	})
	o.until("9 s of talk", func() bool { return time.Since(began) > 9*second })
	o.ask(http.MethodDelete, "/channels/"+trunk, nil)
	rec := o.record(t, "holding")
	wantTalk(t, rec, o.nth("ChannelHangupRequest", "PJSIP/trunk-", 1).Sub(began), tolerance)
}

// Two members of a conference hear music until a leader comes: they do not talk.
func TestLongConferenceWaitsForLeader(t *testing.T) {
	o := observeConference(t, "live-conference-waits", "waiting")
	o.start(t)
	caller := o.caller(t, 0, lab.Calls().Speaks().Pause(12*second).Bye())
	o.console("confbridge list room", "PJSIP/trunk")
	o.wait(o.dials(t, "op1", "8801", lab.Calls().Speaks().Pause(3*second).Bye()))
	o.wait(o.dials(t, "op1", "8802", lab.Calls().Speaks().Pause(2*second).Bye()))
	o.wait(caller)
	rec := o.record(t, "conference")
	truth := o.nth("ChannelLeftBridge", "PJSIP/op1-", 2).Sub(o.entered("PJSIP/op1-", 2))
	wantTalk(t, rec, truth, 200*time.Millisecond)
}

// A key of features.conf plays a file to the caller, who stays in the bridge and hears nobody.
func TestLongFeatureApplication(t *testing.T) {
	for _, c := range []struct{ name, keys, runsOn, ends string }{
		{"live-feature-playback", "82", "PJSIP/trunk-", "PLAYBACKSTATUS"},
		{"live-feature-gosub", "83", "PJSIP/trunk-", "GOSUB_RETVAL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := observe(t, c.name, []service{{
				name: "feature", agents: []string{"op1"}, queues: queue("f", "", "PJSIP/op1"),
				dialplan: "Progress(); Set(__DYNAMIC_FEATURES=" + allFeatures + "); Queue(f)",
			}}, featureFiles)
			o.start(t)
			o.operator(t, "op1", lab.Called(half).Speaks().Pause(second).Keys(c.keys).WaitBye())
			o.wait(o.caller(t, 0, lab.Calls().Speaks().Pause(12*second).Bye()))
			rec := o.record(t, "feature")
			runs := o.when("the end", func(f frame) bool {
				return f.is("ChannelVarset", c.runsOn) && f.at("variable") == c.ends
			}).Sub(o.when("the start", func(f frame) bool {
				return f.is("ChannelVarset", c.runsOn) && f.at("variable") == "DYNAMIC_WHO_ACTIVATED"
			}))
			if runs < second {
				t.Fatalf("the application ran for %s only", runs)
			}
			all := o.nth("ChannelHangupRequest", "PJSIP/trunk-", 1).Sub(o.entered("PJSIP/trunk-", 1))
			wantTalk(t, rec, all-runs, 2500*time.Millisecond) // the end shows at the second question after it
		})
	}
}

// Another application plays music to the bridge.
func TestLongBridgeMusic(t *testing.T) {
	o := observe(t, "live-bridge-music", []service{{
		name: "stasis", agents: []string{"op1"}, dialplan: "Progress(); Stasis(other)",
	}}, nil)
	o.start(t)
	o.operator(t, "op1", lab.Called(half).Speaks().WaitBye())
	app, err := lab.StartApp(o.ctx, o.pbx.URL(), "other")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Stop)
	o.caller(t, 0, lab.Calls().Speaks().WaitBye())
	if err := app.Connect(o.ctx, "PJSIP/op1"); err != nil {
		t.Fatal(err)
	}
	trunk := o.talking("PJSIP/trunk-")
	bridge := o.await("the bridge", func(f frame) bool {
		return f.is("ChannelEnteredBridge", "PJSIP/trunk-")
	}).at("bridge.id")
	o.logged(t, "talk.started", 1)
	o.mark("music")
	o.ask(http.MethodPost, "/bridges/"+bridge+"/moh", nil)
	o.logged(t, "talk.paused", 1)
	o.until("2 s of music", func() bool { return time.Since(o.marked("music")) > 2*second })
	o.mark("music-ends")
	o.ask(http.MethodDelete, "/bridges/"+bridge+"/moh", nil)
	o.logged(t, "talk.started", 2)
	o.ask(http.MethodDelete, "/channels/"+trunk, nil)
	rec := o.record(t, "stasis")
	music := o.marked("music-ends").Sub(o.marked("music"))
	if held := time.Duration(rec.HeldMs) * time.Millisecond; (held - music).Abs() > 100*time.Millisecond {
		t.Errorf("held %s, the music played for %s", held, music)
	}
}

// The PBX is told to keep the end of a call from the gateway. Its own lists show it, 30 s later at
// most, and the call ends where it was last seen.
func TestLongMissedEventIsFoundInTheLists(t *testing.T) {
	o := observe(t, "live-missed-event", holdingService, nil)
	o.start(t)
	o.operator(t, "op1", lab.Called(half).Speaks().WaitBye())
	o.caller(t, 0, lab.Calls().Speaks().WaitBye())
	trunk := o.talking("PJSIP/trunk-")
	o.logged(t, "talk.started", 1)
	o.filter(t, "risposta", "ChannelUserevent", "ApplicationReplaced")
	began := o.entered("PJSIP/trunk-", 1)
	o.until("3 s of talk", func() bool { return time.Since(began) > 3*second })
	o.ask(http.MethodDelete, "/channels/"+trunk, nil)
	o.gone(trunk)
	err := lab.Until(o.ctx, 45*second, "the gap", func() error {
		if !strings.Contains(o.gw.Log(), `"reason":"event_missed"`) {
			return errNotYet
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rec := o.record(t, "holding")
	truth := o.nth("ChannelHangupRequest", "PJSIP/trunk-", 1).Sub(began)
	wantTalk(t, rec, truth, truth+tolerance)
}
