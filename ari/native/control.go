package native

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
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
	if err := c.Subscribed(ctx); err != nil {
		return nil, err
	}
	return c.rest.snapshot(ctx)
}

// Subscribed returns nil where the PBX sends the application the events of all channels, else why it
// does not, or that it cannot be known.
func (c *Control) Subscribed(ctx context.Context) error {
	app, err := c.rest.application(ctx, c.application)
	if err != nil {
		return err
	}
	if !app.AllChannels {
		return fmt.Errorf("application %q is not subscribed to all channels: %s",
			c.application, ari.GapDeaf)
	}
	if len(app.Withheld) > 0 {
		return fmt.Errorf("the event filter of application %q keeps back %s: %s",
			c.application, strings.Join(app.Withheld, ", "), ari.GapDeaf)
	}
	return nil
}

// Channel is one channel as it is now; ari.ErrNotFound where it has ended.
func (c *Control) Channel(ctx context.Context, id ari.ChannelID) (ari.Channel, error) {
	body, err := c.rest.do(ctx, http.MethodGet, "channels/"+url.PathEscape(string(id)), nil)
	if err != nil {
		return ari.Channel{}, err
	}
	all, err := ari.DecodeChannels(slices.Concat([]byte("["), body, []byte("]")))
	if err != nil || len(all) != 1 {
		return ari.Channel{}, fmt.Errorf("channel %s: %d in the response: %w", id, len(all), err)
	}
	return all[0], nil
}

// Bridge is one bridge as it is now; ari.ErrNotFound where it has ended.
func (c *Control) Bridge(ctx context.Context, id ari.BridgeID) (ari.Bridge, error) {
	body, err := c.rest.do(ctx, http.MethodGet, "bridges/"+url.PathEscape(string(id)), nil)
	if err != nil {
		return ari.Bridge{}, err
	}
	all, err := ari.DecodeBridges(slices.Concat([]byte("["), body, []byte("]")))
	if err != nil || len(all) != 1 {
		return ari.Bridge{}, fmt.Errorf("bridge %s: %d in the response: %w", id, len(all), err)
	}
	return all[0], nil
}

// Variable reads a variable or function of a channel.
func (c *Control) Variable(ctx context.Context, ch ari.ChannelID, name string) (string, error) {
	return c.rest.variable(ctx, ch, name)
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
