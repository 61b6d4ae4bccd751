package metering

import (
	"time"

	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/tariff"
)

// charge prices the talk, and says why. Every road but the last leads to nothing.
func (r *Record) charge(c *Call) {
	t := c.Terms.Tariff
	r.Charge = tariff.Zero(t)
	if t != nil {
		r.Tariff = t.Ref()
		r.BillableSeconds = t.Billable(time.Duration(r.TalkMs) * time.Millisecond)
	}
	r.because(r.decide(c))
	if r.UnseenMs > 0 {
		r.because(ReasonUnseen)
	}
	if c.EndUnseen {
		r.because(ReasonEndUnseen)
	}
	if c.answeredEarly() {
		r.because(ReasonAnsweredEarly)
	}
	for _, why := range c.Amendments {
		r.because(why)
	}
}

// decide finds the decisive reason, and sets the charge where there is one.
func (r *Record) decide(c *Call) Reason {
	t := c.Terms.Tariff
	switch {
	case c.Exemption.Verdict == ExemptYes:
		return ReasonExempt
	case r.TalkMs == 0:
		return ReasonNoTalk
	}
	price := tariff.Amount{}
	if t != nil {
		price = t.Charge(r.BillableSeconds)
		if breach := c.breach(t); breach != "" {
			return breach
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

// breach names what makes the whole call free, by the policy it came in under or by what the caller was told; "" for nothing.
func (c *Call) breach(t *tariff.Tariff) Reason {
	p, told := c.Terms.Policy, c.Announcement
	if p.NoPrice() != "" {
		return ReasonPriceForbidden
	}
	for _, kind := range c.Numbers {
		if !p.Carries(kind) {
			return ReasonNumberRefused
		}
	}
	if p.Has(policy.WaitVoids) && c.answeredEarly() {
		return ReasonWaitCharged
	}
	if told != nil && told.Free {
		return ReasonToldFree
	}
	if told == nil {
		told = &Announcement{}
	}
	switch {
	case told.Consent == ConsentRefused, p.Has(policy.Consent) && told.Consent != ConsentGiven:
		return ReasonNoConsent
	case told.AnnouncedAt.IsZero():
		// Whoever came to the front desk was to be told, whatever the law; and was not, for the gateway was slow, or could not speak.
		if p.Has(policy.Announced) || c.AtDesk {
			return ReasonNotAnnounced
		}
	case told.Tariff != t.Ref():
		return ReasonNotAnnounced // another price was told
	case c.firstTalk().Sub(told.AnnouncedAt.Time) < policy.Lead:
		return ReasonAnnouncedLate
	}
	return ""
}

// firstTalk is when talk first began.
func (c *Call) firstTalk() time.Time {
	for _, s := range c.Segments {
		if s.State == Talking {
			return s.From
		}
	}
	return c.EndedAt
}

func (r *Record) because(why Reason) { r.Reasons = append(r.Reasons, why) }
