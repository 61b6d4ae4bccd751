package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/CyCoreSystems/ari-proxy/v5/client"
	cycore "github.com/CyCoreSystems/ari/v5"
	"golang.org/x/sync/errgroup"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// command sends a command to a channel, which is carried out before ctx ends, or not at all.
func (c *Control) command(
	ctx context.Context, what string, ch ari.ChannelID, language string,
	send func(channels cycore.Channel, key *cycore.Key) error,
) error {
	_, err := within(ctx, c, func(lib *client.Client, before time.Time) (struct{}, error) {
		key := c.key(cycore.ChannelKey, string(ch))
		key.Dialog = Terms{Before: before, Language: language}.String()
		return struct{}{}, send(lib.Channel(), key)
	})
	if err != nil {
		return fmt.Errorf("%s channel %s: %w", what, ch, err)
	}
	return nil
}

// Play implements ari.Control.
func (c *Control) Play(
	ctx context.Context, ch ari.ChannelID, playback, language, media string,
) error {
	return c.command(ctx, "playing "+media+" to", ch, language,
		func(channels cycore.Channel, key *cycore.Key) error {
			_, err := channels.Play(key, playback, media)
			return err
		})
}

// SetVariable implements ari.Control.
func (c *Control) SetVariable(ctx context.Context, ch ari.ChannelID, name, value string) error {
	return c.command(ctx, "setting "+name+" of", ch, "",
		func(channels cycore.Channel, key *cycore.Key) error {
			return channels.SetVariable(key, name, value)
		})
}

// Continue implements ari.Control.
func (c *Control) Continue(ctx context.Context, ch ari.ChannelID) error {
	return c.command(ctx, "continuing", ch, "",
		func(channels cycore.Channel, key *cycore.Key) error {
			return channels.Continue(key, "", "", 0)
		})
}

// HangUp implements ari.Control.
func (c *Control) HangUp(ctx context.Context, ch ari.ChannelID) error {
	return c.command(ctx, "hanging up", ch, "",
		func(channels cycore.Channel, key *cycore.Key) error {
			return channels.Hangup(key, "normal")
		})
}

// Info implements ari.Control.
func (c *Control) Info(ctx context.Context) (ari.Info, error) {
	i, err := within(ctx, c, func(lib *client.Client, _ time.Time) (*cycore.AsteriskInfo, error) {
		return lib.Asterisk().Info(c.key("", ""))
	})
	if err == nil && i == nil {
		err = errNoData
	}
	if err != nil {
		return ari.Info{}, fmt.Errorf("asking PBX %s for its id and version: %w", c.cfg.Node, err)
	}
	return ari.Info{
		Node: i.SystemInfo.EntityID, SystemName: i.ConfigInfo.Name, Version: i.SystemInfo.Version,
		Started: time.Time(i.StatusInfo.StartupTime),
	}, nil
}

// errNoData: the library returns nil, and no error, for an answer of another kind.
var errNoData = errors.New("the proxy's response has no data")

