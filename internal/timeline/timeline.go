// Package timeline answers "why did this call cost that?": every second of one call, charged or free, and why.
//
// In: a call's evidence, and its record where it has ended. The evidence is replayed, so the answer is the proof of the record, not a copy
// of it. Out: values, a text for a terminal, JSON. It never opens the ledger itself.
package timeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

// Timeline is the account of one call.
type Timeline struct {
	Call     metering.CallID   `json:"call"`
	Service  string            `json:"service"`
	Caller   string            `json:"caller"`
	Open     bool              `json:"open"` // the call has not ended; the account goes as far as the last event
	Rows     []Row             `json:"timeline"`
	Sum      *Sum              `json:"sum,omitempty"`
	Record   *metering.Record  `json:"record,omitempty"`
	Evidence metering.Evidence `json:"evidence"`
	// Proved: the evidence, replayed, gives the record in the ledger, byte for byte.
	Proved bool `json:"proved"`
}

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
}

// Sum is how the charge comes about.
type Sum struct {
	TalkMs           int64  `json:"talk_ms"`
	IncrementSeconds int64  `json:"increment_seconds"`
	BillableSeconds  int64  `json:"billable_seconds"`
	PerMinute        string `json:"per_minute"`
	Band             string `json:"band,omitempty"`
	FreeSeconds      int64  `json:"free_seconds,omitempty"`
	CapPerCall       string `json:"cap_per_call,omitempty"`
	Exact            string `json:"exact"`
	Amount           string `json:"amount"`
	Currency         string `json:"currency"`
}

// New replays the evidence. record is the ledger's JSON, nil while the call is open.
func New(call metering.CallID, frames [][]byte, record []byte) (*Timeline, error) {
	p, out, err := mediation.Replay(frames)
	if err != nil {
		return nil, fmt.Errorf("replaying the evidence of call %s: %w", call, err)
	}
	c, open := p.Call(call), true
	if c == nil {
		c, open = out.Calls[0], false
	}
	t := &Timeline{Call: call, Service: c.Service, Caller: c.Caller, Open: open, Evidence: metering.Evidence{Events: len(frames)}}
	if open {
		c = soFar(c, p.Watermark())
		t.Rows = rows(c, metering.Record{Reasons: []metering.Reason{metering.ReasonTalk}}, true)
		return t, nil
	}
	rec := out.Records[len(out.Records)-1]
	t.Record, t.Evidence = &rec, rec.Evidence
	t.Proved = bytes.Equal(rec.JSON(), record)
	t.Rows = rows(c, rec, false)
	if tr := c.Terms.Tariff; tr != nil {
		t.Sum = sum(tr, &rec)
	}
	return t, nil
}

// soFar is a copy of an open call that ends now.
func soFar(c *metering.Call, now time.Time) *metering.Call {
	cp := *c
	cp.EndedAt = now
	cp.Segments = append([]metering.Segment(nil), c.Segments...)
	cp.Queues = append([]metering.QueueVisit(nil), c.Queues...)
	last := &cp.Segments[len(cp.Segments)-1]
	if last.To = now; now.Before(last.From) {
		last.To = last.From
	}
	if n := len(cp.Queues); n > 0 && cp.Queues[n-1].LeftAt.IsZero() {
		cp.Queues[n-1].LeftAt = now
	}
	return &cp
}

func rows(c *metering.Call, rec metering.Record, open bool) []Row {
	charged, talkWhy := talkIs(rec)
	var rows []Row
	for i, s := range c.Segments {
		lives := open && i == len(c.Segments)-1 // where the call is now; shown however short
		for _, part := range split(s, c.Queues) {
			r := Row{
				From: metering.Time{Time: part.From}, To: metering.Time{Time: part.To}, Ms: part.To.Sub(part.From).Milliseconds(),
				State: part.State.String(), Operator: part.Operator, Queue: part.Queue,
			}
			switch part.State {
			case metering.Talking:
				r.Charged, r.Why = charged, talkWhy
			case metering.Held:
				r.Why = "on hold: nobody can talk with the caller"
			case metering.Unseen:
				r.Why = "not seen (" + part.Why + "): what is not known is free"
			default:
				r.Why = waitingWhy(part, c)
			}
			if r.Ms > 0 || lives {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

func waitingWhy(s metering.Segment, c *metering.Call) string {
	for _, later := range c.Segments {
		if later.State == metering.Talking && !later.From.Before(s.To) {
			return "waiting for an operator"
		}
	}
	return "no operator with the caller"
}

// talkIs tells whether talk was charged, and why or why not. Never why a caller is exempt.
func talkIs(rec metering.Record) (charged bool, why string) {
	switch why := rec.Reasons[0]; why {
	case metering.ReasonTalk:
		return true, "operator and caller can talk"
	case metering.ReasonCapped:
		return true, "operator and caller can talk; no more than the cap of a call is charged"
	default:
		if text, ok := freeBecause[why]; ok {
			return false, text
		}
		return false, "free" // the others come without talk
	}
}

// freeBecause says why talk was not charged.
var freeBecause = map[metering.Reason]string{
	metering.ReasonExempt:              "the caller is exempt",
	metering.ReasonExemptionUnresolved: "whether the caller is exempt is not known",
	metering.ReasonNoTariff:            "the service has no price",
	metering.ReasonBelowIncrement:      "shorter than what is charged",
	metering.ReasonPriceForbidden:      "the law allows the service no price",
	metering.ReasonNumberRefused:       "the call was led to a number that may cost more than an ordinary call",
	metering.ReasonWaitCharged:         "the caller's own network charged the wait: the whole fee falls away",
	metering.ReasonToldFree:            "the caller was told that the call is free",
	metering.ReasonNoConsent:           "the caller did not agree to the price",
	metering.ReasonNotAnnounced:        "the caller was not told the price",
	metering.ReasonAnnouncedLate:       "the price was told less than 3 s before",
}

// split cuts a stretch of waiting at the queues' boundaries.
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
	sort.Slice(cuts, func(i, j int) bool { return cuts[i].Before(cuts[j]) })
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

func sum(t *tariff.Tariff, rec *metering.Record) *Sum {
	return &Sum{
		TalkMs: rec.TalkMs, IncrementSeconds: int64(t.Increment / time.Second), BillableSeconds: rec.BillableSeconds,
		PerMinute: t.PerMinute, Exact: t.Exact(rec.BillableSeconds), Amount: rec.Charge.String(), Currency: t.Currency,
		Band: t.Band, FreeSeconds: t.FreeSeconds, CapPerCall: t.CapPerCall,
	}
}

// JSON is the timeline as one object.
func (t *Timeline) JSON() ([]byte, error) { return json.MarshalIndent(t, "", "  ") }
