// Package delivery makes of committed changes of records what other systems get, and holds the
// contract of those that take it.
//
// In: changes of records ([ledger.Change]) in the order of committing, and the names of the fields
// that a system is to have ([Select]). Out: [Event], with an id that is the same each time, and the
// values of those fields ([Fields.Values]). Adapters live in folders named after what they wrap: file/,
// webhook/, postgres/, nats/. The package opens nothing, keeps no cursor (internal/delivery does) and
// never adds a field that was not asked for.
package delivery

import (
	"context"
	"fmt"
	"time"
)

// Batch is what is handed over at once.
type Batch struct {
	// From and Until are positions of the ledger log: the batch has all changes from the one and before
	// the other. The next batch begins where this one ends.
	From, Until int64
	Events      []Event // in the order of committing
}

// Refusal is one event that the other side does not take, however often it is sent.
type Refusal struct {
	Index int // of the event in the batch
	Why   string
}

// Sink is one other system.
type Sink interface {
	// Deliver hands over a batch, in its order. done is the number of events at its beginning that are
	// settled: the other side has them durably, or refuses them. Without an error that is all of them.
	//
	// After an error, which may have a [RetryAfterError] in it, the caller waits and delivers the rest
	// again; after a crash the whole batch. So an event may be delivered twice, with the same id, and the
	// other side is to drop it or to replace what it has. Errors and refusals quote no value of a record.
	// One goroutine at a time calls it.
	Deliver(ctx context.Context, b Batch) (done int, refused []Refusal, err error)
	// Close gives back what the sink holds open.
	Close()
}

// Holder is a sink that can tell what the other side has.
type Holder interface {
	// Held calls f with the id of each event that the other side has, and the digest of its values
	// ([Fields.Digest]); "" where the other side cannot tell it. A system that replaces earlier versions
	// has the newest of each record alone.
	Held(ctx context.Context, f func(id, digest string) error) error
	// Replaces reports whether later versions take the place of earlier ones.
	Replaces() bool
}

// RetryAfterError is an error of a system that says when it wants to be asked again.
type RetryAfterError struct {
	After time.Duration
	Err   error
}

// Error says what was tried, and when it is tried again.
func (e *RetryAfterError) Error() string {
	return fmt.Sprintf("%v (it asks to wait %s)", e.Err, e.After)
}

// Unwrap returns the error itself.
func (e *RetryAfterError) Unwrap() error { return e.Err }
