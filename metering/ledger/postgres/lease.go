package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/risposta/gateway/metering/ledger"
)

// LeaseTime is how long a lease lasts that is not renewed, and a meter without a sign of life, by
// the database's clock. A node passes to another meter within that, and one Meet of it.
const LeaseTime = 3 * time.Second

// Cluster is one meter among those that share the nodes of a ledger.
type Cluster struct {
	meter       string
	read, write *pgxpool.Pool
	leases      *pgxpool.Pool // of its own: a lease is renewed although all others wait
}

var _ ledger.Cluster = (*Cluster)(nil)

// OpenCluster opens the ledger for a meter, and makes it where there is none. The meter's name gets
// a random end: what an earlier run had, perhaps in the middle of something, is not this one's.
func OpenCluster(ctx context.Context, dsn, meter string) (*Cluster, error) {
	c := &Cluster{meter: meter + "/" + rand.Text()[:8]}
	if err := c.open(ctx, dsn); err != nil {
		c.closePools()
		return nil, fmt.Errorf("opening the ledger in PostgreSQL as meter %s: %w", meter, err)
	}
	return c, nil
}

func (c *Cluster) open(ctx context.Context, dsn string) error {
	conf, err := parse(dsn)
	if err != nil {
		return err
	}
	if err := migrate(ctx, conf, false); err != nil {
		return err
	}
	if c.read, err = connect(ctx, conf, reading); err != nil {
		return err
	}
	if c.write, err = connect(ctx, conf, writing); err != nil {
		return err
	}
	conf.MaxConns = 1
	conf.ConnConfig.RuntimeParams["lock_timeout"] = millisText(LeaseTime / 3)
	c.leases, err = connect(ctx, conf, writing)
	return err
}

// Meter implements ledger.Cluster.
func (c *Cluster) Meter() string { return c.meter }

// AddNode implements ledger.Cluster.
func (c *Cluster) AddNode(ctx context.Context, node string) error {
	if node == wholeLog {
		return errors.New("adding a node to the cluster: it has no name")
	}
	_, err := c.leases.Exec(ctx, `
		INSERT INTO node (node, metered) VALUES ($1, true)
		ON CONFLICT (node) DO UPDATE SET metered = true WHERE NOT node.metered`, node)
	if err != nil {
		return fmt.Errorf("adding node %s to the cluster: %w", node, hide(err))
	}
	return nil
}

// RemoveNode implements ledger.Cluster.
func (c *Cluster) RemoveNode(ctx context.Context, node string) error {
	_, err := c.leases.Exec(ctx, `UPDATE node SET metered = false WHERE node = $1`, node)
	if err != nil {
		return fmt.Errorf("removing node %s from the cluster: %w", node, hide(err))
	}
	return nil
}

// The statements of Meet. A node whose row is locked is being committed to, which renews its lease.
const (
	beat = `
		INSERT INTO meter (meter, expires_at) VALUES ($1, clock_timestamp() + $2::interval)
		ON CONFLICT (meter) DO UPDATE SET expires_at = excluded.expires_at`
	forget = `DELETE FROM meter WHERE expires_at < clock_timestamp() - interval '1 hour'`
	renew  = `
		UPDATE node SET expires_at = clock_timestamp() + $2::interval
		WHERE node IN (SELECT node FROM node WHERE meter = $1 AND metered FOR UPDATE SKIP LOCKED)`
	alive = `SELECT meter FROM meter WHERE expires_at > clock_timestamp() ORDER BY meter`
	nodes = `
		SELECT node, coalesce(meter, ''), epoch,
			coalesce(meter IS NULL OR expires_at <= clock_timestamp(), true)
		FROM node WHERE metered ORDER BY node`
)

// Meet implements ledger.Cluster.
func (c *Cluster) Meet(ctx context.Context) (v ledger.View, err error) {
	ctx, cancel := context.WithTimeout(ctx, LeaseTime)
	defer cancel()
	err = pgx.BeginFunc(ctx, c.leases, func(tx pgx.Tx) error {
		has, err := schemaVersion(ctx, tx)
		if err == nil {
			err = checkNotNewer(has)
		}
		if err != nil {
			return err
		}
		for _, query := range []string{beat, renew} {
			if _, err := tx.Exec(ctx, query, c.meter, LeaseTime); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, forget); err != nil {
			return err
		}
		if v.Meters, err = list[string](ctx, tx, alive); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, nodes)
		if err != nil {
			return err
		}
		v.Nodes, err = pgx.CollectRows(rows, nodeState)
		return err
	})
	if err != nil {
		return ledger.View{}, fmt.Errorf("meeting the other meters: %w", hide(err))
	}
	return v, nil
}

func nodeState(row pgx.CollectableRow) (n ledger.NodeState, err error) {
	err = row.Scan(&n.Node, &n.Meter, &n.Epoch, &n.Free)
	return n, err
}

// Take implements ledger.Cluster.
func (c *Cluster) Take(ctx context.Context, node string) (ledger.Lease, error) {
	l := ledger.Lease{Node: node, Meter: c.meter}
	err := c.leases.QueryRow(ctx, `
		UPDATE node SET meter = $2, epoch = epoch + 1, expires_at = clock_timestamp() + $3::interval
		WHERE node = $1 AND metered AND (meter IS NULL OR expires_at <= clock_timestamp())
		RETURNING epoch`, node, c.meter, LeaseTime).Scan(&l.Epoch)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ledger.ErrLeased
	}
	if err != nil {
		return ledger.Lease{}, fmt.Errorf("taking node %s: %w", node, hide(err))
	}
	return l, nil
}

// Release implements ledger.Cluster.
func (c *Cluster) Release(ctx context.Context, l ledger.Lease) error {
	_, err := c.leases.Exec(ctx, `
		UPDATE node SET meter = NULL, expires_at = NULL WHERE node = $1 AND meter = $2 AND epoch = $3`,
		l.Node, l.Meter, l.Epoch)
	if err != nil {
		return fmt.Errorf("giving node %s back: %w", l.Node, hide(err))
	}
	return nil
}

// Open implements ledger.Cluster.
func (c *Cluster) Open(l ledger.Lease) ledger.Metered {
	return &Store{
		reads: reads{q: c.read, log: l.Node}, read: c.read, write: c.write, epoch: l.Epoch,
	}
}

// Whole returns the ledger of all nodes, for reading and for changes of calls that have ended. It
// is closed with the cluster.
func (c *Cluster) Whole() *Store {
	return &Store{reads: reads{q: c.read, log: wholeLog, all: true}, read: c.read, write: c.write}
}

// Close implements ledger.Cluster. The connection may have been lost while it rested: a second try gets
// another one.
func (c *Cluster) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), LeaseTime)
	defer cancel()
	err := c.leave(ctx)
	if err != nil {
		err = c.leave(ctx)
	}
	c.closePools()
	if err != nil {
		return fmt.Errorf("giving the nodes of meter %s back: %w", c.meter, hide(err))
	}
	return nil
}

// leave gives back what this meter has. Doing it twice changes nothing.
func (c *Cluster) leave(ctx context.Context) error {
	_, err := c.leases.Exec(ctx, `
		UPDATE node SET meter = NULL, expires_at = NULL WHERE meter = $1`, c.meter)
	if err == nil {
		_, err = c.leases.Exec(ctx, `DELETE FROM meter WHERE meter = $1`, c.meter)
	}
	return err
}

func (c *Cluster) closePools() {
	for _, pool := range []*pgxpool.Pool{c.leases, c.write, c.read} {
		if pool != nil {
			pool.Close()
		}
	}
}
