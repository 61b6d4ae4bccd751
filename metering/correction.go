package metering

import (
	"slices"
	"time"
)

// whyClock is the reason of an unseen stretch in which the PBX's clock was set: by that clock no account can tell how long anything took.
const whyClock = "clock_jumped"

// Reconcile fills the time that was not seen with what another account of the same call says of it, once the call has ended. What was seen stays as it was seen:
// so no second is charged that either account denies. endedAt and endedBy are that account's end of the call, used where the end was not seen.
func (c *Call) Reconcile(account []Segment, endedAt time.Time, endedBy string) {
	if c.EndUnseen && endedAt.After(c.EndedAt) {
		c.Segments = append(c.Segments, Segment{State: Unseen, From: c.EndedAt, To: endedAt})
		c.EndedAt = endedAt
	}
	if c.EndUnseen {
		c.EndUnseen, c.EndedBy = false, endedBy
	}
	var proved []Segment
	for _, s := range c.Segments {
		if s.State != Unseen || s.Why == whyClock {
			proved = append(proved, s)
			continue
		}
		proved = append(proved, s.filled(account)...)
	}
	c.Segments = proved
}

// filled is the unseen stretch as the account has it; between its stretches the caller waited.
func (s Segment) filled(account []Segment) (parts []Segment) {
	at := s.From
	add := func(p Segment) {
		if p.To.After(p.From) {
			parts = append(parts, p)
		}
	}
	for _, a := range account {
		from, to := a.From, a.To
		if from.Before(at) {
			from = at
		}
		if to.After(s.To) {
			to = s.To
		}
		if !to.After(from) {
			continue
		}
		add(Segment{State: Waiting, From: at, To: from})
		a.From, a.To = from, to
		add(a)
		at = to
	}
	add(Segment{State: Waiting, From: at, To: s.To})
	return parts
}

// Resolve takes in what was learned, after the call's end, of whether its caller was exempt when it arrived; why is the reason of the version that follows.
// An answer never takes an exemption away, nor a final "no" back to unknown. It returns false where it changes nothing.
func (c *Call) Resolve(e Exemption, why Reason) bool {
	switch had := c.Exemption.Verdict; {
	case had == ExemptYes, c.GivenUp && e.Verdict != ExemptYes, had == ExemptNo && e.Verdict != ExemptYes:
		return false
	}
	c.Exemption = e
	c.GivenUp = e.Verdict == ExemptUnknown
	c.Amend(why)
	return true
}

// Amend notes why the versions that follow differ from the first.
func (c *Call) Amend(why Reason) {
	if !slices.Contains(c.Amendments, why) {
		c.Amendments = append(c.Amendments, why)
	}
}

// NewVersion makes the record that supersedes an earlier one of the same call, which Amend has been told why.
func NewVersion(c *Call, version int, ev Evidence) Record {
	r := NewRecord(c, ev)
	r.Record, r.Version = recordID(c, version), version
	return r
}
