package ledger

import (
	"fmt"
	"time"

	"github.com/risposta/gateway/metering"
)

// Supersession is what one call's later versions consist of: either Records, with the evidence that
// they were made from, or Erased.
type Supersession struct {
	Call metering.CallID
	// After is the number of versions that the change was made from: zero for the first record of a
	// call that the gateway did not see.
	After   int
	Frames  [][]byte          // to append to the call's evidence
	Records []metering.Record // versions After+1 and on, consecutive
	// Pending keeps the call waiting for an answer about its caller; nil: it no longer waits. Where
	// the call already waits, its row stays as it is. A new row needs a number: without
	// EncryptedCaller there is none to ask about.
	Pending *PendingRecord
	// EncryptedCaller is the caller's number, where the change knows it: for who pays (see [Payers]),
	// where the ledger has no number any more.
	EncryptedCaller []byte
	// Erased, where not nil, replaces every version by its erased form, one for each, in order, all
	// under one new name of the call. The evidence, the dispute and the pending row go.
	Erased []metering.Record
	At     time.Time // when it was erased, by this machine's clock
}

// Check returns ErrBroken, with the reason, where the supersession contradicts itself. Each store
// calls it before it writes anything.
func (s *Supersession) Check() error {
	if s.Erased != nil {
		return s.checkErased()
	}
	if len(s.Records) == 0 {
		return fmt.Errorf("%w: it has no version", ErrBroken)
	}
	for i := range s.Records {
		if r := &s.Records[i]; r.Call != s.Call || r.Version != s.After+1+i {
			return fmt.Errorf("%w: version %d of call %s, want version %d of call %s",
				ErrBroken, r.Version, r.Call, s.After+1+i, s.Call)
		}
	}
	if s.Pending != nil && s.Pending.Call != s.Call {
		return fmt.Errorf("%w: a pending record of call %s", ErrBroken, s.Pending.Call)
	}
	return nil
}

func (s *Supersession) checkErased() error {
	if len(s.Records)+len(s.Frames) > 0 || s.Pending != nil {
		return fmt.Errorf("%w: it both erases and adds", ErrBroken)
	}
	if len(s.Erased) != s.After || s.After == 0 {
		return fmt.Errorf("%w: %d erased forms of %d versions", ErrBroken, len(s.Erased), s.After)
	}
	for i := range s.Erased {
		r := &s.Erased[i]
		if !r.DetailErased || r.Call == s.Call || r.Call != s.Erased[0].Call || r.Version != i+1 {
			return fmt.Errorf("%w: version %d as call %s is no erased form of version %d",
				ErrBroken, r.Version, r.Call, i+1)
		}
	}
	return nil
}
