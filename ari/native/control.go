package native

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/risposta/gateway/ari"
)

// Control is the [ari.Control] of one PBX.
type Control struct {
	rest        *rest
	application string
	options     endpoints
}

var _ ari.Control = (*Control)(nil)

// NewControl makes a Control. Close it after use.
func NewControl(cfg Config) *Control {
	return &Control{rest: newREST(cfg), application: cfg.Application}
}

// Close ends its idle connections.
func (c *Control) Close() { c.rest.close() }

// Info implements ari.Control.
func (c *Control) Info(ctx context.Context) (ari.Info, error) { return c.rest.info(ctx) }

// Snapshot implements ari.Control.
func (c *Control) Snapshot(ctx context.Context) (*ari.Snapshot, error) {
	app, err := c.rest.application(ctx, c.application)
	if err != nil {
		return nil, err
	}
	if !app.AllChannels {
		return nil, fmt.Errorf("application %q is not subscribed to all channels: %s",
			c.application, ari.GapDeaf)
	}
	if len(app.Withheld) > 0 {
		return nil, fmt.Errorf("the event filter of application %q keeps back %s: %s",
			c.application, strings.Join(app.Withheld, ", "), ari.GapDeaf)
	}
	return c.rest.snapshot(ctx)
}

// Heartbeat implements ari.Control.
func (c *Control) Heartbeat(ctx context.Context, n uint64) error {
	return c.rest.heartbeat(ctx, n, c.application)
}

// The channel commands go through net/http: the library takes no context, and loses the status of a
// refusal, by which the front desk learns that the caller has gone on.

// Play implements ari.Control.
func (c *Control) Play(
	ctx context.Context, ch ari.ChannelID, playback, language, media string,
) error {
	return c.command(ctx, http.MethodPost, ch, "play",
		url.Values{"media": {media}, "playbackId": {playback}, "lang": {language}})
}

// SetVariable implements ari.Control.
func (c *Control) SetVariable(ctx context.Context, ch ari.ChannelID, name, value string) error {
	return c.command(ctx, http.MethodPost, ch, "variable",
		url.Values{"variable": {name}, "value": {value}})
}

// Continue implements ari.Control.
func (c *Control) Continue(ctx context.Context, ch ari.ChannelID) error {
	return c.command(ctx, http.MethodPost, ch, "continue", nil)
}

// HangUp implements ari.Control.
func (c *Control) HangUp(ctx context.Context, ch ari.ChannelID) error {
	return c.command(ctx, http.MethodDelete, ch, "", url.Values{"reason": {"normal"}})
}

func (c *Control) command(
	ctx context.Context, method string, ch ari.ChannelID, operation string, q url.Values,
) error {
	path := "channels/" + url.PathEscape(string(ch))
	if operation != "" {
		path += "/" + operation
	}
	_, err := c.rest.do(ctx, method, path, q)
	return err
}
