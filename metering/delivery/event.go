package delivery

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// Kind is what an event says.
type Kind string

// The kinds of events.
const (
	Recorded Kind = "record"  // a version of a record was committed
	Erased   Kind = "erasure" // the caller's detail was erased from a version
)

// erasedSuffix makes the id of an erasure of that of the version.
const erasedSuffix = ".erased"

// Event is one change of a record, as other systems get it.
type Event struct {
	// ID is the same each time that the event is delivered, and no other event's: that of the record's
	// version, with ".erased" at the end of an erasure's.
	ID       string
	Kind     Kind
	Position int64 // in the ledger log
	Record   metering.Record
	// Before is the version before, nil where there was none. An erasure changes no amount.
	Before *metering.Record
	Payer  []byte // who pays, encrypted to the billing department; nil for nobody
}

// NewEvent makes the event of a change.
func NewEvent(c ledger.Change) (Event, error) {
	e := Event{Kind: Recorded, Position: c.Position}
	if err := json.Unmarshal(c.JSON, &e.Record); err != nil {
		return e, fmt.Errorf("reading the record at %d: %w", c.Position, err)
	}
	if c.Before != nil {
		e.Before = new(metering.Record)
		if err := json.Unmarshal(c.Before, e.Before); err != nil {
			return e, fmt.Errorf("reading the version before %s: %w", e.Record.Record, err)
		}
	}
	e.ID = e.Record.Record
	if c.Erasure {
		e.Kind, e.ID = Erased, e.ID+erasedSuffix
	}
	if e.Pays() {
		e.Payer = c.Payer
	}
	return e, nil
}

// Pays reports whether somebody pays for the version.
func (e *Event) Pays() bool {
	return e.Kind == Recorded && e.Record.Charge.Minor > 0 && !e.Record.Exempt &&
		!e.Record.DetailErased
}

// RecordName is the record's id without its version: the same for all versions of a call.
func (e *Event) RecordName() string {
	name := e.Record.Record
	return name[:max(0, strings.LastIndexByte(name, '-'))]
}

// change is what the event adds to an amount or to a count of all versions before it.
func (e *Event) change(of func(*metering.Record) int64) int64 {
	switch {
	case e.Kind == Erased:
		return 0
	case e.Before == nil:
		return of(&e.Record)
	}
	return of(&e.Record) - of(e.Before)
}

// changed is the change of an amount, in its currency.
func (e *Event) changed(of func(*metering.Record) tariff.Amount) tariff.Amount {
	a := of(&e.Record)
	a.Minor = e.change(func(r *metering.Record) int64 { return of(r).Minor })
	return a
}

func payerText(payer []byte) string { return base64.StdEncoding.EncodeToString(payer) }
