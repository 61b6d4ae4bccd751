package ledger

import (
	"context"
	"errors"
	"io"
)

// Position is a place in the stream of a node's frames: the run of whoever publishes them, and the
// sequence number of the last frame that was read. The zero Position is before all.
type Position struct {
	Run string
	Seq int64
}

// Advance moves the position of a batch's node. It must stand at From.
type Advance struct{ From, To Position }

// Lease is the right of one meter to commit for a node. The epoch is greater than that of each
// lease of the node before it.
type Lease struct {
	Node, Meter string
	Epoch       int64
}

// NodeState is a node as the meters share it out.
type NodeState struct {
	Lease
	// Free: no meter has it, or the one that had it let its lease expire.
	Free bool
}

// View is who meters what, at one instant of the database's clock.
type View struct {
	Meters []string    // that are alive, in the order of their names, this one among them
	Nodes  []NodeState // in the order of their names
}

var (
	// ErrFenced says that the meter no longer has the lease of the node, or that the node's position
	// is not where the batch goes on from. Nothing was kept. The meter stops metering the node.
	ErrFenced = errors.New("another meter has the node")
	// ErrLeased says that a lease was not given because a meter has it.
	ErrLeased = errors.New("a meter has the node already")
)

// Cluster shares the nodes out among the meters of one ledger. A lease and the sign of life of a
// meter last for LeaseTime, by the database's clock alone.
type Cluster interface {
	// Meter is the name of this meter in leases and views: no other's, nor that of an earlier run.
	Meter() string
	// AddNode makes a node known; one that is known already is left as it is.
	AddNode(ctx context.Context, node string) error
	// RemoveNode has no meter take the node any more. Who has it loses it with the next Meet.
	RemoveNode(ctx context.Context, node string) error
	// Meet tells the others that this meter is alive, renews all leases that it has, and returns who
	// has which. A lease of this meter that is not in the view is lost. A commit renews the lease,
	// too.
	Meet(ctx context.Context) (View, error)
	// Take gives this meter the lease of a node that is free, with a greater epoch: from then on no
	// meter can commit under an earlier one. ErrLeased where it is not free.
	Take(ctx context.Context, node string) (Lease, error)
	// Release gives a lease back, so that another meter gets it at once. One that is lost already is
	// left as it is.
	Release(ctx context.Context, l Lease) error
	// Open opens the node's ledger under a lease. Each change of it, not only each commit, fails with
	// ErrFenced once the lease is another's. Closing it does not release the lease.
	Open(l Lease) Metered
	// Close gives all leases back, and leaves the meters.
	io.Closer
}

// Metered is the ledger of one node, as a meter has it.
type Metered interface {
	Store
	// Position returns how far the node's stream is committed, zero where nothing is.
	Position(ctx context.Context) (Position, error)
}

// Logs is a store with a ledger log for each node. The store itself has one of no node, "".
type Logs interface {
	// Logs returns the names of the logs that have leaves, or anything that has its leaves there, in
	// order.
	Logs(ctx context.Context) ([]string, error)
	// Log returns a store of one log alone, which is closed with this one.
	Log(log string) Store
}
