package proxy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	cycore "github.com/CyCoreSystems/ari/v5"
	"github.com/CyCoreSystems/ari/v5/client/native"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
)

// PBX is what the proxy asks of the PBX: native.Control.
type PBX interface {
	Info(ctx context.Context) (ari.Info, error)
	Lists(ctx context.Context) (*ari.Snapshot, error)
	Subscribed(ctx context.Context) error
	Channel(ctx context.Context, id ari.ChannelID) (ari.Channel, error)
	Bridge(ctx context.Context, id ari.BridgeID) (ari.Bridge, error)
	Variable(ctx context.Context, ch ari.ChannelID, name string) (string, error)
	Play(ctx context.Context, ch ari.ChannelID, playback, language, media string) error
	SetVariable(ctx context.Context, ch ari.ChannelID, name, value string) error
	Continue(ctx context.Context, ch ari.ChannelID) error
	HangUp(ctx context.Context, ch ari.ChannelID) error
}

// maxRequests bounds the requests to the PBX at once: ari-proxy starts a goroutine for each that
// comes. One that has waited in vain fails at its deadline.
const maxRequests = 64

// readTimeout bounds a request without a deadline of its own. Nobody waits longer for the answer.
const readTimeout = 1600 * time.Millisecond

// client is the ari.Client that ari-proxy's server gets, for as long as the PBX has one id. It has no
// bus: events do not come this way. Requests that are not served (see serve) never reach it; the
// embedded client is there for its type.
type client struct {
	cycore.Client

	pbx         PBX
	application string
	metrics     *metrics
	slots       chan struct{}
	// changed is called with the id that the PBX had and has.
	changed func(before, after string)

	mu     sync.Mutex
	node   string // of the first answer
	closed bool
	wg     sync.WaitGroup
}

func newClient(
	pbx PBX, application string, m *metrics, changed func(before, after string),
) *client {
	return &client{
		// Without Connect it opens nothing.
		Client: native.New(&native.Options{Application: application}),
		pbx:    pbx, application: application, metrics: m, changed: changed,
		slots: make(chan struct{}, maxRequests),
	}
}

// wait returns when no request runs any more; none begins after it.
func (c *client) wait() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.wg.Wait()
}

var (
	errClosed  = errors.New("the proxy is stopping")
	errBusy    = fmt.Errorf("%d requests to the PBX are running: it responds too slowly", maxRequests)
	errExpired = errors.New("the command came after its deadline, and was not carried out: the proxy " +
		"or its connection stood still, or the clocks of the two machines differ")
)

// request asks the PBX, and counts the result.
func request[T any](
	c *client, kind string, before time.Time, ask func(ctx context.Context) (T, error),
) (none T, err error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return none, errClosed
	}
	c.wg.Add(1)
	c.mu.Unlock()
	defer c.wg.Done()
	if before.IsZero() {
		before = time.Now().Add(readTimeout)
	}
	ctx, cancel := context.WithDeadline(context.Background(), before)
	defer cancel()
	began := time.Now()
	v, err := within(ctx, c, ask)
	c.metrics.count(kind, time.Since(began), err)
	return v, err
}

func within[T any](
	ctx context.Context, c *client, ask func(ctx context.Context) (T, error),
) (none T, err error) {
	if ctx.Err() != nil { // before anything is sent
		return none, errExpired
	}
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return none, errBusy
	}
	defer func() { <-c.slots }()
	if ctx.Err() != nil {
		return none, errExpired
	}
	return ask(ctx)
}

// ApplicationName implements ari.Client.
func (c *client) ApplicationName() string { return c.application }

// Connected implements ari.Client. Whether the PBX can be reached, each request finds out.
func (c *client) Connected() bool { return true }

// Close implements ari.Client.
func (c *client) Close() {}

// Bus implements ari.Client.
func (c *client) Bus() cycore.Bus { return silence{} }

