package ledger

import (
	"context"
	"io"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Writer commits what a running gateway has seen.
type Writer interface {
	// Commit makes the whole batch durable: when it returns nil the batch survives a crash of the
	// process and of the machine. Commits are serialised by the store, and with every other change. A
	// commit never waits for a reader.
	//
	// A [Contradiction] is the trouble of the calls that it names: nothing was kept, and the batch
	// without their parts can be committed, under the same ID. ErrDamaged is the trouble of the whole
	// ledger: nothing can be committed any more. After any other error the caller commits the same
	// batch again; it is then kept once, even if the failed commit had kept it.
	Commit(ctx context.Context, b *Batch) error
}

// OpenCalls is what a starting gateway goes on from.
type OpenCalls interface {
	// OpenCalls returns the open calls of the node, or of AnyNode, in the order in which they arrived.
	OpenCalls(ctx context.Context, node string) ([]OpenCall, error)
	// Watermark returns up to when the node was seen without a gap, zero if it never was. It never
	// steps back.
	Watermark(ctx context.Context, node string) (time.Time, error)
	// Checkpoint returns what the node's last commit left for the next run, nil if it left nothing.
	Checkpoint(ctx context.Context, node string) ([]byte, error)
}

// AnyNode selects the open calls of all nodes.
const AnyNode = ""

// Reader reads calls and their records, also while a gateway writes. Each method sees one state of
// the ledger, as of its beginning. A function that is called with what was read may itself read,
// and may commit; an error that it returns ends the reading, and is returned as it is.
type Reader interface {
	// Evidence returns a call's frames in the order of committing; none for an unknown call;
	// ErrUnreadable where they are damaged.
	Evidence(ctx context.Context, call metering.CallID) ([][]byte, error)
	// Record returns the JSON of the call's newest version, or ErrNotFound while there is none.
	Record(ctx context.Context, call metering.CallID) ([]byte, error)
	// Versions returns the JSON of all versions of the call's record, the first one first.
	Versions(ctx context.Context, call metering.CallID) ([][]byte, error)
	// CallOf returns the call that a record is of, of any version, or ErrNotFound.
	CallOf(ctx context.Context, record string) (metering.CallID, error)
	// Records calls f with the JSON of each selected call's newest version, exactly as it was
	// committed, in the order of arrival. However long f takes, it holds up nothing: neither a commit
	// nor Scrub. So of a call that is erased meanwhile f may get what the erasure leaves.
	Records(ctx context.Context, q Query, f func(json []byte) error) error
}

// Pending reads which records wait for an answer about their caller.
type Pending interface {
	// PendingRecords returns them in the order of arrival.
	PendingRecords(ctx context.Context) ([]PendingRecord, error)
}

// Superseder makes later versions of one call's record.
type Superseder interface {
	// Supersede writes the whole supersession in one transaction, durably, with a leaf in the ledger
	// log for each version written or erased. It compares and swaps, and writes nothing where it
	// fails: ErrOpen while the call is open; ErrExists where the call no longer has exactly After
	// versions, upon which the caller reads again and retries; ErrErased where it is to have its first
	// record, and arrived before the end of the hour of a call whose detail is erased; ErrDisputed where
	// it would erase a call with an open dispute; ErrBroken where it contradicts itself or the ledger.
	// After any other error the caller reads again, too: the supersession may have been kept.
	Supersede(ctx context.Context, s *Supersession) error
}

// Eraser finds what is to be erased. Erasing itself is a supersession: a call may have got a
// dispute since it was found.
type Eraser interface {
	// Erasable returns up to limit calls that arrived before an instant, whose detail is not erased
	// and not held by an open dispute, in the order of arrival.
	Erasable(ctx context.Context, before time.Time, limit int) ([]metering.CallID, error)
	// Scrub takes what was erased out of the store's files, where older copies of it may be left, such
	// as in a write-ahead log. It returns false where a reading that goes on keeps it from that; the
	// caller tries again. It makes no commit wait for a reader.
	Scrub(ctx context.Context) (done bool, err error)
}

// Disputes keeps the detail of contested calls.
type Disputes interface {
	// OpenDispute opens a dispute of a call that has a record, or opens its closed one again;
	// ErrNotFound without a record. Each opening and closing is a leaf of the ledger log.
	OpenDispute(ctx context.Context, call metering.CallID, at time.Time, note string) error
	// CloseDispute lets the call's detail be erased when its time comes; ErrNotFound if none is open.
	CloseDispute(ctx context.Context, call metering.CallID, at time.Time) error
	DisputeReader
}

// DisputeReader reads which calls are contested.
type DisputeReader interface {
	// Disputes returns the disputes, oldest first.
	Disputes(ctx context.Context) ([]Dispute, error)
}

// LogSigner signs the ledger log. Signing is serialised with every change.
type LogSigner interface {
	// SignLog signs the log as it is, keeps the head, and appends a leaf of kind Signed for it. It
	// returns false where the newest head already covers every leaf but its own. The first head may be
	// of an empty log. ErrDamaged where the log no longer begins with the leaves of the newest head:
	// fewer or other leaves are never signed.
	SignLog(
		ctx context.Context, at time.Time, signer note.Signer,
	) (head merkle.Head, signed bool, err error)
}

// Log is the ledger log as an auditor reads it. Each method sees one state of the ledger.
type Log interface {
	// Heads returns the signed heads, oldest first.
	Heads(ctx context.Context) ([][]byte, error)
	// Leaves calls f with each leaf: its number, the record that it names, its text.
	Leaves(ctx context.Context, f func(n int64, record string, text []byte) error) error
	// Agrees reports whether the head is of this node, and the log begins with the leaves that it was
	// signed for.
	Agrees(ctx context.Context, head merkle.Head) (bool, error)
	// LeavesOf calls f with the text of each leaf that names a record, in order.
	LeavesOf(ctx context.Context, record string, f func(text []byte) error) error
	// Hashes calls f with each stored hash of the log's tree, in order.
	Hashes(ctx context.Context, f func(i int64, hash []byte) error) error
	// EveryRecord calls f with each version of each record in the order of committing.
	EveryRecord(ctx context.Context, f func(Row) error) error
	// InclusionProof returns the proof that the newest leaf of a record's content is in the log of the newest head;
	// ErrNotFound if the log has no such record.
	InclusionProof(ctx context.Context, record string, keys note.Verifiers) ([]byte, error)
}

// Snapshot is one state of the ledger, for readings that must fit each other.
type Snapshot interface {
	Reader
	Log
	DisputeReader
	RegisterReader
	QualityReader
	RepeatReader
}

// LeafCounter is a snapshot of a store that keeps beside the leaves how many it takes its log to have.
type LeafCounter interface {
	// CountedLeaves returns that number: the next leaf gets it.
	CountedLeaves(ctx context.Context) (int64, error)
}

// Row is one version of a record as the ledger keeps it: its JSON, and beside it what the ledger
// selects by, which must agree with the JSON.
type Row struct {
	Record    string
	Call      metering.CallID
	Version   int
	Service   string
	ArrivedAt time.Time
	Erased    bool
	JSON      []byte
}

// Snapshots reads one state of the ledger more than once.
type Snapshots interface {
	// Snapshot calls f with the ledger as it is at one instant, whatever is committed meanwhile. The
	// snapshot ends with f, whose error is returned as it is. One goroutine at a time reads it.
	Snapshot(ctx context.Context, f func(Snapshot) error) error
}

// Backup copies the ledger.
type Backup interface {
	// Backup writes a consistent copy of one state of the ledger, a ledger itself, into a new file,
	// readable by its owner only, while commits go on. When it returns nil the copy is durable. It
	// fails where the file exists, and leaves no file where it fails later.
	Backup(ctx context.Context, into string) error
}

// Registers remembers which exemption register the calls were asked about, so that another one in its
// place is known for what it is.
type Registers interface {
	// NoteRegister replaces what is known of the register, durably, with a leaf in the ledger log. The
	// ledger does not read it. Noting the same state again changes nothing.
	NoteRegister(ctx context.Context, state []byte) error
	RegisterReader
}

// RegisterReader reads what was noted of the exemption register.
type RegisterReader interface {
	// NotedRegister returns what was noted last, nil where nothing was.
	NotedRegister(ctx context.Context) ([]byte, error)
}

// Store is everything that a store does.
type Store interface {
	Writer
	OpenCalls
	Reader
	Pending
	Superseder
	Eraser
	Disputes
	LogSigner
	Log
	Snapshots
	Backup
	Registers
	QualityReader
	Repeats
	Deliveries
	// Close gives the ledger back. What was committed stays.
	io.Closer
}