// Snapshot implements ari.Control. It is of no one instant, for ari-proxy lists ids, and each channel
// is a request of its own: it is for looking at a PBX, and no meter may start from it. The snapshot
// that a meter starts from comes with the events. Who called is not known of its legs.
func (c *Control) Snapshot(ctx context.Context) (*ari.Snapshot, error) {
	_, err := within(ctx, c, func(lib *client.Client, _ time.Time) (*cycore.ApplicationData, error) {
		return lib.Application().Data(c.key(cycore.ApplicationKey, c.cfg.Application))
	})
	if err != nil {
		return nil, fmt.Errorf("asking PBX %s for application %q: %w", c.cfg.Node, c.cfg.Application, err)
	}
	s, err := c.Lists(ctx)
	if err != nil {
		return nil, err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(listQueries)
	for i := range s.Legs {
		leg := &s.Legs[i]
		leg.Hold = ari.HoldOff
		if _, _, local := leg.Channel.LocalHalf(); local || !leg.Channel.Up() {
			continue
		}
		g.Go(func() error {
			leg.Hold = c.hold(gctx, leg.Channel.ID)
			return nil
		})
	}
	return s, g.Wait()
}

// listQueries is how many channels and bridges are asked about at once.
const listQueries = 16

// Lists implements ari.Control. See Snapshot.
func (c *Control) Lists(ctx context.Context) (*ari.Snapshot, error) {
	// A list that nobody answers is waited for; this is not.
	if _, err := c.Info(ctx); err != nil {
		return nil, err
	}
	channels, err := listed(ctx, c,
		func(lib *client.Client) ([]*cycore.Key, error) {
			return lib.Channel().List(c.key(cycore.ChannelKey, ""))
		}, c.channel)
	if err != nil {
		return nil, fmt.Errorf("listing the channels of PBX %s: %w", c.cfg.Node, err)
	}
	bridges, err := listed(ctx, c,
		func(lib *client.Client) ([]*cycore.Key, error) {
			return lib.Bridge().List(c.key(cycore.BridgeKey, ""))
		}, c.bridge)
	if err != nil {
		return nil, fmt.Errorf("listing the bridges of PBX %s: %w", c.cfg.Node, err)
	}
	s := &ari.Snapshot{Legs: make([]ari.Leg, len(channels)), Bridges: bridges}
	for i, ch := range channels {
		s.Legs[i] = ari.Leg{Channel: ch}
	}
	return s, nil
}

// listed asks for ids, and for the data of each. What has ended meanwhile is left out.
func listed[ID ~string, T any](
	ctx context.Context, c *Control, list func(*client.Client) ([]*cycore.Key, error),
	data func(context.Context, ID) (T, error),
) ([]T, error) {
	ids, err := listIDs[ID](ctx, c, list)
	if err != nil {
		return nil, err
	}
	found := make([]*T, len(ids))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(listQueries)
	for i, id := range ids {
		g.Go(func() error {
			v, err := data(gctx, id)
			if err == nil {
				found[i] = &v
			} else if errors.Is(err, ari.ErrNotFound) {
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var all []T
	for _, v := range found {
		if v != nil {
			all = append(all, *v)
		}
	}
	return all, nil
}

// listTries is how often a list is asked for: the library drops an answer that comes before it
// listens for it.
const listTries = 3

func listIDs[ID ~string](
	ctx context.Context, c *Control, list func(*client.Client) ([]*cycore.Key, error),
) (ids []ID, err error) {
	for range listTries {
		var keys []*cycore.Key
		keys, err = within(ctx, c, func(lib *client.Client, _ time.Time) ([]*cycore.Key, error) {
			return list(lib)
		})
		if err != nil {
			return nil, err
		}
		if ids, err = idsOf[ID](keys); err == nil {
			return ids, nil
		}
	}
	return nil, err
}

func (c *Control) channel(ctx context.Context, id ari.ChannelID) (ari.Channel, error) {
	d, err := within(ctx, c, func(lib *client.Client, _ time.Time) (*cycore.ChannelData, error) {
		return lib.Channel().Data(c.key(cycore.ChannelKey, string(id)))
	})
	if err == nil && d == nil {
		err = errNoData
	}
	if err != nil {
		return ari.Channel{}, fmt.Errorf("channel %s: %w", id, err)
	}
	return channelOf(d), nil
}

func (c *Control) bridge(ctx context.Context, id ari.BridgeID) (ari.Bridge, error) {
	d, err := within(ctx, c, func(lib *client.Client, _ time.Time) (*cycore.BridgeData, error) {
		return lib.Bridge().Data(c.key(cycore.BridgeKey, string(id)))
	})
	if err == nil && d == nil {
		err = errNoData
	}
	if err != nil {
		return ari.Bridge{}, fmt.Errorf("bridge %s: %w", id, err)
	}
	return bridgeOf(d), nil
}

func (c *Control) variable(ctx context.Context, ch ari.ChannelID, name string) (string, error) {
	return within(ctx, c, func(lib *client.Client, _ time.Time) (string, error) {
		return lib.Channel().GetVariable(c.key(cycore.ChannelKey, string(ch)), name)
	})
}

// hold is whether the party behind a channel holds the others. Only PJSIP reports it.
func (c *Control) hold(ctx context.Context, ch ari.ChannelID) ari.Hold {
	answer, err := c.variable(ctx, ch, "CHANNEL(rtp,hold)")
	switch {
	case err == nil && answer == "1":
		return ari.HoldOn
	case err == nil && answer == "0":
		return ari.HoldOff
	}
	return ari.HoldUnknown
}

// Attestation implements ari.Control.
func (c *Control) Attestation(ctx context.Context, ch ari.ChannelID) metering.Attestation {
	return ari.ReadAttestation(ctx, ari.SignatureReader{
		RunningApp: func(ctx context.Context) string {
			known, err := c.channel(ctx, ch)
			if err != nil {
				return ""
			}
			return known.App
		},
		Variable: func(ctx context.Context, name string) (string, error) {
			return c.variable(ctx, ch, name)
		},
	})
}
