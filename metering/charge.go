package metering

import (
	"slices"
	"time"

	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/tariff"
)

// charge prices the talk and gives the reasons. Only the last branch of decide charges.
func (r *Record) charge(c *Call) {
	t := c.Terms.Tariff
	r.Charge = tariff.Zero(t)
	if t != nil {
		r.Tariff = t.Ref()
		r.BillableSeconds = t.Billable(time.Duration(r.TalkMs) * time.Millisecond)
	}
	r.addReason(r.decide(c))
	if t != nil && t.Tax != "" {
		r.Net, r.TaxPercent = tariff.Zero(t), t.TaxPercent
		if r.Charge.Minor > 0 {
			r.Net = t.Net(r.BillableSeconds)
		}
		r.Tax = r.Charge.Less(r.Net)
	}
	if c.Exemption.Untrusted {
		r.addReason(ReasonNumberUntrusted)
	}
	if r.UnseenMs > 0 {
		r.addReason(ReasonUnseen)
	}
	for _, why := range []Reason{ReasonNoMedia, ReasonRTPTimeout} {
		if c.unseenFor(string(why)) {
			r.addReason(why)
		}
	}
	if c.EndUnseen {
		r.addReason(ReasonEndUnseen)
	}
	if c.answeredEarly() {
		r.addReason(ReasonAnsweredEarly)
	}
	for _, why := range c.Corrections {
		r.addReason(why)
	}
}

// unseenFor reports whether a part of the call is unseen for this reason of a gap.
func (c *Call) unseenFor(why string) bool {
	return slices.ContainsFunc(c.Segments, func(s Segment) bool {
		return s.State == Unseen && s.Why == why && s.To.After(s.From)
	})
}

// decide finds the decisive reason. It sets the charge, or the pending state, that goes with it.
func (r *Record) decide(c *Call) Reason {
	t := c.Terms.Tariff
	switch {
	case c.Exemption.Verdict == ExemptYes:
		return ReasonExempt
	case r.TalkMs == 0:
		return ReasonNoTalk
	case c.TookOver:
		return ReasonTookOver
	case c.DirectionUnknown:
		return ReasonDirectionUnknown
	}
	price := tariff.Amount{}
	if t != nil {
		price = t.Charge(r.BillableSeconds)
		if why := c.freeBecause(t); why != "" {
			return why
		}
	}
	switch {
	case t == nil:
		return ReasonNoTariff
	case c.Terms.AskExemption && c.Exemption.Verdict != ExemptNo:
		if price.Minor > 0 && c.Caller != "" && !c.GivenUp {
			r.State = RecordPending
		}
		return ReasonExemptionUnresolved
	case price.Minor == 0:
		return ReasonBelowIncrement
	}
	r.Charge = price
	if t.Capped(r.BillableSeconds) {
		return ReasonCapped
	}
	return ReasonTalk
}

// freeBecause is why the policy or the announcement makes the whole call free, "" if neither does.
func (c *Call) freeBecause(t *tariff.Tariff) Reason {
	p := c.Terms.Policy
	if p.NoPrice() != "" {
		return ReasonPriceForbidden
	}
	for _, kind := range c.Numbers {
		if !p.Allows(kind) {
			return ReasonNumberRefused
		}
	}
	if p.Has(policy.WaitVoids) && c.answeredEarly() {
		return ReasonWaitCharged
	}
	var a Announcement
	if c.Announcement != nil {
		a = *c.Announcement
	}
	switch {
	case a.Free:
		return ReasonAnnouncedFree
	case a.Consent == ConsentRefused, p.Has(policy.Consent) && a.Consent != ConsentGiven:
		return ReasonNoConsent
	case a.AnnouncedAt.IsZero():
		// A caller at the front desk should have heard the price under any policy. The gateway was too
		// slow, or could not play it.
		if p.Has(policy.Announced) || c.AtDesk {
			return ReasonNotAnnounced
		}
	case a.Tariff != t.Ref():
		return ReasonNotAnnounced // another price was announced
	case c.firstTalk().Sub(a.AnnouncedAt.Time) < policy.Lead:
		return ReasonAnnouncedLate
	}
	if p.TellsWait(c.Terms.NumberKind) && (!a.WaitTold() || a.WaitToldAt.After(c.firstTalk())) {
		return ReasonWaitNotTold
	}
	return ""
}

func (r *Record) addReason(why Reason) { r.Reasons = append(r.Reasons, why) }
