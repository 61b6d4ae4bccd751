// Package gateway is the running gateway: for each PBX one worker takes frames from a source
// ([native.Source]), passes them through a mediator ([mediation.Mediator]), and commits what comes
// of them to the ledger.
//
// In: a checked configuration. Out: records in the ledger; then log lines and metrics about what
// was committed, never about what was not; health and metrics over HTTP.
//
// It never makes a call wait: while a disk or a lookup is slow, frames fill a bounded queue, and
// the source goes on reading.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/ledgers"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/metering/ledger"
)

// Gateway is one gateway. Make it with New, then Run it once.
type Gateway struct {
	conf    *config.Config // of the start; [Gateway.Reload] leaves it
	inForce atomic.Pointer[config.Config]
	log     *zap.Logger
	metrics *metrics
	lookups *lookups.Lookups
	admin   net.Listener
	// ledger is read for the page and the register: of a cluster, that of all nodes.
	ledger ledger.Store
	sites  sites
	// changing is held while sites come or go, or the configuration in force is replaced.
	changing sync.Mutex
	cluster  *nodesShare // nil: the gateway has PBXs of its own
	// listeners are where PBXs connect to us, nil for those that we connect to.
	listeners []net.Listener
	nodes     nodes
}

// New opens what the gateway needs: ledger, lookups, admin port, listeners. No PBX is contacted
// yet. Run closes what it opened, or New itself where it fails.
func New(ctx context.Context, conf *config.Config, log *zap.Logger) (*Gateway, error) {
	d := &Gateway{conf: conf, log: log, metrics: newMetrics()}
	d.inForce.Store(conf)
	d.nodes.byID = map[string]string{}
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *Gateway) open(ctx context.Context) error {
	var err error
	if d.lookups, err = lookups.Open(ctx, d.conf, observeLookups(d.metrics, d.log)); err != nil {
		return err
	}
	d.metrics.addServices(d.conf)
	d.metrics.signInterval.Set(d.conf.Ledger.SignEvery.Seconds())
	d.metrics.watchDisk(d.conf.Ledger.File, d.conf.Exemption.Registry)
	for _, c := range d.conf.Delivery {
		d.metrics.delivery.add(c.Name)
	}
	if d.conf.Source == config.SourceCluster {
		if err := d.openCluster(ctx); err != nil {
			return err
		}
		return d.openAdmin(ctx)
	}
	if d.ledger, err = ledgers.Open(ctx, d.conf.Ledger, ledger.Exclusive); err != nil {
		return err
	}
	one, err := d.openSite(ctx, d.ledger, "")
	if one != nil {
		d.sites.add(one)
	}
	if err != nil {
		return err
	}
	if err := d.openAdmin(ctx); err != nil {
		return err
	}
	return d.openPBXs(ctx, one)
}

// openPBXs makes a worker for each PBX of the configuration.
func (d *Gateway) openPBXs(ctx context.Context, one *site) error {
	for _, p := range d.conf.PBX {
		// Operators' patterns remember what they matched, so each worker has rules of its own.
		rules, err := d.conf.Rules()
		if err != nil {
			return err
		}
		a, err := openAccess(ctx, p)
		if err != nil {
			return fmt.Errorf("PBX %s: %w", p.Name, err)
		}
		d.listeners = append(d.listeners, a.listener)
		one.workers = append(one.workers, d.newWorker(one, p, rules, a))
	}
	return nil
}

func (d *Gateway) close() error {
	var errs []error
	if d.admin != nil {
		if err := d.admin.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	for _, l := range d.listeners {
		if l != nil {
			if err := l.Close(); !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	for _, s := range d.sites.all() {
		s.close() // before the ledger, which it reads
	}
	if d.cluster != nil {
		d.closeCluster()
	}
	if d.ledger != nil {
		errs = append(errs, d.ledger.Close())
	}
	if d.lookups != nil {
		errs = append(errs, d.lookups.Close())
	}
	return errors.Join(errs...)
}

// eraseBefore is the instant before which calls arrived whose detail is due for erasure.
func (d *Gateway) eraseBefore(now time.Time) time.Time {
	return d.inForce.Load().Ledger.EraseBefore(now)
}

// AdminAddr is where health and metrics are served.
func (d *Gateway) AdminAddr() net.Addr { return d.admin.Addr() }

// Run meters until ctx ends, then drains the queues, commits and returns nil. An error means that
// no retry can help, or that what was read could not be committed before the end.
func (d *Gateway) Run(ctx context.Context) error {
	d.log.Info(evStarted, zap.String("admin", d.AdminAddr().String()),
		zap.Int("pbxs", len(d.conf.PBX)))
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if d.cluster != nil {
			return d.runCluster(gctx)
		}
		return d.sites.all()[0].run(gctx)
	})
	g.Go(func() error { return d.serveAdmin(gctx) })
	g.Go(func() error { return d.watchdog(gctx) })
	g.Go(func() error {
		d.watchRegister(gctx)
		return nil
	})
	g.Go(func() error {
		d.watchLogs(gctx)
		return nil
	})
	g.Go(func() error {
		tuneGC(gctx)
		return nil
	})
	d.notify(daemon.SdNotifyReady)
	err := g.Wait()
	d.notify(daemon.SdNotifyStopping)
	err = errors.Join(err, d.close())
	_ = d.log.Sync() // says what was left out; a pipe or a terminal has nothing to sync
	if err != nil {
		d.log.Error(evStopped, zap.Error(err))
		return err
	}
	d.log.Info(evStopped)
	return nil
}

// nodes refuses a second PBX with the same id: their calls would have the same names.
type nodes struct {
	mu   sync.Mutex
	byID map[string]string // asterisk_id -> the PBX's name in the configuration
}

func (n *nodes) accept(name string, info ari.Info) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if have, ok := n.byID[info.Node]; ok && have != name {
		return fmt.Errorf("PBX %s has the same id %s as PBX %s: set entityid in asterisk.conf, "+
			"another one on each", name, info.Node, have)
	}
	n.byID[info.Node] = name
	return nil
}

// drainTimeout bounds the shutdown: the time to commit what was already read.
const drainTimeout = 10 * time.Second
