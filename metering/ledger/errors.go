package ledger

import "errors"

var (
	// ErrNotFound says that the ledger holds no such call, record or dispute.
	ErrNotFound = errors.New("not found in the ledger")
	// ErrLocked says that another gateway writes this ledger.
	ErrLocked = errors.New("another gateway is writing this ledger")
	// ErrOpen says that a call cannot be superseded because it has not ended.
	ErrOpen = errors.New("the call is still open")
	// ErrExists says that a call's versions are no longer those that a change was made from. Read
	// them again and make the change anew.
	ErrExists = errors.New("the call has another version already")
	// ErrErased says that a call arrived at a time of which the detail of calls is erased, so that it
	// may have its record without its name.
	ErrErased = errors.New("calls of that time are erased, so it may have its record already")
	// ErrDisputed says that a call's detail is not erased because a dispute of it is open.
	ErrDisputed = errors.New("a dispute of the call is open")
	// ErrBroken says that a change contradicts itself or what the ledger holds: a call opened twice, a
	// record of a call that is not open, a version that does not follow the one before. Trying it
	// again cannot help. Where a batch does so it is a [Contradiction], which names the calls.
	ErrBroken = errors.New("the change contradicts the ledger")
	// ErrUnreadable says that the evidence of a call is damaged. It is the trouble of that call.
	ErrUnreadable = errors.New("the evidence is damaged")
	// ErrDamaged says that the ledger itself is damaged and cannot be used, whatever the change.
	// Trying again cannot help.
	ErrDamaged = errors.New("the ledger is damaged: put a backup in its place")
)
