package gateway

import (
	"context"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption/registry"
	"github.com/risposta/gateway/metering/ledger"
)

// refundBatch is how many entitlements are looked through at a time: for each batch the records of its time are read once. An import may bring a million.
const refundBatch = 10_000

// refund looks through the calls of callers whose entitlement was dated back.
func (s *settler) refund(ctx context.Context) {
	if s.registry == nil {
		return
	}
	for ctx.Err() == nil {
		lates, err := s.registry.Backdated(ctx, s.batch)
		if err != nil {
			s.failed(ctx, "", err)
			return
		}
		done, err := s.refundBatch(ctx, lates)
		if err != nil {
			s.failed(ctx, "", err)
			return
		}
		if len(lates) < s.batch || done == 0 {
			return
		}
	}
}

// refundBatch refunds what some entitlements ask for, and returns how many of them are done with.
func (s *settler) refundBatch(ctx context.Context, lates []registry.BackdatedEntitlement) (done int, err error) {
	if len(lates) == 0 {
		return 0, nil
	}
	of := map[string][]registry.BackdatedEntitlement{} // by the caller's names
	from, until := lates[0].From, lates[0].Until
	for _, l := range lates {
		for _, n := range l.Names {
			of[n] = append(of[n], l)
		}
		if l.From.Before(from) {
			from = l.From
		}
		if l.Until.After(until) {
			until = l.Until
		}
	}
	again, err := s.living(ctx, of) // whose record is still to come
	if err != nil {
		return 0, err
	}
	type due struct {
		call metering.CallID
		late registry.BackdatedEntitlement
	}
	var dues []due
	err = s.ledger.Callers(ctx, ledger.Query{Since: from, Until: until}, func(call metering.CallID, caller string, arrived time.Time) error {
		for _, l := range of[caller] {
			if l.Covers(arrived) {
				dues = append(dues, due{call, l})
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, d := range dues {
		if err := s.supersede(ctx, d.call, metering.Exemption{Verdict: metering.ExemptYes, Ref: d.late.Ref}, metering.ReasonCredited); err != nil {
			s.failed(ctx, d.call, err)
			again[d.late.ID] = true
		}
	}
	var through []int64
	for _, l := range lates {
		if !again[l.ID] {
			through = append(through, l.ID)
		}
	}
	return len(through), s.registry.MarkProcessed(ctx, through, time.Now())
}

// living finds the entitlements whose caller is in a call that they cover.
func (s *settler) living(ctx context.Context, of map[string][]registry.BackdatedEntitlement) (map[int64]bool, error) {
	open, err := s.ledger.OpenCalls(ctx, ledger.AnyNode)
	if err != nil {
		return nil, err
	}
	found := map[int64]bool{}
	for _, c := range open {
		number, err := s.names.Decrypt(c.EncryptedCaller)
		if err != nil {
			continue // withheld, or known under no key that an entitlement could be known under
		}
		for _, n := range s.names.All(number) {
			for _, l := range of[n] {
				if l.Covers(c.ArrivedAt) {
					found[l.ID] = true
				}
			}
		}
	}
	return found, nil
}
