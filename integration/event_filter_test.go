//go:build live

package integration

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/risposta/gateway/integration/judge"
	"github.com/risposta/gateway/integration/lab"
)

func TestObserveEventFilter(t *testing.T) {
	t.Parallel()
	r := newHarness(t, holdingService, nil)
	plain := r.listens(t, "plain", true)
	l := r.listens(t, "filtered", true)
	r.filter(t, "filtered", meteredTypes...)
	if r.heartbeat(t, "filtered", "unnamed", l) {
		t.Error("a user event comes through a filter that does not name it")
	}
	r.filter(t, "filtered", append([]string{"ChannelUserevent"}, meteredTypes...)...)
	if !r.heartbeat(t, "filtered", "named", l) {
		t.Error("no user event with the filter that names it")
	}
	r.wantSameEvents(t, plain, l, "filtered")
	rival := r.listens(t, "filtered", true)
	if !r.filtered(t, "filtered") {
		t.Error("the filter has gone with a second connection under the same name")
	}
	if !r.heartbeat(t, "filtered", "second", rival) {
		t.Error("the second connection receives nothing")
	}
	if types, _ := l.counts(); replaced(l) || types["ChannelUserevent second"] != 0 {
		t.Errorf("ApplicationReplaced comes without being named, or the first connection still "+
			"receives events: %v", types)
	}
	r.filter(t, "filtered", "ChannelUserevent", "ApplicationReplaced")
	third := r.listens(t, "filtered", true)
	if !replaced(rival) {
		t.Error("a filter that names ApplicationReplaced does not let it through")
	}
	third.stop()
	r.gone(t, "filtered")
	r.listens(t, "filtered", true)
	if r.filtered(t, "filtered") {
		t.Error("the filter outlives its application")
	}
}

// Subscriptions to all channels and all bridges give the same channel and bridge events as
// subscribeAll.
func TestObserveChannelAndBridgeSubscriptions(t *testing.T) {
	t.Parallel()
	r := newHarness(t, holdingService, nil)
	plain := r.listens(t, "plain", true)
	l := r.listens(t, "topics", false)
	status, text := r.restful(t, http.MethodPost,
		"/applications/topics/subscription?eventSource=channel:,bridge:", nil)
	if status != http.StatusOK {
		t.Fatalf("subscribing: %d %s", status, text)
	}
	r.wantSameEvents(t, plain, l, "topics")
	r.filter(t, "topics", append([]string{"ChannelUserevent"}, meteredTypes...)...)
	if !r.filtered(t, "topics") {
		t.Error("no filter beside the subscriptions")
	}
}

// wantSameEvents makes a call with a hold, and checks that an application gets as many metered events
// as the one called plain, which is subscribed to all.
func (r *harness) wantSameEvents(t *testing.T, plain, l *listener, app string) {
	t.Helper()
	r.operator(t, "op1",
		lab.Called(half).Speaks().Pause(second).Hold().Pause(second).Unhold().WaitBye())
	r.finish(t, r.caller(t, 0, lab.Calls().Speaks().Pause(4*second).Bye()))
	if !r.heartbeat(t, "plain", "over", plain) || !r.heartbeat(t, app, "over", l) {
		t.Fatal("no user event at the end")
	}
	all, n := plain.counts()
	some, m := l.counts()
	t.Logf("subscribeAll: %d frames, %d bytes: %v", n, plain.bytes, all)
	t.Logf("%s: %d frames, %d bytes: %v", app, m, l.bytes, some)
	for _, name := range meteredTypes {
		if all[name] != some[name] {
			t.Errorf("%s: %d frames with subscribeAll, %d as %s", name, all[name], some[name], app)
		}
	}
}

// shortCall makes a call without a hold, and waits until an application has its events.
func (r *harness) shortCall(t *testing.T, app string, l *listener, marker string) {
	t.Helper()
	r.operator(t, "op1", lab.Called(half).Speaks().WaitBye())
	r.finish(t, r.caller(t, 0, lab.Calls().Speaks().Pause(second).Bye()))
	if !r.heartbeat(t, app, marker, l) {
		t.Errorf("the user event %s does not come", marker)
	}
}

