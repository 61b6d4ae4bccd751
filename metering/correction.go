package metering

import (
	"bytes"
	"slices"
	"time"
)

// GapClockJumped is the reason of an unseen stretch in which the PBX's clock was set.
const GapClockJumped = "clock_jumped"

// Reconcile fills the unseen time of a call that has ended from another account of the same call.
// What was seen stays as it was seen, so no second is charged that either account denies; so does
// what was unseen for another reason than the given ones. endedAt and endedBy are that account's end
// of the call, used where the end was not seen. Reconcile returns whether it changed anything.
func (c *Call) Reconcile(
	account []Segment, reasons map[string]bool, endedAt time.Time, endedBy string,
) bool {
	changed := c.EndUnseen
	if c.EndUnseen && endedAt.After(c.EndedAt) {
		c.Segments = append(c.Segments, Segment{State: Unseen, From: c.EndedAt, To: endedAt})
		c.EndedAt = endedAt
	}
	if c.EndUnseen {
		c.EndUnseen, c.EndedBy = false, endedBy
	}
	unseen := c.total(Unseen)
	var reconciled []Segment
	for _, s := range c.Segments {
		if s.State != Unseen || s.Why != "" && !reasons[s.Why] {
			reconciled = append(reconciled, s)
			continue
		}
		reconciled = append(reconciled, s.fillFrom(account)...)
	}
	c.Segments = reconciled
	return changed || c.total(Unseen) != unseen
}

// Learn takes over what another account shows of the time that was not seen, and the charge depends
// on beside the talk: when talk first began and when the caller's own channel went Up, each zero
// where it adds nothing, and the kinds of numbers that the call was led to.
func (c *Call) Learn(talkBegan, answeredAt time.Time, numbers []string) {
	if !talkBegan.IsZero() && talkBegan.Before(c.firstTalk()) {
		c.TalkBegan = talkBegan
	}
	if c.AnsweredAt.IsZero() {
		c.AnsweredAt = answeredAt
	}
	for _, kind := range numbers {
		if !slices.Contains(c.Numbers, kind) {
			c.Numbers = append(c.Numbers, kind)
		}
	}
}

// MayCharge reports whether the call, as it is known now, costs something or may do so later.
func (c *Call) MayCharge() bool { return NewRecord(c, Evidence{}).MayCharge() }

// Shorten takes out of the talk what another account of the same call shows as a hold, or as time
// without an operator, and returns how much that is. Between two accounts an instant may differ by
// the tolerance: a shorter difference changes nothing.
func (c *Call) Shorten(account []Segment, tolerance time.Duration) time.Duration {
	before := c.TalkTime()
	var shortened []Segment
	for _, s := range c.Segments {
		if s.State == Talking {
			shortened = append(shortened, s.shortenBy(account, tolerance)...)
		} else {
			shortened = append(shortened, s)
		}
	}
	c.Segments = shortened
	return before - c.TalkTime()
}

// shortenBy is the stretch of talk without what the account shows as none.
func (s Segment) shortenBy(account []Segment, tolerance time.Duration) (parts []Segment) {
	for _, p := range s.fillFrom(account) {
		p.Operator, p.Queue, p.Why = s.Operator, s.Queue, ""
		if p.To.Sub(p.From) <= tolerance {
			p.State = Talking
		}
		if p.State != Talking {
			p.Queue = ""
		}
		if p.State == Waiting {
			p.Operator = ""
		}
		if n := len(parts); n > 0 && parts[n-1].State == p.State {
			parts[n-1].To = p.To
			continue
		}
		parts = append(parts, p)
	}
	return parts
}

// fillFrom is the unseen stretch as the account has it. Between the account's segments the caller
// waited.
func (s Segment) fillFrom(account []Segment) (parts []Segment) {
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

// Resolve applies an answer that came after the call's end: whether its caller was exempt when it
// arrived. why is the reason that the next version of the record gives. An answer never takes an
// exemption away, and never turns "no" back to unknown. Resolve returns whether it changed
// anything.
func (c *Call) Resolve(e Exemption, why Reason) bool {
	switch had := c.Exemption.Verdict; {
	case had == ExemptYes,
		c.GivenUp && e.Verdict != ExemptYes,
		had == ExemptNo && e.Verdict != ExemptYes:
		return false
	}
	c.answer(e)
	c.GivenUp = e.Verdict == ExemptUnknown
	c.NoteCorrection(why)
	return true
}

// NoteCorrection adds a reason why later versions of the record differ from the first, once.
func (c *Call) NoteCorrection(why Reason) {
	if !slices.Contains(c.Corrections, why) {
		c.Corrections = append(c.Corrections, why)
	}
}

// SameContent compares two versions of a record without what names the version and its evidence.
func (r Record) SameContent(other Record) bool {
	r.Record, r.Version, r.Evidence = other.Record, other.Version, other.Evidence
	return bytes.Equal(r.JSON(), other.JSON())
}

// NewVersion makes the record that supersedes an earlier one of the same call, after
// [Call.NoteCorrection].
func NewVersion(c *Call, version int, ev Evidence) Record {
	r := NewRecord(c, ev)
	r.Record, r.Version = recordID(c.RecordName, version), version
	return r
}
