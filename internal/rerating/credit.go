package rerating

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption/registry"
	"github.com/risposta/gateway/metering/ledger"
)

// creditBatch is how many entitlements are processed at a time: for each batch the records of its
// period are read once. An import may bring a million.
const creditBatch = 10_000

// credit processes the entitlements that were backdated.
func (r *Resolver) credit(ctx context.Context) {
	if r.Registry == nil || r.Registry.Usable(ctx) != nil { // the gateway reports it
		return
	}
	size := r.batch
	if size == 0 {
		size = creditBatch
	}
	for ctx.Err() == nil {
		backdated, err := r.Registry.Backdated(ctx, size)
		if err != nil {
			r.failed(ctx, "", err)
			return
		}
		done, err := r.creditBatch(ctx, backdated)
		if err != nil {
			r.failed(ctx, "", err)
			return
		}
		if len(backdated) < size || done == 0 {
			return
		}
	}
}

// owed is a call that a backdated entitlement covers.
type owed struct {
	call        metering.CallID
	entitlement registry.BackdatedEntitlement
}

// creditBatch credits the calls that some entitlements cover, and returns how many of the
// entitlements are processed.
func (r *Resolver) creditBatch(
	ctx context.Context, backdated []registry.BackdatedEntitlement,
) (done int, err error) {
	if len(backdated) == 0 {
		return 0, nil
	}
	byName := map[string][]registry.BackdatedEntitlement{} // by the caller's pseudonyms
	q := ledger.Query{Since: backdated[0].From, Until: backdated[0].Until}
	for _, b := range backdated {
		for _, n := range b.Pseudonyms {
			byName[n] = append(byName[n], b)
		}
		if b.From.Before(q.Since) {
			q.Since = b.From
		}
		if b.Until.After(q.Until) {
			q.Until = b.Until
		}
	}
	again, err := r.inCalls(ctx, byName) // their record is still to come
	if err != nil {
		return 0, err
	}
	dues, err := r.covered(ctx, q, byName)
	if err != nil {
		return 0, err
	}
	for _, d := range dues {
		e := metering.Exemption{Verdict: metering.ExemptYes, Ref: d.entitlement.Ref}
		if err := r.supersede(ctx, d.call, e, metering.ReasonCredited); err != nil {
			r.failed(ctx, d.call, err)
			again[d.entitlement.ID] = true
		}
	}
	var processed []int64
	for _, b := range backdated {
		if !again[b.ID] {
			processed = append(processed, b.ID)
		}
	}
	return len(processed), r.Registry.MarkProcessed(ctx, processed, time.Now())
}

// covered finds the ended calls of a period that an entitlement covers. Erased calls have no
// caller.
func (r *Resolver) covered(
	ctx context.Context, q ledger.Query, byName map[string][]registry.BackdatedEntitlement,
) (dues []owed, err error) {
	err = r.Store.Records(ctx, q, func(text []byte) error {
		var rec struct {
			Call       metering.CallID `json:"call"`
			Caller     string          `json:"caller"`
			CallerAlso []string        `json:"caller_also"`
			ArrivedAt  time.Time       `json:"arrived_at"`
			Reasons    []metering.Reason
		}
		if err := json.Unmarshal(text, &rec); err != nil {
			return fmt.Errorf("reading a record: %w", err)
		}
		if rec.Caller == "" || slices.Contains(rec.Reasons, metering.ReasonNumberUntrusted) {
			return nil // anybody may have sent the number
		}
		for _, name := range append(rec.CallerAlso, rec.Caller) {
			for _, b := range byName[name] {
				if b.Covers(rec.ArrivedAt) {
					dues = append(dues, owed{rec.Call, b})
					return nil
				}
			}
		}
		return nil
	})
	return dues, err
}

// inCalls finds the entitlements whose caller is at present in a call that they cover.
func (r *Resolver) inCalls(
	ctx context.Context, byName map[string][]registry.BackdatedEntitlement,
) (map[int64]bool, error) {
	open, err := r.Store.OpenCalls(ctx, ledger.AnyNode)
	if err != nil {
		return nil, err
	}
	found := map[int64]bool{}
	for _, c := range open {
		number, err := r.Pseudonyms.Decrypt(c.EncryptedCaller)
		if err != nil {
			continue // withheld, or under no key that an entitlement could be known under
		}
		for _, n := range r.Pseudonyms.All(number) {
			for _, b := range byName[n] {
				if b.Covers(c.ArrivedAt) {
					found[b.ID] = true
				}
			}
		}
	}
	return found, nil
}
