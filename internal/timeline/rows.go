package timeline

import (
	"fmt"
	"slices"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/policy"
)

// Row is a stretch of the call.
type Row struct {
	From     metering.Time `json:"from"`
	To       metering.Time `json:"to"`
	Ms       int64         `json:"ms"`
	State    string        `json:"state"`
	Operator string        `json:"operator,omitempty"`
	Queue    string        `json:"queue,omitempty"`
	Charged  bool          `json:"charged"`
	Why      string        `json:"why"`

	code string
}

// The codes of a row that has no reason of a record or a gap.
const (
	CodeHeld       = "held"
	CodeWaiting    = "waiting"
	CodeNoOperator = "no_operator"
)

// Code is Why as a name, for those who write it in another language: for talk the decisive reason of
// the charge, for unseen time the reason of the gap, else one of the codes.
func (r Row) Code() string { return r.code }

func rows(c *metering.Call, rec metering.Record, open bool) []Row {
	charged, whyTalk := chargeOfTalk(rec)
	var rows []Row
	for i, s := range c.Segments {
		now := open && i == len(c.Segments)-1 // where an open call is now: shown however short
		for _, part := range split(s, c.Queues) {
			r := Row{
				From: metering.Time{Time: part.From}, To: metering.Time{Time: part.To},
				Ms:    part.To.Sub(part.From).Milliseconds(),
				State: part.State.String(), Operator: part.Operator, Queue: part.Queue,
			}
			switch part.State {
			case metering.Talking:
				r.Charged, r.Why, r.code = charged, whyTalk, string(rec.Reasons[0])
			case metering.Held:
				r.Why, r.code = "on hold: no talk", CodeHeld
			case metering.Unseen:
				r.Why, r.code = "not seen ("+part.Why+"): unseen time is free", part.Why
			default:
				r.Why, r.code = whyWaiting(part, c)
			}
			if r.Ms > 0 || now {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

func whyWaiting(s metering.Segment, c *metering.Call) (why, code string) {
	for _, later := range c.Segments {
		if later.State == metering.Talking && !later.From.Before(s.To) {
			return "waiting for an operator", CodeWaiting
		}
	}
	return "no operator with the caller", CodeNoOperator
}

// chargeOfTalk is whether talk was charged, and why or why not. It never says why a caller is
// exempt.
func chargeOfTalk(rec metering.Record) (charged bool, why string) {
	switch why := rec.Reasons[0]; why {
	case metering.ReasonTalk:
		return true, "operator and caller can talk"
	case metering.ReasonCapped:
		return true, "operator and caller can talk; the charge stops at the cap per call"
	default:
		if text, ok := freeBecause[why]; ok {
			return false, text
		}
		return false, "free" // the other reasons come without talk
	}
}

// freeBecause is why talk was not charged.
var freeBecause = map[metering.Reason]string{
	metering.ReasonExempt:              "the caller is exempt",
	metering.ReasonExemptionUnresolved: "no exemption lookup has answered",
	metering.ReasonNoTariff:            "the service has no price",
	metering.ReasonBelowIncrement:      "shorter than the shortest time that is charged",
	metering.ReasonDirectionUnknown:    "it was not seen whether the caller called",
	metering.ReasonTookOver:            "the caller's leg is part of another call, which it took over",
	metering.ReasonPriceForbidden:      "the law allows the service no price",
	metering.ReasonNumberRefused: "the call was led to a number that may cost more than an " +
		"ordinary call",
	metering.ReasonWaitCharged: "the caller's own network charged the waiting time, which voids " +
		"the whole charge",
	metering.ReasonWaitNotTold: "the caller was not told how long the wait was expected to be, as " +
		"the law requires",
	metering.ReasonAnnouncedFree: "the caller heard that the call is free",
	metering.ReasonNoConsent:     "the caller did not agree to the price",
	metering.ReasonNotAnnounced:  "the caller did not hear the price",
	metering.ReasonAnnouncedLate: fmt.Sprintf("the price announcement ended less than %s before",
		policy.Lead),
}

// split cuts a stretch of waiting where the caller joined or left a queue.
func split(s metering.Segment, queues []metering.QueueVisit) []metering.Segment {
	if s.State != metering.Waiting {
		return []metering.Segment{s}
	}
	cuts := []time.Time{s.From, s.To}
	for _, q := range queues {
		for _, at := range []time.Time{q.JoinedAt, q.LeftAt} {
			if at.After(s.From) && at.Before(s.To) {
				cuts = append(cuts, at)
			}
		}
	}
	slices.SortFunc(cuts, time.Time.Compare)
	var parts []metering.Segment
	for i := 1; i < len(cuts); i++ {
		part := metering.Segment{State: metering.Waiting, From: cuts[i-1], To: cuts[i]}
		for _, q := range queues {
			if !q.JoinedAt.After(part.From) && !q.LeftAt.Before(part.To) {
				part.Queue = q.Name
			}
		}
		parts = append(parts, part)
	}
	return parts
}
