// Package ledger is the durable side of metering: what must be on disk before anybody is told.
//
// In: batches, each the outcome of some events taken together: their evidence, the calls they opened, the records they closed, and
// how far the source was read. Out: the same things again, after any crash. It never judges: no price, no talk, no clock.
//
// The stores are named after what they wrap: sqlite/.
package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/risposta/gateway/metering"
)

// Batch is what one commit makes durable, all of it or nothing.
type Batch struct {
	ID       string // of this batch, never used for another: when it was kept in spite of an error, trying it again changes nothing
	Node     string // which PBX it came from, by asterisk_id; "" while not known
	Opened   []OpenCall
	Evidence []Evidence
	Records  []metering.Record // each closes its call
	Rejects  []Reject
	Pending  []PendingRecord   // calls whose record waits for an answer about the caller
	Resolved []metering.CallID // calls that no longer wait
	// Watermark is the latest instant of the PBX's clock up to which it was seen without a gap; zero keeps the former one.
	Watermark time.Time
	// Checkpoint, where not nil, is what the next run needs to go on without a gap. Any later commit of the node removes it.
	Checkpoint []byte
}

// Empty tells that there is nothing to commit.
func (b *Batch) Empty() bool {
	return len(b.Opened)+len(b.Evidence)+len(b.Records)+len(b.Rejects) == 0 && b.Watermark.IsZero() && b.Checkpoint == nil
}

// OpenCall is a call that has arrived and not ended.
type OpenCall struct {
	Call            metering.CallID
	Node            string
	Service         string
	ArrivedAt       time.Time
	EncryptedCaller []byte // the caller's number, encrypted, while it may still have to be asked about; nil: none
}

// PendingRecord is a call that has ended while nobody could say whether its caller is exempt: its record charges nothing, until an answer as of ArrivedAt comes.
type PendingRecord struct {
	Call            metering.CallID
	ArrivedAt       time.Time
	EncryptedCaller []byte // the caller's number, encrypted; it goes with the answer
}

// Evidence is one frame of one call's evidence: a line of JSON without its newline.
type Evidence struct {
	Call  metering.CallID
	Frame []byte
}

// Reject is a frame that could not be read. Its bytes are not kept, for they may name a person; their hash is.
type Reject struct {
	At     time.Time // the PBX's clock, as far as known
	Bytes  int
	Type   string
	SHA256 string
	Error  string
}

// Query selects records by the instant of arrival: Since <= arrived < Until; zero values and "" do not restrict.
type Query struct {
	Since, Until time.Time
	Service      string
}

// ErrNotFound says that no such call is in the ledger.
var ErrNotFound = errors.New("no such call in the ledger")

// ErrBroken says that a batch contradicts what the ledger holds: a call opened twice, a record of a call that is not open. Trying again
// can't help: an invariant is broken, and the process must end and say so.
var ErrBroken = errors.New("the batch contradicts the ledger")

// AnyNode selects the open calls of all nodes.
const AnyNode = ""

// Writer is the daemon's side. One goroutine at a time.
//
// Commit: when it returns nil the whole batch survives a crash of the process and of the machine; when it returns an error nothing of
// it was kept, and the same batch may be committed again, unless the error is ErrBroken. It never waits for anything but the disk.
type Writer interface {
	Commit(ctx context.Context, b *Batch) error
	// OpenCalls returns the open calls of the node, or of AnyNode, in the order in which they arrived.
	OpenCalls(ctx context.Context, node string) ([]OpenCall, error)
	// Watermark returns the node's last sure instant, zero if it was never seen.
	Watermark(ctx context.Context, node string) (time.Time, error)
	// Checkpoint returns what the node's last commit left for the next run, nil if it left nothing.
	Checkpoint(ctx context.Context, node string) ([]byte, error)
	Reader
}

// Reader is everybody else's side. It may be used while a daemon writes.
type Reader interface {
	// Evidence returns a call's frames in the order of committing; none for an unknown call.
	Evidence(ctx context.Context, call metering.CallID) ([][]byte, error)
	// Records calls f with the JSON of each selected call's newest record, exactly as it was committed, in the order of arrival.
	Records(ctx context.Context, q Query, f func(json []byte) error) error
	// Record returns the JSON of the call's newest record, or ErrNotFound while it is open or unknown.
	Record(ctx context.Context, call metering.CallID) ([]byte, error)
}
