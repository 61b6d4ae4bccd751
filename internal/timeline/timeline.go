// Package timeline answers "why did this call cost that?": every second of one call, charged or
// free, and why.
//
// In: the evidence of a call, and its record where the call has ended. The evidence is replayed
// with [mediation.Replay], so the answer verifies the record instead of repeating it. Out: a
// [Timeline] as values, as text for a terminal, as JSON; and the [Itemisation] of a record for its
// caller. It never opens the ledger itself.
package timeline

import (
	"bytes"
	"encoding/json"
	"fmt"
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
	Open     bool              `json:"open"` // the account goes as far as the last event
	Rows     []Row             `json:"timeline"`
	Rating   *Rating           `json:"rating,omitempty"` // nil while open, and without a tariff
	Record   *metering.Record  `json:"record,omitempty"` // nil while open
	Evidence metering.Evidence `json:"evidence"`
	// Verified: replaying the evidence gives the record in the ledger, byte for byte.
	Verified bool `json:"verified"`
}

// Rating is how the charge comes about. Amounts are decimal text in Currency.
type Rating struct {
	TalkMs           int64  `json:"talk_ms"`
	IncrementSeconds int64  `json:"increment_seconds"`
	BillableSeconds  int64  `json:"billable_seconds"`
	PerMinute        string `json:"per_minute"`
	Band             string `json:"band,omitempty"`
	FreeSeconds      int64  `json:"free_seconds,omitempty"`
	CapPerCall       string `json:"cap_per_call,omitempty"`
	Tax              string `json:"tax,omitempty"` // included or added
	TaxPercent       string `json:"tax_percent,omitempty"`
	Exact            string `json:"exact"`  // before rounding
	Amount           string `json:"amount"` // what is charged
	Currency         string `json:"currency"`
}

// New replays the evidence, one frame each. record is the JSON of the call's newest record as the
// ledger keeps it, nil while the call is open. An error means that the evidence cannot be replayed.
func New(call metering.CallID, frames [][]byte, record []byte) (*Timeline, error) {
	m, out, err := mediation.Replay(frames)
	if err != nil {
		return nil, fmt.Errorf("replaying the evidence of call %s: %w", call, err)
	}
	c, open := m.Call(call), true
	if c == nil {
		if len(out.Calls) == 0 || len(out.Records) == 0 {
			return nil, fmt.Errorf("replaying the evidence of call %s: it is that of another call", call)
		}
		c, open = out.Calls[0], false
	}
	t := &Timeline{
		Call: call, Service: c.Service, Caller: c.Caller, Open: open,
		Evidence: metering.Evidence{Events: len(frames)},
	}
	if open {
		now := upTo(m.Watermark(), c)
		t.Rows = rows(now, metering.NewRecord(now, metering.Evidence{}), true)
		return t, nil
	}
	rec := out.Records[len(out.Records)-1]
	t.Record, t.Evidence = &rec, rec.Evidence
	t.Verified = bytes.Equal(rec.JSON(), record)
	t.Rows = rows(c, rec, false)
	if tr := c.Terms.Tariff; tr != nil {
		t.Rating = rating(tr, &rec)
	}
	return t, nil
}

// upTo is a copy of an open call that ends at an instant.
func upTo(end time.Time, c *metering.Call) *metering.Call {
	cp := *c
	cp.EndedAt = end
	cp.Segments = append([]metering.Segment(nil), c.Segments...)
	cp.Queues = append([]metering.QueueVisit(nil), c.Queues...)
	last := &cp.Segments[len(cp.Segments)-1]
	if last.To = end; end.Before(last.From) {
		last.To = last.From
	}
	if n := len(cp.Queues); n > 0 && cp.Queues[n-1].LeftAt.IsZero() {
		cp.Queues[n-1].LeftAt = end
	}
	return &cp
}

func rating(t *tariff.Tariff, rec *metering.Record) *Rating {
	return &Rating{
		TalkMs: rec.TalkMs, BillableSeconds: rec.BillableSeconds,
		IncrementSeconds: int64(t.Increment / time.Second), FreeSeconds: t.FreeSeconds,
		PerMinute: t.PerMinute, Band: t.Band, CapPerCall: t.CapPerCall,
		Tax: t.Tax, TaxPercent: t.TaxPercent,
		Exact: t.Exact(rec.BillableSeconds), Amount: rec.Charge.String(), Currency: t.Currency,
	}
}

// JSON is the timeline as one object.
func (t *Timeline) JSON() ([]byte, error) { return json.MarshalIndent(t, "", "  ") }
