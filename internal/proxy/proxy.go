package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/CyCoreSystems/ari-proxy/v5/proxy"
	"github.com/CyCoreSystems/ari-proxy/v5/server"
	"github.com/cenkalti/backoff/v5"
	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// Config says which PBX is served, and where.
type Config struct {
	PBX         PBX
	Application string
	URL         string        // of NATS
	NATS        []nats.Option // credentials, and the authorities of its certificate
	Admin       string        // the address of health and metrics, on loopback
}

// Proxy is one proxy. Make it with New, then Run it once.
type Proxy struct {
	cfg     Config
	log     *zap.Logger
	metrics *metrics
	admin   net.Listener
	serving atomic.Pointer[nats.Conn] // over which requests are served; nil: they are not
}

const (
	// checkEvery is how often the PBX is asked for its id: a PBX with another one is served within
	// this.
	checkEvery = time.Second
	// The bounds of the wait before the serving begins anew.
	minRetry = 100 * time.Millisecond
	maxRetry = 5 * time.Second
)

// ari-proxy has no other way to set it.
func init() { proxy.EntityCheckInterval = checkEvery }

// New opens the admin port. NATS need not be there yet.
func New(ctx context.Context, cfg Config, log *zap.Logger) (*Proxy, error) {
	p := &Proxy{cfg: cfg, log: log, metrics: newMetrics()}
	var err error
	if p.admin, err = new(net.ListenConfig).Listen(ctx, "tcp", cfg.Admin); err != nil {
		return nil, fmt.Errorf("listening on admin.listen: %w", err)
	}
	return p, nil
}

// AdminAddr is where health and metrics are served.
func (p *Proxy) AdminAddr() net.Addr { return p.admin.Addr() }

// Run serves until ctx ends. Then it takes no more requests, waits for those that run, and returns
// nil. The answer of one of them may get lost: the meter takes it for a failed one.
func (p *Proxy) Run(ctx context.Context) error {
	p.log.Info(evStarted, zap.String("admin", p.AdminAddr().String()))
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.serveAdmin(gctx) })
	g.Go(func() error {
		p.serve(gctx)
		return nil
	})
	p.notify(daemon.SdNotifyReady)
	err := g.Wait()
	p.notify(daemon.SdNotifyStopping)
	if err != nil {
		p.log.Error(evStopped, zap.Error(err))
		return err
	}
	p.log.Info(evStopped)
	return nil
}

// notify tells the service manager a state, where one started the proxy (sd_notify(3)).
func (p *Proxy) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		p.log.Warn(evNotNotified, zap.Error(err))
	}
}

// serve serves the PBX under its id, and anew where that changes or the serving fails, until ctx ends.
func (p *Proxy) serve(ctx context.Context) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = minRetry, maxRetry
	for ctx.Err() == nil {
		err := p.serveOne(ctx, pause.Reset)
		if ctx.Err() != nil {
			return
		}
		if changed, ok := errors.AsType[idChanged](err); ok {
			p.metrics.restarts.WithLabelValues(restartedID).Inc()
			p.log.Warn(evIDChanged, zap.String("before", changed.before),
				zap.String("node", changed.after))
			continue // at once: it has been served until now, so this cannot spin
		}
		wait := pause.NextBackOff()
		p.metrics.restarts.WithLabelValues(restartedFailed).Inc()
		p.log.Warn(evFailed, zap.Error(err), zap.Int64("retry_in_ms", wait.Milliseconds()))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// idChanged: the PBX has another id than it was served under.
type idChanged struct{ before, after string }

func (e idChanged) Error() string {
	return fmt.Sprintf("the PBX's id was %s and is %s", e.before, e.after)
}

// serveOne runs ari-proxy's server until ctx ends, the id of the PBX changes, or it fails. Each has a
// connection of its own: ari-proxy leaves a subscription behind, by which it would go on announcing
// the former id.
func (p *Proxy) serveOne(ctx context.Context, onReady func()) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	lib := newClient(p.cfg.PBX, p.cfg.Application, p.metrics, func(before, after string) {
		end(idChanged{before, after})
	})
	defer lib.wait()
	// ari-proxy panics where the first answer does not come.
	info, err := lib.Asterisk().Info(nil)
	if err != nil {
		return fmt.Errorf("asking the PBX who it is: %w", err)
	}
	if node := info.SystemInfo.EntityID; node == "" || strings.ContainsAny(node, " \t*>") {
		return fmt.Errorf("the PBX's id %q cannot be a part of a subject of NATS: "+
			"set entityid in asterisk.conf", node)
	}
	conn, err := p.connect()
	if err != nil {
		return err
	}
	defer p.disconnect(conn)
	s := server.New()
	s.Dialog = noDialogs{}
	done := make(chan error, 1)
	go func() { done <- listen(ctx, s, lib, codec{p.refuse}.over(conn)) }()
	select {
	case <-s.Ready():
	case err := <-done:
		return errors.Join(context.Cause(ctx), err)
	}
	onReady()
	setBool(p.metrics.listening, true)
	p.serving.Store(conn)
	p.log.Info(evListening, zap.String("node", info.SystemInfo.EntityID))
	err = <-done
	p.serving.Store(nil)
	setBool(p.metrics.listening, false)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// listen runs ari-proxy's server. It panics where a subscription cannot be ended.
func listen(
	ctx context.Context, s *server.Server, lib *client, conn *encodedConn,
) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("ari-proxy: %v", r)
		}
	}()
	return s.ListenOn(ctx, lib, conn)
}

// refuse counts a request that is not served, and logs its kind.
func (p *Proxy) refuse(kind string) {
	p.metrics.refused.Inc()
	if len(kind) > maxKind {
		kind = kind[:maxKind]
	}
	p.log.Warn(evRefused, zap.String("kind", kind))
}

// maxKind is longer than the name of any request of ari-proxy's.
const maxKind = 40
