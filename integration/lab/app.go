package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// App is another ARI application beside the gateway.
type App struct {
	base   string // of the REST interface
	name   string
	conn   *websocket.Conn
	cancel context.CancelFunc
	done   chan struct{}
	bridge string // the bridge that Connect has made

	mu     sync.Mutex
	caller string   // the channel that entered the application by Stasis()
	joined []string // channels that the application has called, in order of arrival
}

// appFrame is the largest ARI frame that is read, in bytes.
const appFrame = 4 << 20

// StartApp registers an application and reads its events.
func StartApp(ctx context.Context, ari, name string) (*App, error) {
	a := &App{base: ari, name: name, done: make(chan struct{})}
	conn, err := dialEvents(ctx, ari, name, false)
	if err != nil {
		return nil, err
	}
	a.conn = conn
	reading, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a.cancel = cancel
	go a.read(reading)
	return a, nil
}

func dialEvents(ctx context.Context, ari, app string, all bool) (*websocket.Conn, error) {
	q := url.Values{"app": {app}, "api_key": {ARIUser + ":" + ARIPassword},
		"subscribeAll": {fmt.Sprint(all)}}
	//nolint:bodyclose // the library closes it
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(ari, "http")+"/events?"+q.Encode(),
		nil)
	if err != nil {
		return nil, fmt.Errorf("registering ARI application %s: %w", app, err)
	}
	conn.SetReadLimit(appFrame)
	return conn, nil
}

func (a *App) read(ctx context.Context) {
	defer close(a.done)
	for {
		_, frame, err := a.conn.Read(ctx)
		if err != nil {
			return
		}
		var ev struct {
			Type    string
			Args    []string
			Channel struct{ ID string }
		}
		if json.Unmarshal(frame, &ev) != nil || ev.Type != "StasisStart" {
			continue
		}
		a.mu.Lock()
		if len(ev.Args) > 0 && ev.Args[0] == "called" {
			a.joined = append(a.joined, ev.Channel.ID)
		} else {
			a.caller = ev.Channel.ID
		}
		a.mu.Unlock()
	}
}

// Connect waits for a caller, calls an endpoint, and bridges the two.
func (a *App) Connect(ctx context.Context, endpoint string) error {
	caller, err := a.wait(ctx, "a caller in "+a.name, func() string { return a.caller })
	if err != nil {
		return err
	}
	_, err = a.post(ctx, "/channels", url.Values{"endpoint": {endpoint}, "app": {a.name},
		"appArgs": {"called"}})
	if err != nil {
		return err
	}
	operator, err := a.wait(ctx, endpoint+" to answer", func() string {
		if len(a.joined) == 0 {
			return ""
		}
		return a.joined[0]
	})
	if err != nil {
		return err
	}
	if a.bridge, err = a.post(ctx, "/bridges", url.Values{"type": {"mixing"}}); err != nil {
		return err
	}
	if _, err := a.post(ctx, "/channels/"+caller+"/answer", nil); err != nil {
		return err
	}
	_, err = a.post(ctx, "/bridges/"+a.bridge+"/addChannel",
		url.Values{"channel": {caller + "," + operator}})
	return err
}

// Call calls an endpoint, and returns when the channel, with the given id, is in the application.
func (a *App) Call(ctx context.Context, endpoint, id string) error {
	_, err := a.post(ctx, "/channels", url.Values{"endpoint": {endpoint}, "app": {a.name},
		"appArgs": {"called"}, "channelId": {id}})
	if err != nil {
		return err
	}
	_, err = a.wait(ctx, endpoint+" to answer", func() string {
		if slices.Contains(a.joined, id) {
			return id
		}
		return ""
	})
	return err
}

func (a *App) wait(ctx context.Context, what string, get func() string) (id string, err error) {
	err = Until(ctx, 20*time.Second, what, func() error {
		a.mu.Lock()
		defer a.mu.Unlock()
		if id = get(); id == "" {
			return errors.New("no channel yet")
		}
		return nil
	})
	return id, err
}

// post sends a request and returns the id of what it created, or "".
func (a *App) post(ctx context.Context, path string, q url.Values) (string, error) {
	return a.send(ctx, http.MethodPost, path, q)
}

func (a *App) send(ctx context.Context, method, path string, q url.Values) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.base+path+"?"+q.Encode(), nil)
	if err != nil {
		return "", err
	}
	req.SetBasicAuth(ARIUser, ARIPassword)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return "", err
	}
	if resp.StatusCode >= 300 {
		return "", fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, body)
	}
	var created struct{ ID string }
	if len(body) > 0 {
		err = json.Unmarshal(body, &created)
	}
	return created.ID, err
}

// Stop unregisters the application.
func (a *App) Stop() {
	a.cancel()
	_ = a.conn.CloseNow() // already closed is fine
	<-a.done
}

// HangUp hangs up all channels that the application has called, and destroys their bridge.
func (a *App) HangUp(ctx context.Context) error {
	a.mu.Lock()
	joined := a.joined
	a.mu.Unlock()
	for _, id := range joined {
		if _, err := a.send(ctx, http.MethodDelete, "/channels/"+id, nil); err != nil {
			return err
		}
	}
	_, err := a.send(ctx, http.MethodDelete, "/bridges/"+a.bridge, nil)
	return err
}
