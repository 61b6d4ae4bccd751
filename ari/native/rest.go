package native

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	cycore "github.com/CyCoreSystems/ari/v5"
	"github.com/CyCoreSystems/ari/v5/client/native"
	"golang.org/x/sync/errgroup"

	"github.com/risposta/gateway/ari"
)

var (
	errNoApplication = errors.New("no client is connected under this name")
	errUnauthorized  = errors.New("the PBX refuses the user or the password (401): " +
		"compare ari.conf with the configuration")
)

// rest sends requests to the PBX. lib is CyCoreSystems/ari without Connect; http is for the few
// requests that it lacks.
type rest struct {
	cfg      Config
	lib      cycore.Client
	http     *http.Client
	inFlight chan struct{} // bounds the library's calls, which can be abandoned but not cancelled
}

// maxInFlight bounds the library's calls, the abandoned ones among them.
const maxInFlight = 16

func newREST(cfg Config) *rest {
	return &rest{
		cfg: cfg,
		lib: native.New(&native.Options{
			Application: cfg.Application, URL: cfg.URL, Username: cfg.Username, Password: cfg.Password,
		}),
		http:     newClient(cfg, (&net.Dialer{Timeout: requestTimeout}).DialContext),
		inFlight: make(chan struct{}, maxInFlight),
	}
}

// newClient makes a client whose connections a function opens.
func newClient(
	cfg Config, dial func(ctx context.Context, network, address string) (net.Conn, error),
) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:         dial,
		TLSClientConfig:     &tls.Config{RootCAs: cfg.CA, MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 2,
		IdleConnTimeout:     30 * time.Second,
	}, CheckRedirect: noRedirect}
}

// noRedirect: a redirect would carry events and commands to another host.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (r *rest) close() {
	r.http.CloseIdleConnections()
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t.CloseIdleConnections() // where the library keeps its connections
	}
}

// within calls the library with a deadline: it takes neither a context nor a timeout. The result
// must be passed in the return value, so that an abandoned call writes to no variable of the
// caller's.
func within[T any](ctx context.Context, r *rest, call func() (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	type result struct {
		v   T
		err error
	}
	var none T
	select {
	case r.inFlight <- struct{}{}:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-r.inFlight }()
		v, err := call()
		done <- result{v, err}
	}()
	select {
	case res := <-done:
		return res.v, res.err
	case <-ctx.Done():
		return none, fmt.Errorf("no response within %s: %w", requestTimeout, ctx.Err())
	}
}

func (r *rest) info(ctx context.Context) (ari.Info, error) {
	// The library hides a refusal behind a decoding error; ping reports it first.
	if _, err := r.do(ctx, http.MethodGet, "asterisk/ping", nil); err != nil {
		return ari.Info{}, err
	}
	i, err := within(ctx, r, func() (*cycore.AsteriskInfo, error) {
		return r.lib.Asterisk().Info(nil)
	})
	if err != nil {
		return ari.Info{}, fmt.Errorf("asking %s for its id and version: %w", r.cfg.URL, err)
	}
	return ari.Info{
		Node: i.SystemInfo.EntityID, SystemName: i.ConfigInfo.Name, Version: i.SystemInfo.Version,
		Started: time.Time(i.StatusInfo.StartupTime),
	}, nil
}

// maxSnapshot bounds the answer to one list: 50,000 channels are 25 MB.
const maxSnapshot = 64 << 20

// holdQueries is how many legs are asked about at once.
const holdQueries = 4

