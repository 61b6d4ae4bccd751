package gateway

import (
	"context"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/risposta/gateway/ari/cluster"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/postgres"
)

// A meter of a cluster takes the leases of its share of the nodes. For each it has a site, which ends
// with the lease. It knows of a lease what the database tells it, and of a node what the stream has.

const (
	// meetEvery is how often a meter renews its leases and looks for nodes: three times before a lease
	// would end.
	meetEvery = postgres.LeaseTime / 3
	// findEvery is how often the stream is asked which nodes have sent frames.
	findEvery = 5 * time.Second
)

// nodesShare is a meter's part of the cluster.
type nodesShare struct {
	meters  *postgres.Cluster
	conn    *nats.Conn
	stream  string
	running map[string]*leased // by node
	ended   chan *leased
	rest    *rest     // nil: another meter has it
	found   time.Time // when the stream was asked last
	apart   bool      // the others could not be met last time
}

// leased is a node that this meter has.
type leased struct {
	lease ledger.Lease
	site  *site
	end   context.CancelFunc
	done  chan struct{}
	err   error // read after done
}

func (d *Gateway) openCluster(ctx context.Context) error {
	c := &nodesShare{running: map[string]*leased{}, ended: make(chan *leased), stream: d.conf.NATS.Stream}
	d.cluster = c
	server, err := d.conf.NATS.Server()
	if err != nil {
		return err
	}
	c.conn, err = cluster.Connect(server, "risposta meter "+d.conf.Meter.Name, cluster.Events{
		Lost:    func(err error) { d.log.Warn(evNATSLost, zap.Error(err)) },
		Back:    func() { d.log.Info(evNATSConnected) },
		Refused: func(err error) { d.log.Error(evNATSRefused, zap.Error(err)) },
	})
	if err != nil {
		return err
	}
	c.meters, err = postgres.OpenCluster(ctx, d.conf.Ledger.Postgres.DSN.Reveal(), d.conf.Meter.Name)
	if err != nil {
		return err
	}
	d.ledger = c.meters.Whole()
	return nil
}

// closeCluster leaves the other meters. Where the database is away the leases end by themselves.
func (d *Gateway) closeCluster() {
	c := d.cluster
	if c.conn != nil {
		c.conn.Close()
	}
	if c.meters == nil {
		return
	}
	if err := c.meters.Close(); err != nil {
		d.log.Warn(evNodeNotReleased, zap.String("pbx", ""), zap.Error(err))
	}
}

// runCluster meters this meter's share of the nodes until ctx ends, then ends all and gives them back.
func (d *Gateway) runCluster(ctx context.Context) error {
	c := d.cluster
	tick := time.NewTicker(meetEvery)
	defer tick.Stop()
	for {
		d.meet(ctx)
		select {
		case <-tick.C:
		case l := <-c.ended:
			d.afterLease(l)
		case <-ctx.Done():
			return d.endLeases()
		}
	}
}

// meet renews what this meter has, ends what it has lost, and takes or gives what is its share.
func (d *Gateway) meet(ctx context.Context) {
	c := d.cluster
	view, err := c.meters.Meet(ctx)
	if err != nil {
		if !c.apart && ctx.Err() == nil {
			d.log.Error(evMetersApart, zap.Error(err))
		}
		c.apart = true
		return // nothing can be committed without a lease: what is out of date ends by ErrFenced
	}
	c.apart = false
	if time.Since(c.found) >= findEvery {
		c.found = time.Now()
		if err := c.find(ctx, view); err != nil && ctx.Err() == nil {
			d.log.Warn(evNodesUnknown, zap.Error(err))
		}
	}
	d.compare(view)
	first := len(view.Meters) > 0 && view.Meters[0] == c.meters.Meter()
	d.keepRest(ctx, first, c.meters.Whole().Log(""))
	share := view.Share(c.meters.Meter())
	for _, node := range share.Take {
		d.take(ctx, node)
	}
	if l := c.running[share.Give]; l != nil {
		l.end() // afterLease gives it back, once all is committed
	}
	d.metrics.leasedNodes.Set(float64(len(c.running)))
}

// compare ends the sites whose lease is lost, and gives back each lease that has no site: that of a node
// that could not be given back, or whose taking was not answered, would be renewed for ever.
func (d *Gateway) compare(view ledger.View) {
	c := d.cluster
	mine := map[string]int64{}
	for _, n := range view.Nodes {
		if n.Meter != c.meters.Meter() || n.Free {
			continue
		}
		mine[n.Node] = n.Epoch
	}
	for _, l := range idle(view, c.meters.Meter(), func(node string) bool {
		return c.running[node] != nil
	}) {
		d.giveBack(l)
	}
	for node, l := range c.running {
		if mine[node] != l.lease.Epoch {
			l.end()
		}
	}
}

// idle are the leases that a meter has without a site.
func idle(view ledger.View, meter string, runs func(node string) bool) (leases []ledger.Lease) {
	for _, n := range view.Nodes {
		if n.Meter == meter && !n.Free && !runs(n.Node) {
			leases = append(leases, n.Lease)
		}
	}
	return leases
}

// find makes the nodes known whose frames are in the stream. Those that are known are left alone: adding one
// again would wait for what is being committed to it.
func (c *nodesShare) find(ctx context.Context, view ledger.View) error {
	ctx, cancel := context.WithTimeout(ctx, meetEvery)
	defer cancel()
	js, err := jetstream.New(c.conn)
	if err != nil {
		return err
	}
	nodes, err := cluster.Nodes(ctx, js, c.stream)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		if slices.ContainsFunc(view.Nodes, func(n ledger.NodeState) bool { return n.Node == node }) {
			continue
		}
		if err := c.meters.AddNode(ctx, node); err != nil {
			return err
		}
	}
	return nil
}
