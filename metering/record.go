package metering

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/risposta/gateway/metering/tariff"
)

// RecordVersion is the version of the first record of a call.
const RecordVersion = 1

// Outcome is what became of the call.
type Outcome string

// The outcomes.
const (
	Talked     Outcome = "talked"     // an operator talked with the caller
	Abandoned  Outcome = "abandoned"  // the caller hung up before any operator talked
	Unanswered Outcome = "unanswered" // the service hung up before any operator talked
	Uncertain  Outcome = "uncertain"  // the end, or all talk there may have been, was not seen
)

// RecordPending is the record's state while no lookup has answered whether the caller is exempt:
// nothing is charged, and a later version resolves it.
const RecordPending = "pending"

// Time is an instant in a record: RFC 3339, UTC, milliseconds.
type Time struct{ time.Time }

const timeLayout = "2006-01-02T15:04:05.000Z"

// String writes 2026-11-23T09:46:14.945Z.
func (t Time) String() string { return t.UTC().Format(timeLayout) }

// MarshalJSON writes "2026-11-23T09:46:14.945Z".
func (t Time) MarshalJSON() ([]byte, error) { return []byte(`"` + t.String() + `"`), nil }

// Record is the durable account of one call on a metered service, charged or not. Durations are
// whole milliseconds. waited_ms, held_ms, unseen_ms and talk_ms add up to the whole call.
type Record struct {
	// Stable id of this record, random but for the version at its end. A receiver can drop a record
	// whose id it already has.
	Record string `json:"record"`
	// 1 for the first record of a call. A later version supersedes the earlier ones.
	Version int `json:"version"`
	// The PBX: Asterisk's entity id.
	Node string `json:"node"`
	// Unique id of the caller's channel. Where the detail is erased: a random name.
	Call CallID `json:"call"`
	// Name of the service in the configuration.
	Service string `json:"service"`
	// Keyed pseudonym of the caller's number. Empty: the number is withheld, or the detail is erased.
	Caller string `json:"caller"`
	// Keyed pseudonyms of the other numbers that the caller's number may mean. Left out: there are
	// none, or the detail is erased.
	CallerAlso []string `json:"caller_also,omitzero"`
	// Whether the PBX gave a number that no numbering plan has, so that "caller" is empty. Left out: it
	// did not.
	CallerUnread bool `json:"caller_unread,omitzero"`
	// Endpoint that the call came in on, such as PJSIP/trunk. Left out: it is not known, or the detail
	// is erased.
	Trunk string `json:"trunk,omitzero"`
	// Who vouches for the caller's number: "trunk", "A", "B", "C" (STIR/SHAKEN), "failed" or "none".
	// Left out: it is not known.
	Attestation Attestation `json:"attestation,omitzero"`
	// When the caller entered the service.
	ArrivedAt Time `json:"arrived_at"`
	// The first hang-up request of the caller's channel.
	EndedAt Time `json:"ended_at"`
	// What became of the call.
	Outcome Outcome `json:"outcome"`
	// "pending" while no lookup has answered whether the caller is exempt. Left out: the charge is
	// final.
	State string `json:"state,omitzero"`
	// Whether the call arrived outside the opening hours of the service. Left out: it did not, or the
	// service has none.
	OutsideHours bool `json:"outside_hours,omitzero"`
	// What tells when the caller chose an operator: "mark" is the dialplan's. Left out: joining the
	// first queue.
	Choice string `json:"choice,omitzero"`
	// When the dialplan marked that the caller chose an operator. Left out: it did not, or the choice
	// is no mark, or the detail is erased.
	ChosenAt Time `json:"chosen_at,omitzero"`
	// Each stay in a queue, in order.
	Queues []QueueEntry `json:"queues"`
	// Each stretch of talk, in order.
	Talk []Talk `json:"talk"`
	// How long the caller waited without an operator.
	WaitedMs int64 `json:"waited_ms"`
	// How long the caller or the operator was on hold.
	HeldMs int64 `json:"held_ms"`
	// How long the PBX could not be seen.
	UnseenMs int64 `json:"unseen_ms"`
	// How long operator and caller could talk. Only talk is ever charged.
	TalkMs int64 `json:"talk_ms"`
	// Talk less the free seconds, rounded down to whole increments of the tariff.
	BillableSeconds int64 `json:"billable_seconds"`
	// Whether the caller is exempt from any charge.
	Exempt bool `json:"exempt"`
	// The reference of the entitlement, as the lookup gave it. Empty: the caller is not exempt, or the
	// lookup gave none.
	ExemptionRef string `json:"exemption_ref"`
	// Name and content hash of the tariff in force at arrival. Empty: the service has no price.
	Tariff string `json:"tariff"`
	// Name and content hash of the policy that the call was charged under. Empty: none.
	Policy string `json:"policy"`
	// The kinds of numbers that the call was led to, in order, the service's own first. Never the
	// numbers. Left out: there were none.
	Numbers []string `json:"numbers,omitzero"`
	// What the front desk announced. Left out: nothing.
	Announcement *Announcement `json:"announcement,omitzero"`
	// What the caller answered after the call. Left out: there was no survey.
	Survey *Survey `json:"survey,omitzero"`
	// What the caller pays, the tax included.
	Charge tariff.Amount `json:"charge"`
	// The part of the charge that is no tax. Left out: the tariff names no tax.
	Net tariff.Amount `json:"net,omitzero"`
	// The part of the charge that is tax. Left out: the tariff names no tax.
	Tax tariff.Amount `json:"tax,omitzero"`
	// The rate of the tax in percent, such as "22". Left out: the tariff names no tax.
	TaxPercent string `json:"tax_percent,omitzero"`
	// Why the charge is what it is. The first reason is the decisive one.
	Reasons []Reason `json:"reasons"`
	// What the record was made from.
	Evidence Evidence `json:"evidence"`
	// Whether the caller's detail is erased. Left out: it is not.
	DetailErased bool `json:"detail_erased,omitzero"`
}