// Application implements ari.Client.
func (c *client) Application() cycore.Application {
	return applications{c.Client.Application(), c}
}

// Asterisk implements ari.Client.
func (c *client) Asterisk() cycore.Asterisk { return asterisk{c.Client.Asterisk(), c} }

// Bridge implements ari.Client.
func (c *client) Bridge() cycore.Bridge { return bridges{c.Client.Bridge(), c} }

// Channel implements ari.Client.
func (c *client) Channel() cycore.Channel { return channels{c.Client.Channel(), c} }

// silence is a bus, and a subscription, without events.
type silence struct{}

// Close implements ari.Bus.
func (silence) Close() {}

// Send implements ari.Bus.
func (silence) Send(cycore.Event) {}

// Subscribe implements ari.Bus.
func (silence) Subscribe(*cycore.Key, ...string) cycore.Subscription { return silence{} }

// Events implements ari.Subscription: from a nil channel nothing ever comes.
func (silence) Events() <-chan cycore.Event { return nil }

// Cancel implements ari.Subscription.
func (silence) Cancel() {}

type asterisk struct {
	cycore.Asterisk
	client *client
}

// errChanged keeps the new id from ari-proxy, which would end the process.
var errChanged = errors.New("the PBX has another id than before: it is served anew under that")

// Info implements ari.Asterisk. ari-proxy asks it when it begins, and then again and again, to compare
// the id.
func (a asterisk) Info(*cycore.Key) (*cycore.AsteriskInfo, error) {
	info, err := request(a.client, "info", time.Time{}, a.client.pbx.Info)
	a.client.metrics.reachable(err == nil)
	if err != nil {
		return nil, err
	}
	if err := a.client.pin(info.Node); err != nil {
		return nil, err
	}
	return &cycore.AsteriskInfo{
		SystemInfo: cycore.SystemInfo{EntityID: info.Node, Version: info.Version},
		ConfigInfo: cycore.ConfigInfo{Name: info.SystemName},
		StatusInfo: cycore.StatusInfo{StartupTime: cycore.DateTime(info.Started)},
	}, nil
}

// pin holds the PBX to the id that it had first.
func (c *client) pin(node string) error {
	c.mu.Lock()
	before := c.node
	if before == "" {
		c.node = node
	}
	c.mu.Unlock()
	if before == "" || before == node {
		return nil
	}
	c.changed(before, node)
	return errChanged
}

type applications struct {
	cycore.Application
	client *client
}

// Data implements ari.Application: it fails where the PBX does not send the application the events
// of all channels.
func (a applications) Data(*cycore.Key) (*cycore.ApplicationData, error) {
	return request(a.client, "application", time.Time{},
		func(ctx context.Context) (*cycore.ApplicationData, error) {
			if err := a.client.pbx.Subscribed(ctx); err != nil {
				return nil, err
			}
			return &cycore.ApplicationData{Name: a.client.application}, nil
		})
}

type bridges struct {
	cycore.Bridge
	client *client
}

// List implements ari.Bridge.
func (b bridges) List(*cycore.Key) ([]*cycore.Key, error) {
	return request(b.client, "bridges", time.Time{},
		func(ctx context.Context) ([]*cycore.Key, error) {
			s, err := b.client.pbx.Lists(ctx)
			if err != nil {
				return nil, err
			}
			ids := make([]ari.BridgeID, len(s.Bridges))
			for i, b := range s.Bridges {
				ids[i] = b.ID
			}
			return cluster.Keys(cycore.BridgeKey, ids), nil
		})
}

// Data implements ari.Bridge.
func (b bridges) Data(key *cycore.Key) (*cycore.BridgeData, error) {
	return request(b.client, "bridge", time.Time{},
		func(ctx context.Context) (*cycore.BridgeData, error) {
			found, err := b.client.pbx.Bridge(ctx, ari.BridgeID(key.ID))
			if err != nil {
				return nil, err
			}
			return cluster.BridgeData(found), nil
		})
}
