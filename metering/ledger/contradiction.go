package ledger

import (
	"fmt"
	"strings"

	"github.com/risposta/gateway/metering"
)

// Contradiction is the ErrBroken of a batch: it names every call whose part of the batch
// contradicts itself or what the ledger holds. The other calls have no part in it.
type Contradiction struct {
	Calls []ContradictingCall // in the order in which the batch names them, each once
}

// ContradictingCall is one call of a contradiction.
type ContradictingCall struct {
	Call     metering.CallID
	Why      string // holds nothing that could name a person
	Recorded bool   // the ledger has its record
}

// Error implements error.
func (c *Contradiction) Error() string {
	texts := make([]string, len(c.Calls))
	for i, call := range c.Calls {
		texts[i] = fmt.Sprintf("call %s: %s", call.Call, call.Why)
	}
	return ErrBroken.Error() + ": " + strings.Join(texts, "; ")
}

// Unwrap makes it an ErrBroken.
func (c *Contradiction) Unwrap() error { return ErrBroken }

// Part is what a batch has of one call.
type Part struct {
	Call     metering.CallID
	Opened   []OpenCall
	Evidence int // frames
	Records  []*metering.Record
}

// Parts are what the batch has of each call that it opens, continues or closes, in the order in
// which it names them. Calls that it only names in Pending and Closed have no part.
func (b *Batch) Parts() []*Part {
	var parts []*Part
	known := map[metering.CallID]*Part{}
	part := func(call metering.CallID) *Part {
		p := known[call]
		if p == nil {
			p = &Part{Call: call}
			known[call] = p
			parts = append(parts, p)
		}
		return p
	}
	for _, c := range b.Opened {
		p := part(c.Call)
		p.Opened = append(p.Opened, c)
	}
	for _, e := range b.Evidence {
		part(e.Call).Evidence++
	}
	for i := range b.Records {
		p := part(b.Records[i].Call)
		p.Records = append(p.Records, &b.Records[i])
	}
	return parts
}

// RecordID is the id of the call's first record, "" where the part has none.
func (p *Part) RecordID() string {
	if len(p.Records) == 0 {
		return ""
	}
	return p.Records[0].Record
}

// Contradiction tells why the part contradicts itself or what the ledger holds of the call: whether
// it is open, and whether there is a record of the call or with its RecordID. "": it does not. What
// was erased is no longer known as the call's. Each store asks it about every part of a batch, so
// that all stores judge alike.
func (p *Part) Contradiction(open, recorded bool) string {
	switch {
	case recorded:
		return "it has its record already"
	case open && len(p.Opened) > 0, len(p.Opened) > 1:
		return "it is opened a second time"
	case len(p.Records) > 1:
		return "it has two first records"
	case !open && len(p.Opened) == 0:
		return "it is not open"
	case len(p.Records) == 1 && p.Records[0].Version != metering.RecordVersion:
		return "its record is not a first one"
	}
	return ""
}
