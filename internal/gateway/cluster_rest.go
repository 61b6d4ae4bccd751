package gateway

import (
	"context"

	"go.uber.org/zap"

	"github.com/risposta/gateway/metering/ledger"
)

// rest is the site of what no node has: the records that `risposta reconcile` entered, and those of a
// gateway that had the ledger before. They are signed, delivered and erased like any others. The meter
// whose name comes first has it. While meters come and go two may: what they do twice is done once more,
// by the same key or under the same id.
type rest struct {
	site *site
	end  context.CancelFunc
	done chan struct{}
}

// ended reports whether it has come to its end.
func (r *rest) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// keepRest opens or ends the site of what no node has, whose log is store.
func (d *Gateway) keepRest(ctx context.Context, mine bool, store ledger.Store) {
	c := d.cluster
	if c.rest != nil && c.rest.ended() {
		d.closeRest()
	}
	switch {
	case c.rest != nil && !mine:
		c.rest.end() // the next meeting closes it
	case c.rest == nil && mine:
		if err := d.openRest(ctx, store); err != nil && ctx.Err() == nil {
			d.log.Error(evNodeNotTaken, zap.String("pbx", ""), zap.Error(err))
		}
	}
}

func (d *Gateway) openRest(ctx context.Context, store ledger.Store) error {
	d.changing.Lock()
	defer d.changing.Unlock()
	s, err := d.openSite(ctx, store, "")
	if err != nil {
		s.close()
		return err
	}
	rctx, end := context.WithCancel(context.WithoutCancel(ctx))
	r := &rest{site: s, end: end, done: make(chan struct{})}
	d.cluster.rest = r
	d.sites.add(s)
	go func() {
		defer close(r.done)
		_ = s.run(rctx) // only workers of PBXs fail
	}()
	return nil
}

// closeRest ends the site, where there is one, and waits for it.
func (d *Gateway) closeRest() {
	r := d.cluster.rest
	if r == nil {
		return
	}
	r.end()
	<-r.done
	d.changing.Lock()
	d.sites.remove(r.site)
	d.changing.Unlock()
	r.site.close()
	d.cluster.rest = nil
}
