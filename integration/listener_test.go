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
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/risposta/gateway/integration/lab"
)

// meteredTypes are the event types that the gateway reads, without Asterisk's own two of the
// application.
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
	conn, _, err := websocket.Dial(r.ctx, at, nil)
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
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
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
	body := map[string]any{"allowed": allowed}
	status, text := r.restful(t, http.MethodPut, "/applications/"+app+"/eventFilter", body)
	if status != http.StatusOK {
		t.Fatalf("the filter of %s: %d %s", app, status, text)
	}
}

// filtered tells whether an application has a filter.
func (r *harness) filtered(t *testing.T, app string) bool {
	t.Helper()
	status, text := r.restful(t, http.MethodGet, "/applications/"+app, nil)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", app, status, text)
	}
	return strings.Contains(text, `"events_allowed":[{`)
}

// heartbeat sends a user event to an application, and tells whether it comes back.
func (r *harness) heartbeat(t *testing.T, app, name string, l *listener) bool {
	t.Helper()
	status, text := r.restful(t, http.MethodPost, "/events/user/"+name+"?application="+app, nil)
	if status != http.StatusNoContent {
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

// replaced waits a moment for ApplicationReplaced, or for the connection's end.
func replaced(l *listener) bool {
	for range 40 {
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

// gone waits until an application is no longer registered.
func (r *harness) gone(t *testing.T, app string) {
	t.Helper()
	err := lab.Until(r.ctx, 10*second, "the end of "+app, func() error {
		if status, text := r.restful(t, http.MethodGet, "/applications/"+app, nil); status != http.StatusNotFound {
			return fmt.Errorf("%d %s", status, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