// QueueEntry is one stay in a queue.
type QueueEntry struct {
	// Name of the queue.
	Name string `json:"name"`
	// When the caller joined the queue.
	JoinedAt Time `json:"joined_at"`
	// When the operator answered, or the caller left the queue otherwise.
	LeftAt Time `json:"left_at"`
}

// Talk is one stretch of talk with one operator.
type Talk struct {
	// When the path from the caller to the operator was complete.
	From Time `json:"from"`
	// When the path broke.
	To Time `json:"to"`
	// How long the stretch was, in milliseconds.
	Ms int64 `json:"ms"`
	// Endpoint of the operator.
	Operator string `json:"operator"`
	// The queue that the operator answered for. Empty: none.
	Queue string `json:"queue"`
}

// Evidence is the evidence that a record was made from.
type Evidence struct {
	// Number of frames.
	Events int `json:"events"`
	// SHA-256 of the frames, each followed by a newline.
	Digest string `json:"digest"`
}

// ChoiceMark is the value of [Record].Choice besides "".
const ChoiceMark = "mark"

// NewRecord makes the first record of a call that has ended. Everything that the call knows as talk
// is certain: the facts have already taken out what was not.
func NewRecord(c *Call, ev Evidence) Record {
	r := Record{
		Record: recordID(c.RecordName, RecordVersion), Version: RecordVersion,
		Node: c.Node, Call: c.ID, Service: c.Service, Caller: c.Caller,
		CallerAlso: c.Origin.CallerAlso, CallerUnread: c.Origin.CallerUnread, Trunk: c.Origin.Trunk,
		Attestation: c.Exemption.Attestation,
		ArrivedAt:   Time{c.ArrivedAt}, EndedAt: Time{c.EndedAt},
		OutsideHours: c.Terms.OutsideHours, ChosenAt: Time{c.ChosenAt},
		Queues: []QueueEntry{}, Talk: []Talk{},
		WaitedMs: c.total(Waiting).Milliseconds(), HeldMs: c.total(Held).Milliseconds(),
		UnseenMs: c.total(Unseen).Milliseconds(), TalkMs: c.total(Talking).Milliseconds(),
		Exempt: c.Exemption.Verdict == ExemptYes, ExemptionRef: c.Exemption.Ref,
		Policy: c.Terms.Policy.Ref(), Numbers: c.Numbers,
		Announcement: c.Announcement, Survey: c.Survey, Evidence: ev,
	}
	if c.Terms.ChoiceMarked {
		r.Choice = ChoiceMark
	}
	for _, q := range c.Queues {
		r.Queues = append(r.Queues, QueueEntry{q.Name, Time{q.JoinedAt}, Time{q.LeftAt}})
	}
	for _, s := range c.Segments {
		if s.State == Talking {
			ms := s.To.Sub(s.From).Milliseconds()
			r.Talk = append(r.Talk, Talk{Time{s.From}, Time{s.To}, ms, s.Operator, s.Queue})
		}
	}
	r.Outcome = c.outcome(r.TalkMs, r.UnseenMs)
	r.charge(c)
	return r
}

// MayCharge reports whether the talk of this version costs something, or will once a lookup has
// answered.
func (r Record) MayCharge() bool { return r.Charge.Minor > 0 || r.State == RecordPending }

// recordID is the same each time, so that a receiver can drop a repeat.
func recordID(name string, version int) string { return fmt.Sprintf("r-%s-%d", name, version) }

func (c *Call) outcome(talkMs, unseenMs int64) Outcome {
	switch {
	case c.EndUnseen, talkMs == 0 && unseenMs > 0:
		return Uncertain
	case talkMs > 0:
		return Talked
	case c.EndedBy == EndedByCaller:
		return Abandoned
	default:
		return Unanswered
	}
}

// JSON is the record as it is kept and sent: one line, fields in the order of the type.
func (r Record) JSON() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic("metering: a record does not encode: " + err.Error()) // every field can be encoded
	}
	return b
}