// snapshot lists what exists. Each list is one request, so each is of one instant; the heartbeat
// that follows is later than both.
func (r *rest) snapshot(ctx context.Context) (*ari.Snapshot, error) {
	channels, bridges, err := r.lists(ctx)
	if err != nil {
		return nil, err
	}
	snap := &ari.Snapshot{Legs: make([]ari.Leg, len(channels)), Bridges: bridges}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(holdQueries)
	for i, c := range channels {
		snap.Legs[i] = ari.Leg{Channel: c, Hold: ari.HoldOff}
		leg := &snap.Legs[i]
		if _, _, local := c.LocalHalf(); local {
			continue
		}
		if c.Up() {
			g.Go(func() error {
				leg.Hold = r.hold(gctx, c)
				return nil
			})
		}
		if r.cfg.MayCall != nil && r.cfg.MayCall(c) {
			g.Go(func() error {
				leg.Incoming, leg.Dialled = r.direction(gctx, c)
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return snap, nil
}

// lists are the PBX's own lists of channels and bridges.
func (r *rest) lists(ctx context.Context) ([]ari.Channel, []ari.Bridge, error) {
	body, err := r.do(ctx, http.MethodGet, "channels", nil)
	if err != nil {
		return nil, nil, err
	}
	channels, err := ari.DecodeChannels(body)
	if err != nil {
		return nil, nil, err
	}
	if body, err = r.do(ctx, http.MethodGet, "bridges", nil); err != nil {
		return nil, nil, err
	}
	bridges, err := ari.DecodeBridges(body)
	return channels, bridges, err
}

// hold asks whether the party behind a channel has put the other side on hold. Only PJSIP reports
// it. Other technologies cannot, so the answer is unknown.
func (r *rest) hold(ctx context.Context, c ari.Channel) ari.Hold {
	answer, err := within(ctx, r, func() (string, error) {
		key := cycore.NewKey(cycore.ChannelKey, url.PathEscape(string(c.ID)))
		return r.lib.Channel().GetVariable(key, url.QueryEscape("CHANNEL(rtp,hold)"))
	})
	switch {
	case err != nil:
		return ari.HoldUnknown
	case answer == "1":
		return ari.HoldOn
	case answer == "0":
		return ari.HoldOff
	}
	return ari.HoldUnknown
}

// direction asks who called on a channel: its far end, or Asterisk. Neither: it is not known. Only
// PJSIP reports it (docs/asterisk.md, "The direction of a channel").
func (r *rest) direction(ctx context.Context, c ari.Channel) (incoming, dialled bool) {
	uri, err := r.variable(ctx, c.ID, "CHANNEL(pjsip,request_uri)")
	return err == nil && uri != "", err == nil && uri == ""
}

// heartbeat makes the PBX send a user event to the application.
func (r *rest) heartbeat(ctx context.Context, n uint64, application string) error {
	_, err := r.do(ctx, http.MethodPost, "events/user/"+ari.HeartbeatName(n),
		url.Values{"application": {application}})
	return err
}

// do sends one request without a body through net/http, and returns the body of the response.
func (r *rest) do(ctx context.Context, method, path string, q url.Values) ([]byte, error) {
	return r.send(ctx, method, path, q, nil)
}

// send sends one request, with a JSON body where content is not nil.
func (r *rest) send(
	ctx context.Context, method, path string, q url.Values, content []byte,
) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	target, err := url.JoinPath(r.cfg.URL, path)
	if err != nil {
		return nil, fmt.Errorf("the ARI address %q: %w", r.cfg.URL, err)
	}
	req, err := http.NewRequestWithContext(ctx, method, target+"?"+q.Encode(), bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("the ARI address %q: %w", r.cfg.URL, err)
	}
	req.SetBasicAuth(r.cfg.Username, r.cfg.Password)
	if content != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("sending a request to the PBX: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSnapshot))
	err = errors.Join(err, resp.Body.Close())
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w", method, target, err)
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, fmt.Errorf("%s %s: %w", method, target, errUnauthorized)
	case resp.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("%s %s: %w", method, target, ari.ErrNotFound)
	case resp.StatusCode >= http.StatusMultipleChoices:
		return nil, fmt.Errorf("%s %s: the PBX responds %s", method, target, resp.Status)
	}
	return body, nil
}
