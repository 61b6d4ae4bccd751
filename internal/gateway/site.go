package gateway

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/internal/delivery"
	"github.com/risposta/gateway/internal/heads"
	"github.com/risposta/gateway/internal/rerating"
	"github.com/risposta/gateway/internal/retention"
	"github.com/risposta/gateway/metering/ledger"
)

// site is a ledger with the PBXs that are metered into it, and all that changes it: a gateway has one,
// a meter of a cluster one for each node that it has the lease of, and perhaps the [rest].
type site struct {
	gateway    *Gateway
	name       string // of the node, in a cluster; else ""
	log        *zap.Logger
	ledger     ledger.Store
	workers    []*pbxWorker
	resolver   *rerating.Resolver
	retention  *retention.Worker
	heads      *heads.Keepers
	deliveries []*delivery.Worker
	pending    atomic.Int64 // records that wait for a lookup
}

// openSite opens all but the workers of the PBXs. What it returns is to be closed, also beside an
// error.
func (d *Gateway) openSite(ctx context.Context, store ledger.Store, name string) (*site, error) {
	s := &site{gateway: d, name: name, log: d.log, ledger: store}
	if name != "" {
		s.log = d.log.With(zap.String("pbx", name))
	}
	own, err := store.Heads(ctx)
	if err != nil {
		return s, err
	}
	signer, err := audit.Signer(d.conf.Ledger.KeyFile, d.cluster != nil || len(own) > 0)
	if err != nil {
		return s, err
	}
	places, err := openHeads(d.conf.Ledger.Heads, name)
	if err != nil {
		return s, err
	}
	if err := s.keepHeads(places, own); err != nil {
		return s, err
	}
	if err := s.openDeliveries(ctx); err != nil {
		return s, err
	}
	s.retention = &retention.Worker{
		Store: store, Signer: signer, SignEvery: d.conf.Ledger.SignEvery,
		Before:   d.eraseBefore,
		Observer: observer{s},
	}
	names, err := d.conf.Pseudonyms()
	if err != nil {
		return s, err
	}
	s.resolver = &rerating.Resolver{
		Store: store, Lookup: d.lookups, Registry: d.lookups.Registry, Pseudonyms: names,
		GiveUpAfter: d.conf.Exemption.GiveUpAfter, Observer: observer{s},
	}
	return s, nil
}

// run meters until ctx ends, drains the queues and signs. An error means that no retry can help, or
// that what was read could not be committed before the end.
func (s *site) run(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	for _, w := range s.workers {
		g.Go(func() error { return w.run(gctx) })
	}
	for _, other := range []func(context.Context){s.retention.Run, s.resolver.Run, s.deliver} {
		g.Go(func() error {
			other(gctx)
			return nil
		})
	}
	err := g.Wait()
	s.retention.Sign(context.WithoutCancel(ctx)) // the last calls, too
	return err
}

// close lets go of what the site has besides its ledger.
func (s *site) close() {
	if s.heads != nil {
		s.heads.Close()
	}
}

// sites are those that are metered at present.
type sites struct {
	mu   sync.Mutex
	list []*site
}

func (s *sites) add(one *site) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, one)
}

func (s *sites) remove(one *site) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(s.list, func(x *site) bool { return x == one })
}

func (s *sites) all() []*site {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

// workers are those of all sites.
func (s *sites) workers() (all []*pbxWorker) {
	for _, one := range s.all() {
		all = append(all, one.workers...)
	}
	return all
}

// pending is the number of records that wait for a lookup.
func (s *sites) pending() (n int64) {
	for _, one := range s.all() {
		n += one.pending.Load()
	}
	return n
}
