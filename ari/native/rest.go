package native

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	cycore "github.com/CyCoreSystems/ari/v5"
	"github.com/CyCoreSystems/ari/v5/client/native"
	"golang.org/x/sync/errgroup"

	"github.com/risposta/gateway/ari"
)

var (
	// ErrNoApplication says that nobody is connected under this name.
	ErrNoApplication = errors.New("no such application at the PBX")
	errNotThere      = errors.New("the PBX has no such thing (404)")
	errUnauthorized  = errors.New("the PBX refuses the user or the password (401): compare ari.conf with the configuration")
)

// rest asks the PBX. lib is CyCoreSystems/ari without Connect; http is for the few requests that it lacks.
type rest struct {
	cfg  Config
	lib  *native.Client
	http *http.Client
	busy chan struct{} // bounds the library's calls, which can't be cancelled, only abandoned
}

// maxAbandoned bounds the library's calls in flight, the abandoned ones among them.
const maxAbandoned = 16

func newREST(cfg Config) *rest {
	return &rest{
		cfg: cfg,
		lib: native.New(&native.Options{Application: cfg.Application, URL: cfg.URL, Username: cfg.Username, Password: cfg.Password}),
		http: &http.Client{Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: restTimeout}).DialContext,
			TLSClientConfig:     &tls.Config{RootCAs: cfg.CA, MinVersion: tls.VersionTLS12},
			MaxIdleConnsPerHost: 2,
			IdleConnTimeout:     30 * time.Second,
		}},
		busy: make(chan struct{}, maxAbandoned),
	}
}

func (r *rest) close() {
	r.http.CloseIdleConnections()
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t.CloseIdleConnections() // where the library keeps its connections
	}
}

// within calls the library under our own deadline: it has neither a context nor a timeout. The result must be passed in the return
// value, so that an abandoned call writes to nothing of ours.
func within[T any](ctx context.Context, r *rest, call func() (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, restTimeout)
	defer cancel()
	type result struct {
		v   T
		err error
	}
	var none T
	select {
	case r.busy <- struct{}{}:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-r.busy }()
		v, err := call()
		done <- result{v, err}
	}()
	select {
	case res := <-done:
		return res.v, res.err
	case <-ctx.Done():
		return none, fmt.Errorf("no answer within %s: %w", restTimeout, ctx.Err())
	}
}

// info asks who the PBX is.
func (r *rest) info(ctx context.Context) (Info, error) {
	// The library loses a refusal behind a decoding error; ping tells it apart first.
	if _, err := r.ping(ctx); err != nil {
		return Info{}, err
	}
	i, err := within(ctx, r, func() (*cycore.AsteriskInfo, error) { return r.lib.Asterisk().Info(nil) })
	if err != nil {
		return Info{}, fmt.Errorf("asking %s who it is: %w", r.cfg.URL, err)
	}
	return Info{Node: i.SystemInfo.EntityID, SystemName: i.ConfigInfo.Name, Version: i.SystemInfo.Version, Started: time.Time(i.StatusInfo.StartupTime)}, nil
}

// application is how the PBX sees a Stasis application.
type application struct{ AllChannels bool }

// allChannels is the topic that subscribeAll subscribes to; an application registered without it is deaf (measured on 22.10.1).
const allChannels = "__AST_CHANNEL_ALL_TOPIC"

func (r *rest) application(ctx context.Context, name string) (application, error) {
	names, err := within(ctx, r, func() ([]*cycore.Key, error) { return r.lib.Application().List(nil) })
	if err != nil {
		return application{}, fmt.Errorf("asking %s for its applications: %w", r.cfg.URL, err)
	}
	if !slices.ContainsFunc(names, func(k *cycore.Key) bool { return k.ID == name }) {
		return application{}, fmt.Errorf("application %q: %w", name, ErrNoApplication)
	}
	data, err := within(ctx, r, func() (*cycore.ApplicationData, error) {
		return r.lib.Application().Data(cycore.NewKey(cycore.ApplicationKey, name))
	})
	if err != nil {
		return application{}, fmt.Errorf("asking %s for application %q: %w", r.cfg.URL, name, err)
	}
	return application{AllChannels: slices.Contains(data.ChannelIDs, allChannels)}, nil
}

// maxSnapshot bounds the answer to one list: 50,000 channels are 25 MB.
const maxSnapshot = 64 << 20

// holdQuestions is how many legs are asked about at once.
const holdQuestions = 4

// snapshot asks what exists. Lists are one request each, so each of them is of one instant; the canary that follows is later than both.
func (r *rest) snapshot(ctx context.Context) (*ari.Snapshot, error) {
	body, err := r.do(ctx, http.MethodGet, "channels", nil)
	if err != nil {
		return nil, err
	}
	channels, err := ari.DecodeChannels(body)
	if err != nil {
		return nil, err
	}
	if body, err = r.do(ctx, http.MethodGet, "bridges", nil); err != nil {
		return nil, err
	}
	bridges, err := ari.DecodeBridges(body)
	if err != nil {
		return nil, err
	}
	snap := &ari.Snapshot{Legs: make([]ari.Leg, len(channels)), Bridges: bridges}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(holdQuestions)
	for i, c := range channels {
		snap.Legs[i] = ari.Leg{Channel: c, Hold: ari.HoldOff}
		if _, _, local := c.LocalHalf(); !local && c.Up() {
			g.Go(func() error {
				snap.Legs[i].Hold = r.hold(gctx, c)
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return snap, nil
}

// hold asks whether the party behind a channel has put us on hold. Only PJSIP can say; nobody's silence proves that nobody holds.
func (r *rest) hold(ctx context.Context, c ari.Channel) ari.Hold {
	answer, err := within(ctx, r, func() (string, error) {
		return r.lib.Channel().GetVariable(cycore.NewKey(cycore.ChannelKey, url.PathEscape(string(c.ID))), url.QueryEscape("CHANNEL(rtp,hold)"))
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

// ping returns the PBX's clock.
func (r *rest) ping(ctx context.Context) ([]byte, error) {
	return r.do(ctx, http.MethodGet, "asterisk/ping", nil)
}

// canary makes the PBX send our own event back to us.
func (r *rest) canary(ctx context.Context, application string) error {
	_, err := r.do(ctx, http.MethodPost, "events/user/"+ari.HeartbeatName, url.Values{"application": {application}})
	return err
}

func (r *rest) do(ctx context.Context, method, path string, q url.Values) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, restTimeout)
	defer cancel()
	target, err := url.JoinPath(r.cfg.URL, path)
	if err != nil {
		return nil, fmt.Errorf("the ARI address %q: %w", r.cfg.URL, err)
	}
	req, err := http.NewRequestWithContext(ctx, method, target+"?"+q.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("the ARI address %q: %w", r.cfg.URL, err)
	}
	req.SetBasicAuth(r.cfg.Username, r.cfg.Password)
	resp, err := r.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the PBX: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSnapshot))
	err = errors.Join(err, resp.Body.Close())
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w", method, target, err)
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, fmt.Errorf("%s %s: %w", method, target, errUnauthorized)
	case resp.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("%s %s: %w", method, target, errNotThere)
	case resp.StatusCode >= http.StatusMultipleChoices:
		return nil, fmt.Errorf("%s %s: the PBX answers %s", method, target, resp.Status)
	}
	return body, nil
}
