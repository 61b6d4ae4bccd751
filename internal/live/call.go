package live

import (
	"time"

	"github.com/risposta/gateway/metering"
)

// CallRow is an open call. Durations go up to what was seen last of its PBX.
type CallRow struct {
	Call    metering.CallID `json:"call"`
	PBX     string          `json:"pbx"`
	Service string          `json:"service"`
	Caller  string          `json:"caller"` // the pseudonym
	State   string          `json:"state"`
	// Doing is what the caller has, whoever pays: waiting, talk, held or unseen.
	Doing string `json:"doing"`
	// Why is the reason for which talk is free. Left out: it is charged, there is none, or the caller
	// is exempt.
	Why       metering.Reason `json:"why,omitzero"`
	Queue     string          `json:"queue,omitzero"`
	Operator  string          `json:"operator,omitzero"`
	ArrivedAt metering.Time   `json:"arrived_at"`
	Since     metering.Time   `json:"since"`  // in this state
	ForMs     int64           `json:"for_ms"` // in this state
	TalkMs    int64           `json:"talk_ms"`
	// Amount is what the call costs if it ends now.
	Amount   string `json:"amount"`
	Currency string `json:"currency,omitzero"`
}

// callRow asks the meter what the call's record is if it ends now: so what is shown as charged is what
// is charged.
func callRow(p *PBX, c *metering.Call) CallRow {
	last := c.Segments[len(c.Segments)-1]
	end := p.Watermark
	if end.Before(last.From) {
		end = last.From
	}
	row := CallRow{
		Call: c.ID, PBX: p.Name, Service: c.Service, Caller: c.Caller, Doing: last.State.String(),
		Operator: last.Operator, Queue: last.Queue, ArrivedAt: metering.Time{Time: c.ArrivedAt},
		Since: metering.Time{Time: last.From}, ForMs: end.Sub(last.From).Milliseconds(),
	}
	if n := len(c.Queues); n > 0 && c.Queues[n-1].LeftAt.IsZero() && last.State == metering.Waiting {
		row.Queue = c.Queues[n-1].Name
	}
	rec := endedAt(c, end)
	row.TalkMs, row.Amount, row.Currency = rec.TalkMs, rec.Charge.String(), rec.Charge.Currency
	if last.State == metering.Talking && rec.TalkMs == 0 { // it begins now
		rec = endedAt(c, end.Add(time.Millisecond))
	}
	row.State = stateOf(c, last.State, rec)
	if row.State == Free {
		row.Why = rec.Reasons[0]
	}
	return row
}

// endedAt is the record of an open call that ends at an instant.
func endedAt(open *metering.Call, end time.Time) metering.Record {
	c := Copy(open)
	c.EndedAt, c.EndedBy = end, metering.EndedByCaller
	c.Segments[len(c.Segments)-1].To = end
	if n := len(c.Queues); n > 0 && c.Queues[n-1].LeftAt.IsZero() {
		c.Queues[n-1].LeftAt = end
	}
	return metering.NewRecord(&c, metering.Evidence{})
}

func stateOf(c *metering.Call, doing metering.State, rec metering.Record) string {
	if c.Exemption.Verdict == metering.ExemptYes {
		return Exempt
	}
	switch doing {
	case metering.Held:
		return Held
	case metering.Unseen:
		return Unseen
	case metering.Talking:
	default:
		return Waiting
	}
	switch rec.Reasons[0] {
	case metering.ReasonTalk, metering.ReasonCapped:
		return Charged
	case metering.ReasonBelowIncrement: // of a price; the first increment is not over
		if c.Terms.Tariff.HighestPrice().Sign() > 0 {
			return Charged
		}
	default:
	}
	return Free
}
