// Package ledger holds the contracts of durable storage. A record is committed here before it is
// logged or sent anywhere.
//
// In: a [Batch], the outcome of some events taken together: their evidence, the calls that they
// opened, the records that they closed, and how far the source was read. A [Supersession], the
// later versions of one call's record. Out: the same things again, after any crash. The package
// never judges: it knows no price, no talk and no clock.
//
// Each consumer takes the smallest interface that it needs; [Store] is their union. A store lives
// in a package named after what it wraps (sqlite/), registers itself, and is chosen by [Open].
// ledgertest/ holds every sentence of the contracts as a test that each store passes.
package ledger

import (
	"fmt"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Batch is what one commit makes durable, all of it or nothing.
type Batch struct {
	// ID names this batch and no other: committing it again, after a commit that was kept in spite of
	// an error, changes nothing. "" is no name.
	ID     string
	Node   string // the PBX that it came from, by asterisk_id; "" while not known
	Opened []OpenCall
	// Identified are open calls whose caller's number came after the call: their EncryptedCaller.
	Identified []OpenCall
	Evidence   []Evidence        // of calls that are open, or opened by this batch
	Records    []metering.Record // first ones; each closes its call
	// Closed are calls that were left open although they have their record: they are closed without
	// another one. A call that has none stays open.
	Closed  []metering.CallID
	Rejects []Reject
	Pending []PendingRecord // calls whose record waits for an answer about the caller
	// Watermark is the latest instant of the PBX's clock up to which it was seen without a gap. Zero
	// keeps the former one.
	Watermark time.Time
	// Checkpoint, where not nil, is what the next run needs to go on without a gap. Any later commit
	// of the node removes it, but for one that has an Advance, which replaces it or leaves it.
	Checkpoint []byte
	// Advance, where not nil, moves the node's position in a stream of frames that outlives the meter:
	// ErrFenced where it is not at its beginning. A store that keeps no positions refuses the batch.
	Advance *Advance
}

// Empty tells that there is nothing to commit.
func (b *Batch) Empty() bool {
	return len(b.Opened)+len(b.Identified)+len(b.Evidence)+len(b.Records)+len(b.Closed) == 0 &&
		len(b.Rejects)+len(b.Pending) == 0 &&
		b.Watermark.IsZero() && b.Checkpoint == nil && b.Advance == nil
}

// OpenCall is a call that has arrived and not ended.
type OpenCall struct {
	Call      metering.CallID
	Node      string
	Service   string
	ArrivedAt time.Time
	// EncryptedCaller is the caller's number, encrypted, while the lookups may still have to be asked
	// about it; nil where it is not known or not needed.
	EncryptedCaller []byte
}

// PendingRecord is a call that ended before a lookup could tell whether its caller is exempt. Its
// record charges nothing until there is an answer as of ArrivedAt.
type PendingRecord struct {
	Call            metering.CallID
	ArrivedAt       time.Time
	EncryptedCaller []byte // erased together with the row
}

// Evidence is one frame of one call's evidence: a line of JSON without its newline.
type Evidence struct {
	Call  metering.CallID
	Frame []byte
}

// Reject is a frame that could not be read. Its bytes may name a person, so only their hash is
// kept.
type Reject struct {
	At     time.Time // the PBX's clock, as far as known
	Bytes  int
	Type   string
	SHA256 string
	Error  string
}

// Query selects records by the instant of arrival: Since <= arrived < Until. Zero values and "" do
// not restrict.
type Query struct {
	Since, Until time.Time
	Service      string
}

// Dispute is a contest of one call. While it is open the call's detail is not erased.
type Dispute struct {
	Call     metering.CallID
	OpenedAt time.Time
	ClosedAt time.Time // zero while open
	Note     string
}

// Leaf is the leaf of the ledger log for the dispute as it is. record is the id of the call's first
// record.
func (d Dispute) Leaf(record string) merkle.Leaf {
	kind, closed := merkle.DisputeOpened, int64(0)
	if !d.ClosedAt.IsZero() {
		kind, closed = merkle.DisputeClosed, d.ClosedAt.UnixMilli()
	}
	return merkle.NewLeaf(kind, record, fmt.Appendf(nil, "%s\n%d\n%d\n%s",
		d.Call, d.OpenedAt.UnixMilli(), closed, d.Note))
}