// An application of an outbound persistent WebSocket, its filter, and its connection lost.
func TestObserveEventFilterOfAnOutboundWebSocket(t *testing.T) {
	t.Parallel()
	port, err := lab.FreePort("tcp")
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan *websocket.Conn, 4)
	serve := func(w http.ResponseWriter, req *http.Request) {
		conn, err := websocket.Accept(w, req, &websocket.AcceptOptions{Subprotocols: []string{"ari"}})
		if err != nil {
			return
		}
		conns <- conn
		<-req.Context().Done()
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(serve))
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	files := map[string]string{}
	for _, name := range []string{"websocket_client.conf", "ari.conf"} {
		text, err := os.ReadFile("../deploy/asterisk/outbound/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = strings.Replace(string(text), "127.0.0.1:8787",
			fmt.Sprintf("127.0.0.1:%d", port), 1)
	}
	r := newHarness(t, holdingService, files)
	first := listen(<-conns)
	r.filter(t, "risposta", append([]string{"ChannelUserevent"}, meteredTypes...)...)
	if !r.heartbeat(t, "risposta", "filtered", first) {
		t.Fatal("no user event")
	}
	before, _ := first.counts()
	r.shortCall(t, "risposta", first, "over")
	types, n := first.counts()
	t.Logf("with the filter: %d frames: %v", n, types)
	if n := types["ChannelVarset"] - before["ChannelVarset"]; n != 0 {
		t.Errorf("%d ChannelVarset, which the filter does not name", n)
	}
	first.stop()
	again := listen(<-conns)
	t.Cleanup(again.stop)
	kept := r.filtered(t, "risposta")
	r.shortCall(t, "risposta", again, "again")
	types, n = again.counts()
	t.Logf("after the reconnect: the filter is kept: %v; %d frames: %v", kept, n, types)
	if !kept || types["ChannelVarset"] != 0 {
		t.Errorf("the filter is kept: %v, and there are %d ChannelVarset", kept, types["ChannelVarset"])
	}
}

// The gateway tells Asterisk which events to send, whoever opens the connection, and again when it
// connects anew. The call is metered as the CEL has it.
func TestLiveGatewaySetsTheEventFilter(t *testing.T) {
	t.Parallel()
	for name, newOne := range map[string]func(*testing.T) *harness{
		"the gateway connects": func(t *testing.T) *harness { return newHarness(t, holdingService, nil) },
		"Asterisk connects":    func(t *testing.T) *harness { return newListeningHarness(t, holdingService) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newOne(t)
			h.start(t)
			h.wantFilter(t)
			if _, err := h.gw.Terminate(h.ctx); err != nil {
				t.Fatal(err)
			}
			h.startAgain(t)
			h.wantFilter(t)
			h.operator(t, "op1",
				lab.Called(half).Speaks().Pause(second).Hold().Pause(second).Unhold().WaitBye())
			h.finish(t, h.caller(t, 0, lab.Calls().Speaks().Pause(4*second).Bye()))
			rec := h.record(t, holdingService[0].name)
			truth := judge.Sum(h.truth(t, 0)).Milliseconds()
			if rec.UnseenMs != 0 || rec.HeldMs == 0 || rec.TalkMs > truth+20 || rec.TalkMs < truth-20 {
				t.Errorf("talk %d ms, held %d ms, unseen %d ms; want the CEL's %d ms of talk, and a hold",
					rec.TalkMs, rec.HeldMs, rec.UnseenMs, truth)
			}
		})
	}
}

// wantFilter checks the filter of the gateway's application.
func (h *harness) wantFilter(t *testing.T) {
	t.Helper()
	status, text := h.restful(t, http.MethodGet, "/applications/risposta", nil)
	if status != http.StatusOK {
		t.Fatalf("the gateway's application: %d %s", status, text)
	}
	_, allowed, _ := strings.Cut(text, `"events_allowed":[`)
	allowed, _, _ = strings.Cut(allowed, "]")
	for _, name := range append([]string{
		"ChannelUserevent", "ApplicationReplaced", "ChannelVarset", "ChannelCallerId",
	}, meteredTypes...) {
		if !strings.Contains(allowed, fmt.Sprintf(`"type":%q`, name)) {
			t.Errorf("the filter does not name %s: %s", name, allowed)
		}
	}
	if strings.Contains(allowed, "DeviceStateChanged") {
		t.Errorf("the filter names a type that no call needs: %s", allowed)
	}
}
