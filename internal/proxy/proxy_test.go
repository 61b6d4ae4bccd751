package proxy_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
	"github.com/risposta/gateway/metering"
)

func TestCommandsArriveWhole(t *testing.T) {
	pbx := newFake()
	c, _, _ := start(t, pbx)
	ctx := t.Context()
	for _, err := range []error{
		c.SetVariable(ctx, caller, "TIMEOUT(absolute)", "3.0"),
		c.Play(ctx, caller, "risposta-1", "it", "sound:risposta/price&x?y=z"),
		c.Play(ctx, caller, "risposta-2", "", "sound:beep"),
		c.Continue(ctx, caller),
		c.HangUp(ctx, caller),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	want := []string{
		"set pbx1-1.1 TIMEOUT(absolute)=3.0",
		"play pbx1-1.1 risposta-1 it sound:risposta/price&x?y=z",
		"play pbx1-1.1 risposta-2  sound:beep",
		"continue pbx1-1.1", "hang up pbx1-1.1",
	}
	if diff := cmp.Diff(want, pbx.done()); diff != "" {
		t.Error(diff)
	}
	for _, err := range []error{
		c.Play(ctx, "gone", "risposta-1", "it", "sound:beep"), c.Continue(ctx, "gone"),
		c.HangUp(ctx, "gone"), c.SetVariable(ctx, "gone", "A", "b"),
	} {
		if !errors.Is(err, ari.ErrNotFound) {
			t.Errorf("a command to a channel that has ended: %v; want ErrNotFound", err)
		}
	}
}

func TestQuestionsArriveWhole(t *testing.T) {
	pbx := newFake()
	pbx.channels = append(pbx.channels,
		ari.Channel{ID: "pbx1-1.2", Name: "PJSIP/op1-00000002", State: "Up"},
		ari.Channel{ID: "pbx1-1.3", Name: "PJSIP/op2-00000003", State: "gone"}) // between list and data
	pbx.bridges = []ari.Bridge{
		{ID: "b1", Type: "mixing", Channels: []ari.ChannelID{caller, "pbx1-1.2"}},
		{ID: "b2", Type: "mixing", Conference: true, Room: "900"},
	}
	pbx.variables["pbx1-1.2 CHANNEL(rtp,hold)"] = "1"
	for name, value := range map[string]string{
		"count": "1", "0,verify_result": "success", "0,attestation": "A",
	} {
		pbx.variables[string(caller)+" STIR_SHAKEN("+name+")"] = value
	}
	c, _, _ := start(t, pbx)
	info, err := c.Info(t.Context())
	if want, _ := pbx.Info(t.Context()); err != nil || !info.Started.Equal(want.Started) ||
		info.Node != want.Node || info.SystemName != want.SystemName || info.Version != want.Version {
		t.Errorf("%+v, %v", info, err)
	}
	got, err := c.Snapshot(t.Context())
	want := &ari.Snapshot{Bridges: pbx.bridges, Legs: []ari.Leg{
		{Channel: pbx.channels[0], Hold: ari.HoldUnknown},
		{Channel: pbx.channels[1], Hold: ari.HoldOn},
	}}
	numbers := cmp.Comparer(func(a, b metering.Number) bool { return a.Clear() == b.Clear() })
	if diff := cmp.Diff(want, got, numbers); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if a := c.Attestation(t.Context(), caller); a != metering.AttestedFull {
		t.Errorf("the attestation is %q", a)
	}
	pbx.set(func() { pbx.channels, pbx.bridges = nil, nil })
	if got, err := c.Lists(t.Context()); err != nil || len(got.Legs)+len(got.Bridges) > 0 {
		t.Errorf("an idle PBX: %+v, %v", got, err)
	}
	pbx.set(func() { pbx.deaf = true })
	if _, err := c.Snapshot(t.Context()); err == nil || !strings.Contains(err.Error(), ari.GapDeaf) {
		t.Errorf("a PBX that keeps events back: %v", err)
	}
}

// ari-proxy would end the process.
func TestPBXWithAnotherID(t *testing.T) {
	pbx := newFake()
	c, r, n := start(t, pbx)
	const other = "02:00:00:00:00:77"
	after, _ := newControl(t, n.URL(), other)
	pbx.set(func() { pbx.node = other })
	changed := time.Now()
	await(t, "the PBX to be served under its new id", func() error {
		return after.SetVariable(t.Context(), caller, "A", "b")
	})
	took := time.Since(changed)
	t.Logf("commands arrive %s after the PBX has another id", took)
	if took > 3*time.Second {
		t.Errorf("it took %s; the PBX is asked each second", took)
	}
	if err := c.Continue(t.Context(), caller); err == nil {
		t.Error("the former id is served still")
	}
	if len(r.logs.FilterMessage("proxy.id_changed").All()) != 1 {
		t.Errorf("%v", r.logs.All())
	}
	if m := metricsOf(t, r); !strings.Contains(m, `risposta_proxy_restarts_total{reason="id_changed"} 1`) {
		t.Error(m)
	}
}

func metricsOf(t *testing.T, r *running) string {
	t.Helper()
	resp, err := http.Get("http://" + r.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it is read whole
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// send sends a request as anybody could who reaches NATS.
func send(t *testing.T, url, class string, request map[string]any) (answer string) {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	m, err := conn.Request("ari."+class+".risposta."+node, text, 5*time.Second)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var got struct{ Error string }
	if err := json.Unmarshal(m.Data, &got); err != nil {
		t.Fatal(err)
	}
	return got.Error
}

// A proxy that was stopped for a while finds old commands in its socket. One of them may hang up a
// caller who talks by now.
func TestLateCommandIsNotCarriedOut(t *testing.T) {
	pbx := newFake()
	c, r, n := start(t, pbx)
	hangUp := func(dialog string) map[string]any {
		return map[string]any{
			"kind": "ChannelHangup", "channel_hangup": map[string]string{"reason": "normal"},
			"key": map[string]string{"kind": "channel", "id": string(caller), "dialog": dialog},
		}
	}
	late := cluster.Terms{Before: time.Now().Add(-time.Millisecond)}.String()
	for dialog, want := range map[string]string{
		late: "after its deadline", "": "no deadline", "call-7": "no deadline", "before=x": "no deadline",
	} {
		if got := send(t, n.URL(), "command", hangUp(dialog)); !strings.Contains(got, want) {
			t.Errorf("%q: %q; want %q", dialog, got, want)
		}
	}
	if got := pbx.done(); len(got) > 0 {
		t.Errorf("carried out: %v", got)
	}
	if m := metricsOf(t, r); !strings.Contains(m,
		`risposta_proxy_requests_total{kind="hang_up",result="expired"} 4`) {
		t.Error(m)
	}
	if err := c.HangUp(t.Context(), caller); err != nil {
		t.Error(err)
	}
}

// A request that no gateway sends is not served, and does not end the process.
func TestRequestsOfStrangers(t *testing.T) {
	pbx := newFake()
	c, r, n := start(t, pbx)
	key := map[string]string{"kind": "channel", "id": string(caller)}
	refused := 0
	for class, kinds := range map[string][]string{
		"command": {"AsteriskModuleUnload", "AsteriskConfigDelete", "ChannelAnswer", "ChannelMute", "", "X"},
		"create":  {"ChannelOriginate", "BridgeCreate", "ChannelExternalMedia", "ChannelPlay"},
		"data":    {"EndpointData", "ChannelVariableGet", "AsteriskVariableGet"},
	} {
		for _, kind := range kinds { // those of a gateway lack their part
			refused++
			for _, key := range []map[string]string{key, nil} {
				if got := send(t, n.URL(), class, map[string]any{"kind": kind, "key": key}); got !=
					"Not implemented" {
					t.Errorf("%s: %q", kind, got)
				}
			}
		}
	}
	for _, kind := range []string{"ChannelContinue", "ChannelHangup", "ChannelVariableSet"} {
		refused++
		if got := send(t, n.URL(), "command", map[string]any{"kind": kind, "key": key}); got !=
			"Not implemented" {
			t.Errorf("%s without its part: %q", kind, got)
		}
	}
	// No key, and no JSON.
	if got := send(t, n.URL(), "data", map[string]any{"kind": "ChannelData"}); got == "" {
		t.Error("a channel without an id has data")
	}
	conn, err := nats.Connect(n.URL())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(conn.Publish("ari.command", []byte("}{")), conn.Flush()); err != nil {
		t.Error(err)
	}
	conn.Close()
	if err := c.Continue(t.Context(), caller); err != nil {
		t.Errorf("after %d refused requests: %v", refused, err)
	}
	if got := pbx.done(); len(got) != 1 {
		t.Errorf("carried out: %v", got)
	}
	if len(r.logs.FilterMessage("proxy.refused").All()) < refused {
		t.Error("not all refused requests were logged")
	}
}
