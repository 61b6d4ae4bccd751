package native

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"
)

// dialledSession reads the PBX's events over one socket that the gateway opens, until it ends.
// onSynced is called once every event is delivered.
func (s *Source) dialledSession(ctx context.Context, onSynced func()) error {
	info, err := s.control.Info(ctx)
	if err != nil {
		return err
	}
	if err := s.accept(info); err != nil {
		return err
	}
	if err := s.checkNameFree(ctx); err != nil {
		return err
	}
	var paced *pacedConn
	conn, err := dial(ctx, s.cfg, newClient(s.cfg, dialPaced(&paced)), allEvents)
	if err != nil {
		return err
	}
	s.sync.connected(info)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.readInPieces(gctx, conn, paced) })
	g.Go(func() error {
		s.filterEvents(gctx)
		return s.sync.run(gctx, onSynced)
	})
	err = g.Wait()
	// No closing handshake: Asterisk never answers one (measured: Close waits in vain), and the end
	// of the connection frees the application's name.
	_ = conn.CloseNow()
	return err
}

// dialPaced opens a connection that can be read in pieces, and notes it.
func dialPaced(into **pacedConn) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{Timeout: requestTimeout}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		*into = newPacedConn(c)
		return *into, nil
	}
}

// checkNameFree makes sure that no other client is connected under the application's name:
// connecting would silence that client for good.
func (s *Source) checkNameFree(ctx context.Context) error {
	_, err := s.control.rest.application(ctx, s.cfg.Application)
	switch {
	case errors.Is(err, errNoApplication):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("application %q is already connected to this PBX: another gateway runs, or "+
		"this gateway's last connection has not ended yet; give each gateway its own `application`",
		s.cfg.Application)
}

// What an event socket is subscribed to: everything, or what its own application makes.
const (
	allEvents = "true"
	ownEvents = "false"
)

// dial opens an event socket.
func dial(
	ctx context.Context, cfg Config, client *http.Client, events string,
) (*websocket.Conn, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("the ARI address %q: %w", cfg.URL, err)
	}
	u.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
	u = u.JoinPath("events")
	u.RawQuery = url.Values{"app": {cfg.Application}, "subscribeAll": {events}}.Encode()
	dctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	auth := base64.StdEncoding.EncodeToString([]byte(cfg.Username + ":" + cfg.Password))
	options := &websocket.DialOptions{
		HTTPClient:      client,
		HTTPHeader:      http.Header{"Authorization": {"Basic " + auth}},
		Subprotocols:    []string{"ari"},
		CompressionMode: websocket.CompressionDisabled,
	}
	conn, resp, err := websocket.Dial(dctx, u.String(), options) //nolint:bodyclose // the library does
	if err != nil {
		if resp != nil && resp.StatusCode == http.StatusUnauthorized {
			err = errUnauthorized
		}
		return nil, fmt.Errorf("opening the event socket at %s: %w", cfg.URL, err)
	}
	conn.SetReadLimit(-1) // read has its own limit, which does not cost the connection
	return conn, nil
}
