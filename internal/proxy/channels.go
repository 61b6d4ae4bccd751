package proxy

import (
	"context"
	"time"

	cycore "github.com/CyCoreSystems/ari/v5"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
)

type channels struct {
	cycore.Channel
	client *client
}

// command carries out a command before its deadline, or not at all.
func (c channels) command(
	kind string, key *cycore.Key,
	send func(ctx context.Context, ch ari.ChannelID, t cluster.Terms) error,
) error {
	terms, err := cluster.ParseTerms(key.Dialog)
	if err != nil {
		c.client.metrics.count(kind, 0, errExpired)
		return err
	}
	_, err = request(c.client, kind, terms.Before, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, send(ctx, ari.ChannelID(key.ID), terms)
	})
	return err
}

// Play implements ari.Channel.
func (c channels) Play(
	key *cycore.Key, playback, media string,
) (*cycore.PlaybackHandle, error) {
	err := c.command("play", key,
		func(ctx context.Context, ch ari.ChannelID, t cluster.Terms) error {
			return c.client.pbx.Play(ctx, ch, playback, t.Language, media)
		})
	if err != nil {
		return nil, err
	}
	handle := cycore.NewKey(cycore.PlaybackKey, playback)
	return cycore.NewPlaybackHandle(handle, c.client.Playback(), nil), nil
}

// SetVariable implements ari.Channel.
func (c channels) SetVariable(key *cycore.Key, name, value string) error {
	return c.command("set_variable", key,
		func(ctx context.Context, ch ari.ChannelID, _ cluster.Terms) error {
			return c.client.pbx.SetVariable(ctx, ch, name, value)
		})
}

// Continue implements ari.Channel: to the next priority, wherever the caller is.
func (c channels) Continue(key *cycore.Key, _, _ string, _ int) error {
	return c.command("continue", key,
		func(ctx context.Context, ch ari.ChannelID, _ cluster.Terms) error {
			return c.client.pbx.Continue(ctx, ch)
		})
}

// Hangup implements ari.Channel.
func (c channels) Hangup(key *cycore.Key, _ string) error {
	return c.command("hang_up", key,
		func(ctx context.Context, ch ari.ChannelID, _ cluster.Terms) error {
			return c.client.pbx.HangUp(ctx, ch)
		})
}

// List implements ari.Channel.
func (c channels) List(*cycore.Key) ([]*cycore.Key, error) {
	return request(c.client, "channels", time.Time{},
		func(ctx context.Context) ([]*cycore.Key, error) {
			s, err := c.client.pbx.Lists(ctx)
			if err != nil {
				return nil, err
			}
			ids := make([]ari.ChannelID, len(s.Legs))
			for i, leg := range s.Legs {
				ids[i] = leg.Channel.ID
			}
			return cluster.Keys(cycore.ChannelKey, ids), nil
		})
}

// Data implements ari.Channel. ari-proxy asks it before each Play, too.
func (c channels) Data(key *cycore.Key) (*cycore.ChannelData, error) {
	return request(c.client, "channel", time.Time{},
		func(ctx context.Context) (*cycore.ChannelData, error) {
			found, err := c.client.pbx.Channel(ctx, ari.ChannelID(key.ID))
			if err != nil {
				return nil, err
			}
			return cluster.ChannelData(found), nil
		})
}

// GetVariable implements ari.Channel.
func (c channels) GetVariable(key *cycore.Key, name string) (string, error) {
	return request(c.client, "variable", time.Time{},
		func(ctx context.Context) (string, error) {
			return c.client.pbx.Variable(ctx, ari.ChannelID(key.ID), name)
		})
}
