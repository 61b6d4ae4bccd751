package native

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"

	"github.com/risposta/gateway/ari"
)

// MaxFrame is the longest frame that is kept whole; of a longer one only the front is. Asterisk's own frames are below 4 KiB.
const MaxFrame = 1 << 20

// session watches the PBX over one socket, until it ends. seen is called once everything is seen.
func (s *Source) session(ctx context.Context, seen func()) error {
	if s.server != nil {
		return s.host(ctx, seen)
	}
	info, err := s.rest.info(ctx)
	if err != nil {
		return err
	}
	if err := s.accept(info); err != nil {
		return err
	}
	if err := s.vacant(ctx); err != nil {
		return err
	}
	conn, err := s.dial(ctx)
	if err != nil {
		return err
	}
	s.begin(info)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.read(gctx, conn) })
	g.Go(func() error { return s.watch(gctx, seen) })
	err = g.Wait()
	// No good-bye: Asterisk answers none (measured: Close waits in vain), and the end of the connection frees the name.
	_ = conn.CloseNow()
	return err
}

// begin notes that a socket is open to this PBX. Nothing is believed yet.
func (s *Source) begin(info Info) {
	s.mu.Lock()
	s.info, s.sight, s.proved, s.started = info, blind, time.Now(), time.Now()
	s.resumeToken = nil
	s.mu.Unlock()
}

// vacant makes sure that nobody else is connected under our application's name: connecting would silence them for good.
func (s *Source) vacant(ctx context.Context) error {
	_, err := s.rest.application(ctx, s.cfg.Application)
	switch {
	case errors.Is(err, ErrNoApplication):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("application %q is already connected to this PBX: another gateway runs, or our own last connection is not yet gone; give each gateway its own `application`", s.cfg.Application)
}

func (s *Source) dial(ctx context.Context) (*websocket.Conn, error) {
	u, err := url.Parse(s.cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("the ARI address %q: %w", s.cfg.URL, err)
	}
	u.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
	u = u.JoinPath("events")
	u.RawQuery = url.Values{"app": {s.cfg.Application}, "subscribeAll": {"true"}}.Encode()
	dctx, cancel := context.WithTimeout(ctx, restTimeout)
	defer cancel()
	auth := base64.StdEncoding.EncodeToString([]byte(s.cfg.Username + ":" + s.cfg.Password))
	conn, resp, err := websocket.Dial(dctx, u.String(), &websocket.DialOptions{ //nolint:bodyclose // the library closes it
		HTTPClient:      s.rest.http,
		HTTPHeader:      http.Header{"Authorization": {"Basic " + auth}},
		Subprotocols:    []string{"ari"},
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		if resp != nil && resp.StatusCode == http.StatusUnauthorized {
			return nil, fmt.Errorf("opening the event socket at %s: %w", s.cfg.URL, errUnauthorized)
		}
		return nil, fmt.Errorf("opening the event socket at %s: %w", s.cfg.URL, err)
	}
	conn.SetReadLimit(-1) // read has its own limit, which does not cost the connection
	return conn, nil
}

// read takes frames off the socket as fast as they come. Nothing here waits for anything else.
func (s *Source) read(ctx context.Context, conn *websocket.Conn) error {
	for {
		_, r, err := conn.Reader(ctx)
		if err != nil {
			return fmt.Errorf("reading the event socket: %w", err)
		}
		f, err := readFrame(r)
		if err != nil {
			return fmt.Errorf("reading the event socket: %w", err)
		}
		if err := s.take(f); err != nil {
			return err
		}
	}
}

func readFrame(r io.Reader) (ari.Frame, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxFrame))
	if err != nil || len(raw) < MaxFrame {
		return ari.Frame{Raw: raw}, err
	}
	rest, err := io.Copy(io.Discard, r)
	if err != nil || rest == 0 {
		return ari.Frame{Raw: raw}, err
	}
	return ari.Frame{Raw: bytes.Clone(raw[:1<<16]), Total: len(raw) + int(rest)}, nil
}

// canaryBytes bounds a canary's frame: a longer frame is not looked through.
const canaryBytes = 1 << 10

func isCanary(raw []byte) bool {
	return len(raw) < canaryBytes && bytes.Contains(raw, []byte(`"`+ari.HeartbeatName+`"`))
}

// deskTypes are the events that concern callers at the front desk.
var deskTypes = [][]byte{
	[]byte(`"StasisStart"`), []byte(`"StasisEnd"`), []byte(`"PlaybackFinished"`), []byte(`"ChannelDtmfReceived"`), []byte(`"ChannelDestroyed"`),
}

// typeWithin is how far into a frame Asterisk may write its type: behind the one or two fields that it writes before it (ChannelVarset, the worst, matters
// to no desk).
const typeWithin = 128

func forDesk(raw []byte) bool {
	head := raw[:min(len(raw), typeWithin)]
	for _, t := range deskTypes {
		if bytes.Contains(head, t) {
			return true
		}
	}
	return false
}

func isReplaced(raw []byte) bool {
	return len(raw) < canaryBytes && bytes.Contains(raw, []byte(`"ApplicationReplaced"`))
}

// watch makes sight, keeps proving it, and makes it anew when asked.
func (s *Source) watch(ctx context.Context, seen func()) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	seen()
	return s.keepProving(ctx)
}

func (s *Source) keepProving(ctx context.Context) error {
	tick := time.NewTicker(canaryEvery)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case reason := <-s.resync:
			s.lose(reason, nil)
			if err := s.look(ctx); err != nil {
				return err
			}
		case <-tick.C:
			now := time.Now()
			s.mu.Lock()
			if now.Sub(last) > silenceLimit {
				// It was us who stood still. What came meanwhile waits in the socket, whole, or the PBX has cut us off: reading tells.
				s.proved = now
			}
			silent := now.Sub(s.proved)
			s.mu.Unlock()
			last = now
			if silent > silenceLimit {
				return errSilence
			}
			if err := s.rest.canary(ctx, s.cfg.Application); err != nil {
				return err
			}
		}
	}
}

// look makes a snapshot while the frames are caught, and sends the canary that divides what the snapshot knows from what follows.
func (s *Source) look(ctx context.Context) error {
	for !s.inbox.HasRoom() {
		select {
		case <-time.After(roomCheck):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.catch()
	return s.ask(ctx)
}

// catch begins to keep the frames.
func (s *Source) catch() {
	s.mu.Lock()
	s.sight, s.pending, s.held, s.snapshot, s.started = catching, nil, 0, nil, time.Now()
	s.mu.Unlock()
}

// ask gets the snapshot, and sends the canary.
func (s *Source) ask(ctx context.Context) error {
	app, err := s.rest.application(ctx, s.cfg.Application)
	if err != nil {
		return err
	}
	if !app.AllChannels {
		return fmt.Errorf("application %q is not subscribed to all channels: %s", s.cfg.Application, ari.GapDeaf)
	}
	snap, err := s.rest.snapshot(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.snapshot, s.proved = snap, time.Now()
	s.mu.Unlock()
	return s.rest.canary(ctx, s.cfg.Application)
}
