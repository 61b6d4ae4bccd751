package gateway

import (
	"context"
	"time"

	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/tariff"
)

// announcedExempt reports whether the desk may say that a caller is exempt. Where nobody vouches for
// the number it does not: whoever sends a stranger's number would hear that the stranger is protected.
// The caller pays nothing all the same, and is put through without having agreed to the price.
func announcedExempt(e metering.Exemption) bool {
	return e.Verdict == metering.ExemptYes && e.Attestation.Vouches()
}

// Offer implements frontdesk.Backend.
func (b *deskBackend) Offer(ctx context.Context, call metering.CallID) (frontdesk.Offer, bool) {
	ctx, cancel := context.WithTimeout(ctx, offerTimeout)
	defer cancel()
	c, ok := b.await(ctx, call)
	if !ok {
		return frontdesk.Offer{}, false
	}
	terms := c.terms
	tell, wait := b.expectedWait(c.service)
	o := frontdesk.Offer{TellWait: tell || terms.Policy.TellsWait(terms.NumberKind)}
	if o.TellWait {
		o.Wait = wait
	}
	if terms.Tariff == nil || terms.Tariff.HighestPrice().Sign() == 0 {
		o.Free = true
		return o, true
	}
	// Without an answer in time the price is announced: it may yet be due.
	e := b.exemption(ctx, call, c)
	if announcedExempt(e) {
		o.Free = true
		return o, true
	}
	o.Untold = e.Verdict == metering.ExemptYes
	o.Tariff, o.PerMinute = terms.Tariff.Ref(), terms.Tariff.MinuteWithTax()
	o.Currency, o.MinorDigits = terms.Tariff.Currency, tariff.MinorDigits(terms.Tariff.Currency)
	o.Consent = terms.Policy.Has(policy.Consent)
	o.Codes = b.codes != nil
	return o, true
}

// exemption is what is known of a caller, or what the lookup answers. An answer is kept: the caller
// may come to the desk for a text first.
func (b *deskBackend) exemption(
	ctx context.Context, call metering.CallID, c deskCall,
) metering.Exemption {
	if c.known.Verdict == metering.ExemptYes {
		return c.known
	}
	q := mediation.Ask{Call: call, Number: c.number, Trunk: c.trunk, At: c.arrived}
	got, err := b.lookup.Exempt(ctx, q)
	if err != nil {
		return c.known
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if now, ok := b.calls[call]; ok && got.Verdict == metering.ExemptYes {
		now.known = got
		b.calls[call] = now
	}
	return got
}

// expectedWait is how long the next caller of a service may expect to wait; 0: it is not known. tell:
// callers are told under every policy. The caller who asks has arrived, and is no one of those ahead.
func (b *deskBackend) expectedWait(service string) (tell bool, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tellWait, b.waits.expect(service, time.Now())
}

// setTellWait sets whether callers are told the expected wait under every policy.
func (b *deskBackend) setTellWait(tell bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tellWait = tell
}

// SolvedFirst implements frontdesk.Backend.
func (b *deskBackend) SolvedFirst(call metering.CallID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls[call].terms.Policy.Has(policy.SolvedFirst)
}
