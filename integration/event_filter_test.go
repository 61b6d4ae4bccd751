//go:build live

package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/risposta/gateway/integration/lab"
)

// meteredTypes are the event types that the gateway reads, without Asterisk's own two of the application.
var meteredTypes = []string{
	"ChannelCreated", "ChannelStateChange", "ChannelDialplan", "ChannelHangupRequest", "ChannelDestroyed", "ChannelHold",
	"ChannelUnhold", "ChannelEnteredBridge", "ChannelLeftBridge", "BridgeCreated", "BridgeDestroyed", "BridgeMerged",
	"BridgeBlindTransfer", "BridgeAttendedTransfer", "Dial", "StasisStart", "StasisEnd", "PlaybackFinished",
	"ChannelDtmfReceived",
}

// listener is one connection of an ARI application; it counts the frames of each type.
type listener struct {
	conn *websocket.Conn
	done chan struct{}

	mu    sync.Mutex
	types map[string]int
	bytes int
}

func listen(conn *websocket.Conn) *listener {
	conn.SetReadLimit(4 << 20)
	l := &listener{conn: conn, done: make(chan struct{}), types: map[string]int{}}
	go func() {
		defer close(l.done)
		for {
			_, text, err := conn.Read(context.Background())
			if err != nil {
				return
			}
			var f frame
			if json.Unmarshal(text, &f) != nil {
				continue
			}
			name := f.at("type")
			if name == "ChannelUserevent" {
				name += " " + f.at("eventname")
			}
			l.mu.Lock()
			l.types[name]++
			l.bytes += len(text)
			l.mu.Unlock()
		}
	}()
	return l
}

// counts is how many frames of each type have come, and how many in all.
func (l *listener) counts() (types map[string]int, all int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.types {
		all += n
	}
	return maps.Clone(l.types), all
}

func (l *listener) stop() {
	_ = l.conn.CloseNow() // it may be closed already
	<-l.done
}

// listens connects an ARI application.
func (r *harness) listens(t *testing.T, app string, all bool) *listener {
	t.Helper()
	q := url.Values{"app": {app}, "api_key": {lab.ARIUser + ":" + lab.ARIPassword}, "subscribeAll": {fmt.Sprint(all)}}
	at := "ws" + strings.TrimPrefix(r.pbx.URL(), "http") + "/events?" + q.Encode()
	conn, _, err := websocket.Dial(r.ctx, at, nil) //nolint:bodyclose // the library closes it
	if err != nil {
		t.Fatal(err)
	}
	l := listen(conn)
	t.Cleanup(l.stop)
	return l
}

