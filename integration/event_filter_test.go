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

	"github.com/risposta/gateway/integration/lab"
)

func TestObserveEventFilter(t *testing.T) {
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
	r.operator(t, "op1", lab.Called(half).Speaks().Pause(second).Hold().Pause(second).Unhold().WaitBye())
	caller := r.caller(t, 0, lab.Calls().Speaks().Pause(4*second).Bye())
	if err := caller.Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	if !r.heartbeat(t, "plain", "over", plain) || !r.heartbeat(t, "filtered", "over", l) {
		t.Fatal("no user event at the end")
	}
	all, n := plain.counts()
	some, m := l.counts()
	t.Logf("subscribeAll: %d frames, %d bytes: %v", n, plain.bytes, all)
	t.Logf("with the filter: %d frames, %d bytes: %v", m, l.bytes, some)
	for _, name := range meteredTypes {
		if all[name] != some[name] {
			t.Errorf("%s: %d frames without the filter, %d with it", name, all[name], some[name])
		}
	}
	rival := r.listens(t, "filtered", true)
	if !r.filtered(t, "filtered") {
		t.Error("the filter has gone with a second connection under the same name")
	}
	if !r.heartbeat(t, "filtered", "second", rival) {
		t.Error("the second connection hears nothing")
	}
	if types, _ := l.counts(); replaced(l) || types["ChannelUserevent second"] != 0 {
		t.Errorf("ApplicationReplaced comes without being named, or the first connection hears more: %v", types)
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
	r := newHarness(t, holdingService, nil)
	plain := r.listens(t, "plain", true)
	l := r.listens(t, "topics", false)
	status, text := r.restful(t, http.MethodPost, "/applications/topics/subscription?eventSource=channel:,bridge:", nil)
	if status != http.StatusOK {
		t.Fatalf("subscribing: %d %s", status, text)
	}
	r.operator(t, "op1", lab.Called(half).Speaks().Pause(second).Hold().Pause(second).Unhold().WaitBye())
	caller := r.caller(t, 0, lab.Calls().Speaks().Pause(4*second).Bye())
	if err := caller.Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	if !r.heartbeat(t, "plain", "over", plain) || !r.heartbeat(t, "topics", "over", l) {
		t.Fatal("no user event at the end")
	}
	all, n := plain.counts()
	some, m := l.counts()
	t.Logf("subscribeAll: %d frames, %d bytes: %v", n, plain.bytes, all)
	t.Logf("channel:,bridge: %d frames, %d bytes: %v", m, l.bytes, some)
	for _, name := range meteredTypes {
		if all[name] != some[name] {
			t.Errorf("%s: %d frames with subscribeAll, %d with channel:,bridge:", name, all[name], some[name])
		}
	}
	r.filter(t, "topics", append([]string{"ChannelUserevent"}, meteredTypes...)...)
	if !r.filtered(t, "topics") {
		t.Error("no filter beside the subscriptions")
	}
}

// An application of an outbound persistent WebSocket, its filter, and its connection lost.
func TestObserveEventFilterOfAnOutboundWebSocket(t *testing.T) {
	port, err := lab.FreePort("tcp")
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan *websocket.Conn, 4)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		conn, err := websocket.Accept(w, req, &websocket.AcceptOptions{Subprotocols: []string{"ari"}})
		if err != nil {
			return
		}
		conns <- conn
		<-req.Context().Done()
	}))
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
		files[name] = strings.Replace(string(text), "127.0.0.1:8787", fmt.Sprintf("127.0.0.1:%d", port), 1)
	}
	r := newHarness(t, holdingService, files)
	first := listen(<-conns)
	r.filter(t, "risposta", append([]string{"ChannelUserevent"}, meteredTypes...)...)
	if !r.heartbeat(t, "risposta", "filtered", first) {
		t.Fatal("no user event")
	}
	before, _ := first.counts()
	r.operator(t, "op1", lab.Called(half).Speaks().WaitBye())
	if err := r.caller(t, 0, lab.Calls().Speaks().Pause(second).Bye()).Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	if !r.heartbeat(t, "risposta", "over", first) {
		t.Error("no user event")
	}
	types, n := first.counts()
	t.Logf("with the filter: %d frames: %v", n, types)
	if n := types["ChannelVarset"] - before["ChannelVarset"]; n != 0 {
		t.Errorf("%d ChannelVarset, which the filter does not name", n)
	}
	first.stop()
	again := listen(<-conns)
	t.Cleanup(again.stop)
	kept := r.filtered(t, "risposta")
	r.operator(t, "op1", lab.Called(half).Speaks().WaitBye())
	if err := r.caller(t, 0, lab.Calls().Speaks().Pause(second).Bye()).Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	if !r.heartbeat(t, "risposta", "again", again) {
		t.Error("no user event after the reconnect")
	}
	types, n = again.counts()
	t.Logf("after the reconnect: the filter is kept: %v; %d frames: %v", kept, n, types)
	if !kept || types["ChannelVarset"] != 0 {
		t.Errorf("the filter is kept: %v, and there are %d ChannelVarset", kept, types["ChannelVarset"])
	}
}
