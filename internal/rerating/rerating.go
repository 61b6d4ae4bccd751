// Package rerating makes every later version of a call's record. In: an ended call in the ledger,
// and a [Change]: an answer of a lookup that came after the call, what Asterisk's CEL adds, the end
// of the time that the caller's detail may be kept. Out: the next version, made by replaying the
// call's evidence with one frame more, written by [Supersede] in one transaction. [Resolver] looks
// for pending records and backdated entitlements, and makes the changes that they ask for. The
// package never changes a call that is still open, and never a version that is already written, but
// to erase the caller's detail from it.
package rerating

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
	"github.com/risposta/gateway/metering/ledger"
)

// Store is the side of the ledger that rerating needs.
type Store interface {
	ledger.Reader
	ledger.Superseder
}

// Call is an ended call as the ledger holds it.
type Call struct {
	ID     metering.CallID
	Frames [][]byte // its evidence
	// Unreadable is why the evidence could not be read; nil: it was. The call can then be erased, and
	// not rerated.
	Unreadable error
	Versions   [][]byte // the JSON of each version of its record
}

// Change makes the later versions of a call, nil where there is nothing to change. It is called
// again with a newer state of the call where another change came first.
type Change func(Call) (*ledger.Supersession, error)

// maxTries bounds how often a change is made anew because another one came first.
const maxTries = 5

// Supersede applies a change to a call and returns the newest version that it wrote, nil where
// there was nothing to change. It fails with ledger.ErrOpen while the call is open, with
// ledger.ErrDisputed where it would erase a call with an open dispute, and with ledger.ErrExists
// where other changes came first each time that it tried.
func Supersede(
	ctx context.Context, s Store, call metering.CallID, change Change,
) (*metering.Record, error) {
	var err error
	for range maxTries {
		var newest *metering.Record
		if newest, err = try(ctx, s, call, change); !errors.Is(err, ledger.ErrExists) {
			return newest, err
		}
	}
	return nil, fmt.Errorf("%d tries: %w", maxTries, err)
}

func try(
	ctx context.Context, s Store, call metering.CallID, change Change,
) (*metering.Record, error) {
	c := Call{ID: call}
	var err error
	// The versions first: a version more than was read makes the store refuse the change.
	if c.Versions, err = s.Versions(ctx, call); err != nil {
		return nil, err
	}
	c.Frames, err = s.Evidence(ctx, call)
	if errors.Is(err, ledger.ErrUnreadable) {
		c.Unreadable = err
	} else if err != nil {
		return nil, err
	}
	next, err := change(c)
	if err != nil || next == nil {
		return nil, err
	}
	next.Call, next.After = call, len(c.Versions)
	if err := s.Supersede(ctx, next); err != nil {
		return nil, err
	}
	written := append(next.Records, next.Erased...)
	return &written[len(written)-1], nil
}

// Resolved is what a lookup answered after the call's end, as of its arrival. why is
// metering.ReasonResolved, ReasonCredited or ReasonGivenUp; at is when it was learned.
func Resolved(e metering.Exemption, why metering.Reason, at time.Time) Change {
	return func(c Call) (*ledger.Supersession, error) {
		if c.Unreadable != nil {
			return nil, c.Unreadable
		}
		_, before, err := mediation.Replay(c.Frames)
		if err != nil {
			return nil, err
		}
		if len(before.Calls) != 1 {
			return nil, ledger.ErrOpen
		}
		if !before.Calls[0].Resolve(e, why) {
			return nil, nil
		}
		return later(c, evidence.NewResolved(c.ID, at, e, why))
	}
}

// Reconciled adds frames made from Asterisk's CEL: the frame that fills in what was not seen and
// takes out what was no talk, or the whole evidence of a call that the gateway did not see. Where
// another change has come first and they add nothing, it changes nothing. encryptedCaller is the
// number in the CEL, for a version that is pending and of whose caller the ledger has no number;
// nil: the CEL has none either.
func Reconciled(encryptedCaller []byte, frames ...[]byte) Change {
	return func(c Call) (*ledger.Supersession, error) {
		more := frames
		if len(c.Frames) > 0 {
			more = corrections(frames)
		}
		next, err := later(c, more...)
		if errors.Is(err, mediation.ErrNoProof) { // no longer, after another change
			return nil, nil
		}
		if err != nil || next == nil {
			return nil, err
		}
		next.EncryptedCaller = encryptedCaller
		newest := next.Records[len(next.Records)-1]
		if newest.State == metering.RecordPending {
			next.Pending = &ledger.PendingRecord{
				Call: c.ID, ArrivedAt: newest.ArrivedAt.Time, EncryptedCaller: encryptedCaller,
			}
		}
		return next, nil
	}
}

// corrections are the frames that stand after the end of a call. Those before it were made for a call
// that the ledger did not have; another run may have entered it meanwhile.
func corrections(frames [][]byte) (after [][]byte) {
	for _, f := range frames {
		if typ, err := evidence.TypeOf(f); err == nil && typ == evidence.TypeReconciled {
			after = append(after, f)
		}
	}
	return after
}

// later replays the evidence with some frames more. It returns nil where they give no further
// version, or one with the same content as the version before.
func later(c Call, frames ...[]byte) (*ledger.Supersession, error) {
	if c.Unreadable != nil {
		return nil, c.Unreadable
	}
	_, out, err := mediation.Replay(append(c.Frames[:len(c.Frames):len(c.Frames)], frames...))
	if err != nil {
		return nil, err
	}
	had := len(c.Versions)
	if len(out.Records) <= had {
		return nil, nil
	}
	if had > 0 && out.Records[had-1].SameContent(out.Records[len(out.Records)-1]) {
		return nil, nil
	}
	return &ledger.Supersession{Frames: frames, Records: out.Records[had:]}, nil
}

// Erased takes the caller's detail out of every version of the call. The versions stay one call,
// under a name that leads nowhere.
func Erased(at time.Time) Change {
	return func(c Call) (*ledger.Supersession, error) {
		next := &ledger.Supersession{At: at}
		name := erasedCallID()
		for _, text := range c.Versions {
			var r metering.Record
			if err := json.Unmarshal(text, &r); err != nil {
				return nil, fmt.Errorf("reading a version of call %s: %w", c.ID, err)
			}
			if r.DetailErased {
				return nil, nil
			}
			next.Erased = append(next.Erased, r.Erased(name))
		}
		if next.Erased == nil {
			return nil, nil
		}
		return next, nil
	}
}

// erasedCallID is a random name, so that it leads nowhere.
func erasedCallID() metering.CallID { return metering.CallID("e-" + rand.Text()) }