// restful sends a request with a JSON body and returns the answer's body.
func (r *harness) restful(t *testing.T, method, path string, body any) (status int, text string) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(r.ctx, method, r.pbx.URL()+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(lab.ARIUser, lab.ARIPassword)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// filter sets an application's event filter.
func (r *harness) filter(t *testing.T, app string, types ...string) {
	t.Helper()
	allowed := []map[string]string{}
	for _, name := range types {
		allowed = append(allowed, map[string]string{"type": name})
	}
	status, text := r.restful(t, http.MethodPut, "/applications/"+app+"/eventFilter", map[string]any{"allowed": allowed})
	if status != http.StatusOK {
		t.Fatalf("the filter of %s: %d %s", app, status, text)
	}
}

// filtered tells whether an application has a filter.
func (r *harness) filtered(t *testing.T, app string) bool {
	t.Helper()
	status, text := r.restful(t, http.MethodGet, "/applications/"+app, nil)
	t.Logf("%s: %d %s", app, status, text)
	return strings.Contains(text, `"events_allowed":[{`)
}

// heartbeat sends a user event to an application, and tells whether it comes back.
func (r *harness) heartbeat(t *testing.T, app, name string, l *listener) bool {
	t.Helper()
	if status, text := r.restful(t, http.MethodPost, "/events/user/"+name+"?application="+app, nil); status != http.StatusNoContent {
		t.Fatalf("a user event to %s: %d %s", app, status, text)
	}
	err := lab.Until(r.ctx, 3*second, name, func() error {
		if types, _ := l.counts(); types["ChannelUserevent "+name] == 0 {
			return errNotYet
		}
		return nil
	})
	return err == nil
}

func TestLiveEventFilter(t *testing.T) {
	r := newHarness(t, holdingService, nil)
	plain := r.listens(t, "plain", true)
	l := r.listens(t, "filtered", true)
	r.filter(t, "filtered", meteredTypes...)
	t.Logf("a user event with the filter that does not name it: %v", r.heartbeat(t, "filtered", "unnamed", l))
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
	second := r.listens(t, "filtered", true)
	if !lasts(l) {
		t.Error("the first connection is still open")
	}
	some, _ = l.counts()
	t.Logf("ApplicationReplaced without being named: %d", some["ApplicationReplaced"])
	t.Logf("the filter after another connection took the application: %v", r.filtered(t, "filtered"))
	r.filter(t, "filtered", "ChannelUserevent", "ApplicationReplaced")
	third := r.listens(t, "filtered", true)
	lasts(second)
	types, _ := second.counts()
	t.Logf("ApplicationReplaced, named: %d", types["ApplicationReplaced"])
	third.stop()
	r.gone(t, "filtered")
	r.listens(t, "filtered", true)
	t.Logf("the filter after a reconnect: %v", r.filtered(t, "filtered"))
}

// lasts waits for the end of a replaced connection, or for its ApplicationReplaced.
func lasts(l *listener) bool {
	for range 60 {
		if types, _ := l.counts(); types["ApplicationReplaced"] > 0 {
			return true
		}
		select {
		case <-l.done:
			return true
		case <-time.After(50 * time.Millisecond):
		}
	}
	return false
}

// gone waits until an application is no longer registered, or its connection has at least gone.
func (r *harness) gone(t *testing.T, app string) {
	t.Helper()
	_ = lab.Until(r.ctx, 5*second, "the end of "+app, func() error {
		if status, _ := r.restful(t, http.MethodGet, "/applications/"+app, nil); status == http.StatusNotFound {
			return nil
		}
		return errNotYet
	})
	status, text := r.restful(t, http.MethodGet, "/applications/"+app, nil)
	t.Logf("%s after its connection has gone: %d %s", app, status, text)
}

// Subscriptions to all channels and all bridges give the same channel and bridge events as subscribeAll.
func TestLiveChannelAndBridgeSubscriptions(t *testing.T) {
	r := newHarness(t, holdingService, nil)
	plain := r.listens(t, "plain", true)
	l := r.listens(t, "topics", false)
	status, text := r.restful(t, http.MethodPost, "/applications/topics/subscription?eventSource=channel:,bridge:", nil)
	t.Logf("subscribing: %d %s", status, text)
	if status != http.StatusOK {
		t.Fatal("refused")
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
	t.Logf("a filter beside the subscriptions: %v", r.filtered(t, "topics"))
}

// An application of an outbound persistent WebSocket, its filter, and its connection lost.
func TestLiveEventFilterOfAnOutboundWebSocket(t *testing.T) {
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
	r.operator(t, "op1", lab.Called(half).Speaks().WaitBye())
	if err := r.caller(t, 0, lab.Calls().Speaks().Pause(second).Bye()).Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	if !r.heartbeat(t, "risposta", "over", first) {
		t.Error("no user event")
	}
	types, n := first.counts()
	t.Logf("with the filter: %d frames: %v", n, types)
	if types["ChannelVarset"] != 0 {
		t.Errorf("%d ChannelVarset, which the filter does not name", types["ChannelVarset"])
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
	if kept != (types["ChannelVarset"] == 0) {
		t.Errorf("the filter is kept: %v, and there are %d ChannelVarset", kept, types["ChannelVarset"])
	}
}

const costCalls = 200

// What a listener costs Asterisk: the processor time of 200 calls, after 20 to warm up.
func TestLiveWhatAListenerCosts(t *testing.T) {
	for _, c := range []struct {
		name  string
		setUp func(*testing.T, *harness) *listener
	}{
		{"none", func(*testing.T, *harness) *listener { return nil }},
		{"subscribeAll", func(t *testing.T, r *harness) *listener { return r.listens(t, "cost", true) }},
		{"subscribeAll-filter", func(t *testing.T, r *harness) *listener {
			l := r.listens(t, "cost", true)
			r.filter(t, "cost", append([]string{"ChannelUserevent"}, meteredTypes...)...)
			return l
		}},
		{"channel-bridge", func(t *testing.T, r *harness) *listener {
			l := r.listens(t, "cost", false)
			r.restful(t, http.MethodPost, "/applications/cost/subscription?eventSource=channel:,bridge:", nil)
			return l
		}},
		{"channel-bridge-filter", func(t *testing.T, r *harness) *listener {
			l := r.listens(t, "cost", false)
			r.restful(t, http.MethodPost, "/applications/cost/subscription?eventSource=channel:,bridge:", nil)
			r.filter(t, "cost", append([]string{"ChannelUserevent"}, meteredTypes...)...)
			return l
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newHarness(t, []service{{
				name: "cost", agents: []string{"op1"}, dialplan: "Progress(); Queue(c)",
				queues: "[c]\nringinuse = yes\nautofill = yes\nstrategy = ringall\nmember => PJSIP/op1\n",
			}}, nil)
			o := &observation{harness: r, T: t, dir: r.dir}
			var err error
			if o.rest, err = os.Create(filepath.Join(r.dir, "rest.jsonl")); err != nil {
				t.Fatal(err)
			}
			l := c.setUp(t, r)
			o.calls(20)
			var frames int
			if l != nil {
				_, frames = l.counts()
			}
			before, began := o.processor(), time.Now()
			o.calls(costCalls)
			used := o.processor() - before
			text := fmt.Sprintf("%s: %d calls in %s: Asterisk used %s, %.2f ms a call", c.name, costCalls,
				time.Since(began).Round(time.Millisecond), used, used.Seconds()*1000/costCalls)
			if l != nil {
				_, now := l.counts()
				text += fmt.Sprintf("; %.1f frames a call", float64(now-frames)/costCalls)
				if now == frames {
					t.Error("the listener has heard nothing")
				}
			}
			t.Log(text)
		})
	}
}

// calls plays calls of a second each, ten new ones a second, and waits until all channels are gone.
func (o *observation) calls(n int) {
	o.Helper()
	op, err := lab.StartOperator(o.ctx, o.TempDir(), lab.Plan{
		Script: lab.Called(0).WaitBye(), Port: o.ports["op1"], Server: o.pbx.SIPPort, Calls: n,
	})
	if err != nil {
		o.Fatal(err)
	}
	port, err := lab.FreePort("udp")
	if err != nil {
		o.Fatal(err)
	}
	callers, err := lab.StartParty(o.TempDir(), lab.Plan{
		Script: lab.Calls().Pause(second).Bye(), Port: port, Server: o.pbx.SIPPort, Number: numberOf(0), Caller: callerOf(0), Calls: n, Rate: 10,
	})
	if err != nil {
		o.Fatal(err)
	}
	o.Cleanup(op.Stop)
	o.Cleanup(callers.Stop)
	o.wait(callers, op)
	o.console("core show channels count", "0 active channels")
}
