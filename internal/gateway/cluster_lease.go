package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/postgres"
)

// take meters a node, where no other meter was faster.
func (d *Gateway) take(ctx context.Context, node string) {
	c := d.cluster
	if c.running[node] != nil {
		return // its site is ending
	}
	lease, err := c.meters.Take(ctx, node)
	if err != nil {
		if !errors.Is(err, ledger.ErrLeased) && ctx.Err() == nil {
			d.log.Error(evNodeNotTaken, zap.String("pbx", node), zap.Error(err))
		}
		return
	}
	d.changing.Lock()
	defer d.changing.Unlock()
	s, err := d.openLeased(ctx, lease)
	if err != nil {
		d.log.Error(evNodeNotTaken, zap.String("pbx", node), zap.Error(err))
		s.close()
		d.giveBack(lease)
		return
	}
	sctx, end := context.WithCancel(context.WithoutCancel(ctx))
	l := &leased{lease: lease, site: s, end: end, done: make(chan struct{})}
	c.running[node] = l
	d.sites.add(s)
	d.log.Info(evNodeTaken, zap.String("pbx", node), zap.Int64("epoch", lease.Epoch))
	go func() {
		defer close(l.done)
		l.err = s.run(sctx)
		end()
		select {
		case c.ended <- l:
		case <-ctx.Done(): // endLeases waits for done
		}
	}()
}

// openLeased opens the site of a node.
func (d *Gateway) openLeased(ctx context.Context, lease ledger.Lease) (*site, error) {
	c := d.cluster
	store := c.meters.Open(lease)
	s, err := d.openSite(ctx, store, lease.Node)
	if err != nil {
		return s, err
	}
	rules, err := d.inForce.Load().Rules()
	if err != nil {
		return s, err
	}
	w, err := d.newClusterWorker(ctx, s, store, rules)
	if err != nil {
		return s, err
	}
	s.workers = append(s.workers, w)
	return s, nil
}

// afterLease takes leave of a node: its site has ended.
func (d *Gateway) afterLease(l *leased) {
	node := l.lease.Node
	<-l.done
	d.changing.Lock()
	d.sites.remove(l.site)
	d.changing.Unlock()
	l.site.close()
	d.metrics.removePBX(node)
	delete(d.cluster.running, node)
	switch {
	case errors.Is(l.err, ledger.ErrFenced):
		d.log.Warn(evNodeLost, zap.String("pbx", node), zap.Int64("epoch", l.lease.Epoch))
		return
	case l.err != nil:
		d.log.Error(evNodeFailed, zap.String("pbx", node), zap.Error(l.err))
	default:
		d.log.Info(evNodeReleased, zap.String("pbx", node), zap.Int64("epoch", l.lease.Epoch))
	}
	d.giveBack(l.lease)
}

// giveBack releases a lease. Where that fails it ends by itself.
func (d *Gateway) giveBack(l ledger.Lease) {
	ctx, cancel := context.WithTimeout(context.Background(), postgres.LeaseTime)
	defer cancel()
	if err := d.cluster.meters.Release(ctx, l); err != nil {
		d.log.Warn(evNodeNotReleased, zap.String("pbx", l.Node), zap.Error(err))
	}
}

// endLeases ends all sites at once, and gives each node back as soon as it is committed.
func (d *Gateway) endLeases() error {
	d.closeRest()
	var all []*leased
	for _, l := range d.cluster.running {
		l.end()
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *leased) int {
		return slices.Compare([]byte(a.lease.Node), []byte(b.lease.Node))
	})
	var errs []error
	for _, l := range all {
		<-l.done
		if l.err != nil && !errors.Is(l.err, ledger.ErrFenced) {
			errs = append(errs, fmt.Errorf("node %s: %w", l.lease.Node, l.err))
		}
		d.afterLease(l)
	}
	return errors.Join(errs...)
}
