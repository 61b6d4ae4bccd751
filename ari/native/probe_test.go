package native_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
)

// What the fake PBX answers is what docs/asterisk.md shows of Asterisk.
func answering(t *testing.T) *harness {
	t.Helper()
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	pbx.Exist(nil, nil, map[ari.ChannelID]ari.Hold{})
	h := start(t, pbx, configFor(pbx), 0, nil)
	for path, body := range map[string]string{
		"/channels/a/rtp_statistics":                        `{"rxcount":501,"txcount":700}`,
		"/channels/a/variable?variable=CHANNEL(rtp,direct)": `{"value":"(null)"}`,
		"/channels/d/rtp_statistics":                        `{"rxcount":7}`,
		"/channels/d/variable?variable=CHANNEL(rtp,direct)": `{"value":"192.0.2.7:4000"}`,
		"/channels/a/variable?variable=CHANNEL(rtp,hold)":   `{"value":"1"}`,
		"/channels/a": `{"id":"a","dialplan":{"app_name":"Playback"}}`,
		"/channels/a/variable?variable=CONFBRIDGE_CHANNELS(active,room 1)": `{"value":"PJSIP/op1-2,PJSIP/gone-9"}`,
		"/asterisk/config/dynamic/res_pjsip/endpoint/op1": `[{"attribute":"rtp_timeout","value":"30"},` +
			`{"attribute":"suppress_moh_on_sendonly","value":"true"}]`,
	} {
		h.pbx.Answer(path, body)
	}
	h.wantEvent(ari.SnapshotTaken, "")
	return h
}

func TestProbesAreAnsweredBehindTheEventsBeforeThem(t *testing.T) {
	h := answering(t)
	room := &ari.Conference{
		Bridge: "b", Room: "room 1", Members: map[string]ari.ChannelID{"PJSIP/op1-2": "a", "PJSIP/x-1": "x"},
	}
	unfit := &ari.Conference{Bridge: "c", Room: "1)&(2"}
	h.send("before")
	h.source.Probe([]ari.ProbeRequest{
		{Serial: 1, Channel: "a", Name: "PJSIP/op1-2", Hold: true, Media: true, App: true, Options: true},
		{Serial: 2, Channel: "a", Name: "PJSIP/op1-2", Media: true, Packets: 501},
		{Serial: 3, Channel: "d", Name: "PJSIP/op3-4", Media: true, Packets: 7},
		{Serial: 4, Channel: "gone", Name: "PJSIP/op2-3", Hold: true, Media: true, App: true, Options: true},
		{Serial: 5, Channel: "a", Conference: room},
		{Serial: 6, Channel: "a", Conference: unfit},
	})
	h.wantFrame("before")
	ev := h.wantEvent(ari.Probed, "").Event
	want := []ari.ProbeAnswer{
		{Serial: 1, Channel: "a", Asked: true, Hold: ari.HoldOn, Packets: 501, App: "Playback",
			Options: &ari.EndpointOptions{RTPTimeout: 30 * time.Second, HidesHolds: true}},
		{Serial: 2, Channel: "a", Packets: 501},
		{Serial: 3, Channel: "d", Packets: ari.NoPackets},
		{Serial: 4, Channel: "gone", Asked: true, Packets: ari.NoPackets},
		{Serial: 5, Channel: "a", Packets: ari.NoPackets, Conference: "b", Active: []ari.ChannelID{"a"}},
		{Serial: 6, Channel: "a", Packets: ari.NoPackets, Conference: "c"},
	}
	if diff := cmp.Diff(want, ev.Answers); diff != "" {
		t.Error(diff)
	}
	if ev.At.IsZero() || ev.Node != aritest.Node {
		t.Errorf("the answers are of %s at %q", ev.At, ev.Node)
	}
}

// A gap drops what was asked before it: the answers are about a PBX that is no longer known.
func TestAGapDropsProbes(t *testing.T) {
	h := answering(t)
	h.pbx.DropHeartbeats(true)
	h.source.Probe([]ari.ProbeRequest{{Serial: 1, Channel: "a", Media: true}})
	h.wantEvent(ari.Gap, ari.GapSilence)
	h.pbx.DropHeartbeats(false)
	h.wantEvent(ari.SnapshotTaken, "")
	h.send("after")
	h.wantFrame("after")
}

// Of more questions than one round takes, each is asked in one of the next rounds.
func TestManyProbesTakeTurns(t *testing.T) {
	h := answering(t)
	var requests []ari.ProbeRequest
	for i := range 450 {
		requests = append(requests, ari.ProbeRequest{Channel: ari.ChannelID(fmt.Sprint(i)), Name: "PJSIP/x"})
	}
	asked := map[ari.ChannelID]bool{}
	for range 3 {
		h.source.Probe(slices.Clone(requests))
		answers := h.wantEvent(ari.Probed, "").Event.Answers
		if len(answers) != 200 {
			t.Fatalf("%d answers in a round, want 200", len(answers))
		}
		for _, a := range answers {
			asked[a.Channel] = true
		}
	}
	if len(asked) != len(requests) {
		t.Errorf("%d of %d were asked in three rounds", len(asked), len(requests))
	}
}

// An endpoint is asked about once in a while, not for each call.
func TestOptionsAreRemembered(t *testing.T) {
	h := answering(t)
	request := []ari.ProbeRequest{{Channel: "a", Name: "PJSIP/op1-2", Options: true}}
	h.source.Probe(slices.Clone(request))
	first := h.wantEvent(ari.Probed, "").Event.Answers[0].Options
	h.pbx.Answer("/asterisk/config/dynamic/res_pjsip/endpoint/op1", strings.Repeat("[", 3))
	h.source.Probe(slices.Clone(request))
	if again := h.wantEvent(ari.Probed, "").Event.Answers[0].Options; first == nil || again == nil || *first != *again {
		t.Errorf("options %v, then %v", first, again)
	}
}
