package ledger

import (
	"context"
	"time"

	"github.com/risposta/gateway/metering"
)

// Change is one change of a record, as it is delivered to other systems: a version that was
// committed, or its erasure.
type Change struct {
	// Position is that of the change's leaf in the ledger log. Positions grow, and have gaps where a
	// leaf is of another kind.
	Position int64
	Call     metering.CallID
	Erasure  bool
	// JSON is the version as it is now: of one that was erased since, what the erasure left.
	JSON []byte
	// Before is the JSON of the version before it, nil of the first.
	Before []byte
	// Payer is the caller's number, encrypted to the billing department; nil where it is not yet.
	Payer []byte
	// EncryptedCaller is the caller's number under the callers' key, until Payer takes its place. Both
	// are nil where no payer is kept: see [Payers].
	EncryptedCaller []byte
}

// Feed reads what was committed, in order.
type Feed interface {
	// Changes returns the changes at the positions from one on and before another, oldest first.
	Changes(ctx context.Context, from, before int64) ([]Change, error)
	// EndOfLog is the position of the next leaf of the ledger log.
	EndOfLog(ctx context.Context) (int64, error)
}

// Cursor is how far a sink has what was committed.
type Cursor struct {
	// Next is the first position that is not done.
	Next int64
	// Until, where not 0, is the end of the batch that is being delivered: after a crash it is
	// delivered again as the same batch.
	Until int64
}

// DeadLetter is a change that a sink has refused.
type DeadLetter struct {
	Position int64
	Record   string
	At       time.Time // of the last refusal, by this machine's clock
	Tries    int
	Why      string
	State    LetterState
}

// LetterState is what is to become of a dead letter.
type LetterState string

// The states. A letter that is retried and arrives is no longer there.
const (
	LetterDead    LetterState = "dead"    // an operator decides
	LetterRetry   LetterState = "retry"   // it is delivered once more
	LetterSkipped LetterState = "skipped" // it is never delivered
)

// Deliveries keeps how far each sink is, durably.
type Deliveries interface {
	Feed
	// Cursor returns that of a sink, by its name; zero for a new one.
	Cursor(ctx context.Context, sink string) (Cursor, error)
	// SaveCursor replaces the cursor of a sink and keeps the dead letters, one for each position, in
	// one transaction.
	SaveCursor(ctx context.Context, sink string, c Cursor, dead []DeadLetter) error
	// DeadLetters returns those of a sink in the order of their positions.
	DeadLetters(ctx context.Context, sink string) ([]DeadLetter, error)
	// SettleLetter removes the letter of a position that was delivered.
	SettleLetter(ctx context.Context, sink string, position int64) error
	// MarkLetters gives the dead letters of a record another state, or all of a sink where record is
	// "", and returns how many there were. A skipped one can be marked again.
	MarkLetters(ctx context.Context, sink, record string, state LetterState) (int, error)
	Payers
}

// Payers keeps who pays for a call: the caller's number, while the newest version charges something
// or is pending. It goes when a later version charges nothing, and when the call is erased. It is in
// no record.
type Payers interface {
	// KeepPayers says whether payers are kept of the calls that end from now on. false also removes
	// those that there are.
	KeepPayers(ctx context.Context, keep bool) error
	// SealPayers replaces the encrypted numbers of some calls by ones that only the billing department
	// can decrypt. Of a call that has one it changes nothing. It returns what is kept of each call;
	// none where its payer is gone.
	SealPayers(
		ctx context.Context, sealed map[metering.CallID][]byte,
	) (map[metering.CallID][]byte, error)
}
