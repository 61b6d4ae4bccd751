package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/CyCoreSystems/ari-proxy/v5/client"
	cycore "github.com/CyCoreSystems/ari/v5"
	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"

	"github.com/risposta/gateway/ari"
)

// ControlConfig says which PBX a [Control] commands, and over which NATS.
type ControlConfig struct {
	URLs        []string // nats://host:4222, or tls://: see connectURI
	Username    string   // "": none
	Password    string
	Token       string // in place of them; "": none
	Application string
	Node        string // the PBX's asterisk_id
	// Observer is told when the connection is up or down. It must return at once.
	Observer ControlObserver
}

// ControlObserver receives what becomes of the connection to NATS.
type ControlObserver interface {
	// Connected: commands can be sent.
	Connected()
	// Disconnected: there is no connection to NATS; the next try comes after wait.
	Disconnected(err error, wait time.Duration)
}

// Asker asks what ari-proxy's protocol has no request for: the packets of a channel
// (rtp_statistics), the options of an endpoint, and a user event that is of no channel. It does so
// beside the PBX and with the contracts of [ari.Control].
type Asker interface {
	Probe(ctx context.Context, r ari.ProbeRequest) ari.ProbeAnswer
	Heartbeat(ctx context.Context, n uint64) error
}

const (
	// requestTimeout bounds one request: more than any takes, and less than a caller may wait.
	requestTimeout = 2 * time.Second
	// libraryTimeout is the same in the library. It ends a little earlier, so that a request that is
	// given up here has ended there: where two time out at once its count of them is a data race.
	libraryTimeout = requestTimeout - margin
	// commandTimeout is when the proxy gives up: its answer ends the wait in the library.
	commandTimeout = libraryTimeout - margin
	margin         = 200 * time.Millisecond
	// maxInFlight bounds the requests at once, the abandoned ones among them: the library can neither
	// cancel nor be told to. It is as many as the front desk has callers.
	maxInFlight = 1024
	// maxReconnect is the longest wait between two tries to reach NATS.
	maxReconnect = 5 * time.Second
	// dialTimeout bounds a try.
	dialTimeout = 2 * time.Second
)

// The library has no options for the time that a request may take, and for the time from the end of
// a client's context to the end of its connection.
func init() {
	client.DefaultRequestTimeout = libraryTimeout
	client.ClosureGracePeriod = 0
}

var (
	errDisconnected = errors.New("there is no connection to NATS")
	errNoProxy      = errors.New("no `risposta proxy` of this PBX is connected to NATS")
)

// Control is the [ari.Control] of one PBX behind a `risposta proxy`, through ari-proxy's client. The
// events of the PBX do not come this way.
type Control struct {
	Asker

	cfg      ControlConfig
	inFlight chan struct{}
	cancel   context.CancelFunc
	done     chan struct{}
	lost     chan *client.Client // those whose connection has ended for good

	mu       sync.Mutex
	lib      *client.Client // nil: not connected
	closed   bool
	requests sync.WaitGroup
}

var _ ari.Control = (*Control)(nil)

// NewControl makes a Control, and begins to connect. Close it after use.
func NewControl(cfg ControlConfig, asker Asker) *Control {
	ctx, cancel := context.WithCancel(context.Background())
	c := &Control{
		Asker: asker, cfg: cfg, inFlight: make(chan struct{}, maxInFlight), cancel: cancel,
		done: make(chan struct{}), lost: make(chan *client.Client, 1),
	}
	go c.keepConnected(ctx)
	return c
}

// Close waits for the requests that were given up, requestTimeout at most, and ends the connection.
func (c *Control) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.requests.Wait()
	c.cancel()
	<-c.done
}

func (c *Control) use(lib *client.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lib = lib
}

// keepConnected connects, and connects anew once the library's connection has ended for good: it
// gives up after two minutes without a server.
func (c *Control) keepConnected(ctx context.Context) {
	defer close(c.done)
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = maxReconnect
	for ctx.Err() == nil {
		err := c.session(ctx, pause.Reset)
		if ctx.Err() != nil {
			return
		}
		wait := pause.NextBackOff()
		c.cfg.Observer.Disconnected(err, wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// session is one connection, until it ends for good. The end of its context closes the library's
// client: its Close would race with the goroutine that waits for that context.
func (c *Control) session(ctx context.Context, connected func()) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	lib, err := c.connect(ctx)
	if err != nil {
		return err
	}
	c.use(lib)
	defer c.use(nil)
	connected()
	c.cfg.Observer.Connected()
	for {
		select {
		case which := <-c.lost:
			if which == lib {
				return errors.New("the connection to NATS has ended")
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// connect makes a connection. The library waits half a minute for a server that is not there, and
// cannot be stopped, so it is called only where one listens.
func (c *Control) connect(ctx context.Context) (*client.Client, error) {
	var servers []*url.URL
	for _, text := range c.cfg.URLs {
		u, err := url.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("the address of NATS: %w", err)
		}
		servers = append(servers, u)
	}
	if err := reach(ctx, servers); err != nil {
		return nil, fmt.Errorf("connecting to NATS: %w", err)
	}
	user := c.cfg.user()
	lib, err := client.New(ctx, client.WithURI(connectURI(servers, user)),
		client.WithApplication(c.cfg.Application))
	if err != nil {
		return nil, errors.New("connecting to NATS: " + withoutSecret(err, user))
	}
	return lib, nil
}

// key names a channel of the PBX, or another thing.
func (c *Control) key(kind, id string) *cycore.Key {
	return cycore.NewKey(kind, id, cycore.WithApp(c.cfg.Application), cycore.WithNode(c.cfg.Node))
}

// within calls the library with a deadline: it takes no context. The result must be passed in the
// return value, so that an abandoned call writes to no variable of the caller's.
func within[T any](
	ctx context.Context, c *Control, call func(lib *client.Client, before time.Time) (T, error),
) (none T, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	before := time.Now().Add(commandTimeout)
	if end, _ := ctx.Deadline(); end.Before(before) {
		before = end
	}
	lib, err := c.begin(ctx)
	if err != nil {
		return none, err
	}
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		defer c.end()
		v, err := call(lib, before)
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, c.explain(lib, r.err)
	case <-ctx.Done():
		return none, fmt.Errorf("no response through the proxy within %s: %w", requestTimeout, ctx.Err())
	}
}

// begin counts a request, and returns the library's client for it.
func (c *Control) begin(ctx context.Context) (*client.Client, error) {
	select {
	case c.inFlight <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.lib == nil {
		<-c.inFlight
		return nil, errDisconnected
	}
	c.requests.Add(1)
	return c.lib, nil
}

func (c *Control) end() {
	<-c.inFlight
	c.requests.Done()
}

// explain is an error of the library's as the contract of [ari.Control] has it. What the PBX said
// comes as text.
func (c *Control) explain(lib *client.Client, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrNoResponders):
		return errNoProxy
	case errors.Is(err, nats.ErrConnectionClosed):
		select {
		case c.lost <- lib:
		default: // another is on its way
		}
		return fmt.Errorf("%w: %w", errDisconnected, err)
	case strings.HasSuffix(err.Error(), ari.ErrNotFound.Error()):
		return fmt.Errorf("through the proxy: %w", ari.ErrNotFound)
	case strings.HasSuffix(err.Error(), context.DeadlineExceeded.Error()): // the proxy was first
		return fmt.Errorf("through the proxy: %w", context.DeadlineExceeded)
	}
	return fmt.Errorf("through the proxy: %w", err)
}
