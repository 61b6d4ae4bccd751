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

// damagedEvery is how often records are searched again while some cannot be read: each search reads all
// records of the entitlements' periods.
const damagedEvery = 10 * time.Minute

// credit processes the entitlements that were backdated.
func (r *Resolver) credit(ctx context.Context) {
	if r.Registry == nil || r.Registry.Usable(ctx) != nil { // the gateway reports it
		return
	}
	if time.Now().Before(r.creditAgain) {
		return
	}
	size := r.batch
	if size == 0 {
		size = creditBatch
	}
	unreadable, searched := 0, false
	for last, more := int64(0), true; more; {
		backdated, err := r.Registry.Backdated(ctx, last, size)
		if err != nil {
			r.failed(ctx, "", err)
			return
		}
		if more = len(backdated) == size; len(backdated) == 0 {
			break
		}
		last, searched = backdated[len(backdated)-1].ID, true
		damaged, err := r.creditBatch(ctx, backdated)
		if err != nil {
			r.failed(ctx, "", err)
			return
		}
		unreadable = max(unreadable, damaged)
	}
	if searched {
		r.searched(ctx, unreadable)
	}
}

// searched reports how many records could not be read by a search for credits.
func (r *Resolver) searched(ctx context.Context, unreadable int) {
	r.Observer.Unreadable(unreadable)
	if unreadable == 0 {
		return
	}
	r.creditAgain = time.Now().Add(damagedEvery)
	r.failed(ctx, "", fmt.Errorf("looking for calls to credit: %d records cannot be read: "+
		"`risposta verify` names them; the others are credited", unreadable))
}

// owed is a call that a backdated entitlement covers.
type owed struct {
	call        metering.CallID
	entitlement registry.BackdatedEntitlement
}

// creditBatch credits the calls that some entitlements cover, and returns how many records could not be
// read. They may be of any caller: as long as there are some, no entitlement is processed.
func (r *Resolver) creditBatch(
	ctx context.Context, backdated []registry.BackdatedEntitlement,
) (unreadable int, err error) {
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
	dues, unreadable, err := r.covered(ctx, q, byName)
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
	if unreadable > 0 {
		return unreadable, nil
	}
	var processed []int64
	for _, b := range backdated {
		if !again[b.ID] {
			processed = append(processed, b.ID)
		}
	}
	return 0, r.Registry.MarkProcessed(ctx, processed, time.Now())
}

// covered finds the ended calls of a period that an entitlement covers, and counts the records that
// cannot be read. Erased calls have no caller.
func (r *Resolver) covered(
	ctx context.Context, q ledger.Query, byName map[string][]registry.BackdatedEntitlement,
) (dues []owed, unreadable int, err error) {
	err = r.Store.Records(ctx, q, func(text []byte) error {
		var rec struct {
			Call       metering.CallID `json:"call"`
			Caller     string          `json:"caller"`
			CallerAlso []string        `json:"caller_also"`
			ArrivedAt  time.Time       `json:"arrived_at"`
			Reasons    []metering.Reason
		}
		if damaged := json.Unmarshal(text, &rec); damaged != nil {
			unreadable++
			return nil //nolint:nilerr // it is counted, and stops no credit of others
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
	return dues, unreadable, err
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
