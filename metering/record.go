package metering

import (
	"crypto/sha256"
	"encoding/hex"
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
	Abandoned  Outcome = "abandoned"  // the caller gave up before any operator talked
	Unanswered Outcome = "unanswered" // the service let the caller go before any operator talked
	Uncertain  Outcome = "uncertain"  // too little was seen to say
)

// RecordPending is the record's state while nobody could say whether the caller is exempt: nothing is charged, and a later version settles it.
const RecordPending = "pending"

// Time is an instant in a record: RFC 3339, UTC, milliseconds.
type Time struct{ time.Time }

const recordTime = "2006-01-02T15:04:05.000Z"

// String writes 2026-11-23T09:46:14.945Z.
func (t Time) String() string { return t.UTC().Format(recordTime) }

// MarshalJSON writes "2026-11-23T09:46:14.945Z".
func (t Time) MarshalJSON() ([]byte, error) { return []byte(`"` + t.String() + `"`), nil }

// Record is the one durable account of one call. docs/record.md explains each field.
type Record struct {
	Record          string        `json:"record"`
	Version         int           `json:"version"`
	Node            string        `json:"node"`
	Call            CallID        `json:"call"`
	Service         string        `json:"service"`
	Caller          string        `json:"caller"`
	ArrivedAt       Time          `json:"arrived_at"`
	EndedAt         Time          `json:"ended_at"`
	Outcome         Outcome       `json:"outcome"`
	State           string        `json:"state,omitzero"` // RecordPending, or nothing: the charge is final
	Queues          []QueueEntry  `json:"queues"`
	Talk            []Talk        `json:"talk"`
	WaitedMs        int64         `json:"waited_ms"`
	HeldMs          int64         `json:"held_ms"`
	UnseenMs        int64         `json:"unseen_ms"`
	TalkMs          int64         `json:"talk_ms"`
	BillableSeconds int64         `json:"billable_seconds"`
	Exempt          bool          `json:"exempt"`
	ExemptionRef    string        `json:"exemption_ref"`
	Tariff          string        `json:"tariff"`
	Policy          string        `json:"policy"`
	Numbers         []string      `json:"numbers,omitzero"`      // the kinds of numbers that the call was led to, in order; never the numbers
	Announcement    *Announcement `json:"announcement,omitzero"` // what the front desk told the caller
	Survey          *Survey       `json:"survey,omitzero"`       // what the caller answered
	Charge          tariff.Amount `json:"charge"`
	Reasons         []Reason      `json:"reasons"`
	Evidence        Evidence      `json:"evidence"`
	DetailErased    bool          `json:"detail_erased,omitzero"`
}

// QueueEntry is one stay in a queue.
type QueueEntry struct {
	Name     string `json:"name"`
	JoinedAt Time   `json:"joined_at"`
	LeftAt   Time   `json:"left_at"`
}

// Talk is one stretch of talk with one operator.
type Talk struct {
	From     Time   `json:"from"`
	To       Time   `json:"to"`
	Ms       int64  `json:"ms"`
	Operator string `json:"operator"`
	Queue    string `json:"queue"`
}

// Evidence names what the record was made from: how many frames, and the SHA-256 of them, each followed by a newline.
type Evidence struct {
	Events int    `json:"events"`
	Digest string `json:"digest"`
}

// NewRecord makes the record of a call that has ended. What it charges was talk; all doubt has already been taken out.
func NewRecord(c *Call, ev Evidence) Record {
	r := Record{
		Record: recordID(c, RecordVersion), Version: RecordVersion, Node: c.Node, Call: c.ID, Service: c.Service, Caller: c.Caller,
		ArrivedAt: Time{c.ArrivedAt}, EndedAt: Time{c.EndedAt},
		Queues: []QueueEntry{}, Talk: []Talk{},
		WaitedMs: c.total(Waiting).Milliseconds(), HeldMs: c.total(Held).Milliseconds(),
		UnseenMs: c.total(Unseen).Milliseconds(), TalkMs: c.total(Talking).Milliseconds(),
		Exempt: c.Exemption.Verdict == ExemptYes, ExemptionRef: c.Exemption.Ref,
		Policy: c.Terms.Policy.Ref(), Numbers: c.Numbers, Announcement: c.Announcement, Survey: c.Survey, Evidence: ev,
	}
	for _, q := range c.Queues {
		r.Queues = append(r.Queues, QueueEntry{Name: q.Name, JoinedAt: Time{q.JoinedAt}, LeftAt: Time{q.LeftAt}})
	}
	for _, s := range c.Segments {
		if s.State == Talking {
			r.Talk = append(r.Talk, Talk{From: Time{s.From}, To: Time{s.To}, Ms: s.To.Sub(s.From).Milliseconds(), Operator: s.Operator, Queue: s.Queue})
		}
	}
	r.Outcome = c.outcome(r.TalkMs, r.UnseenMs)
	r.charge(c)
	return r
}

// recordID is stable: whoever is told twice of one record can drop the repeat.
func recordID(c *Call, version int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d", c.Node, string(c.ID), version))
	return "r-" + hex.EncodeToString(sum[:12])
}

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

// JSON is the record as it is kept and handed out: one line, fields in the order of the type.
func (r Record) JSON() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic("metering: a record of our own making does not encode: " + err.Error()) // every field can be encoded
	}
	return b
}
