package evidence

import (
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/tariff"
)

// Call is the first frame of a call: everything from the configuration that its charge depends on.
type Call struct {
	Version      int             `json:"version"`
	At           metering.Time   `json:"timestamp"` // of the arrival, by the PBX's clock
	Call         metering.CallID `json:"call"`
	Record       string          `json:"record"` // the name in the ids of its records
	Node         string          `json:"asterisk_id"`
	Service      string          `json:"service"`
	Caller       string          `json:"caller"` // the pseudonym
	CallerAlso   []string        `json:"caller_also,omitzero"`
	CallerUnread bool            `json:"caller_unread,omitzero"`
	Trunk        string          `json:"trunk,omitzero"`
	Operators    []string        `json:"operators"` // patterns of endpoints, such as PJSIP/agent*
	AskExemption bool            `json:"ask_exemption"`
	Tariff       *Tariff         `json:"tariff,omitzero"`      // nil: the service has no price
	Policy       *Policy         `json:"policy,omitzero"`      // nil: no policy is configured
	NumberKind   string          `json:"number_kind,omitzero"` // of the service's own number
	Unseen       string          `json:"unseen,omitzero"`      // why the arrival was not seen
	Direction    string          `json:"direction,omitzero"`   // "unknown"; "": the caller called
	OutsideHours bool            `json:"outside_hours,omitzero"`
	Choice       string          `json:"choice,omitzero"` // "mark"; "": joining the first queue
}

// directionUnknown is the Direction of a call of which it was not seen whether the caller called.
const directionUnknown = "unknown"

// Tariff is the price of the call, as the configuration had it when the call arrived.
type Tariff struct {
	Name             string `json:"name"`
	PerMinute        string `json:"per_minute"` // decimal text in major units, such as 0.96
	IncrementSeconds int64  `json:"increment_seconds"`
	Currency         string `json:"currency"`
	FreeSeconds      int64  `json:"free_seconds,omitzero"`
	CapPerCall       string `json:"cap_per_call,omitzero"` // decimal text in major units
	Band             string `json:"band,omitzero"`
	Tax              string `json:"tax,omitzero"` // included or added
	TaxPercent       string `json:"tax_percent,omitzero"`
}

// Policy is the law that the call is charged under.
type Policy struct {
	Name  string        `json:"name"`
	Rules []policy.Rule `json:"rules"`
}

func (c Call) at() metering.Time { return c.At }

// NewCall makes the first frame of a call from its arrival, whose Terms are set. unseen is why the
// arrival was not seen; "" if it was.
func NewCall(arrival metering.Fact, operators []string, unseen string) []byte {
	terms := arrival.Terms
	c := Call{
		Version: Version, At: metering.Time{Time: arrival.At}, Call: arrival.Call,
		Record: arrival.RecordName, Node: arrival.Node, Service: arrival.Service, Caller: arrival.Caller,
		CallerAlso: arrival.Origin.CallerAlso, CallerUnread: arrival.Origin.CallerUnread,
		Trunk: arrival.Origin.Trunk, Operators: operators,
		AskExemption: terms.AskExemption, NumberKind: terms.NumberKind, Unseen: unseen,
		OutsideHours: terms.OutsideHours,
	}
	if terms.ChoiceMarked {
		c.Choice = metering.ChoiceMark
	}
	if arrival.DirectionUnknown {
		c.Direction = directionUnknown
	}
	if p := terms.Policy; p.Name != "" {
		c.Policy = &Policy{Name: p.Name, Rules: p.Rules}
	}
	if t := terms.Tariff; t != nil {
		c.Tariff = &Tariff{
			Name: t.Name, PerMinute: t.PerMinute, IncrementSeconds: int64(t.Increment / time.Second),
			Currency: t.Currency, FreeSeconds: t.FreeSeconds, CapPerCall: t.CapPerCall, Band: t.Band,
			Tax: t.Tax, TaxPercent: t.TaxPercent,
		}
	}
	return encode(TypeCall, c)
}

// ReadCall reads the first frame of a call, and the arrival that it was made from. It refuses every
// version but [Version].
func ReadCall(frame []byte) (c Call, arrival metering.Fact, err error) {
	if err := checkVersion(frame); err != nil {
		return c, arrival, err
	}
	if c, err = decode[Call](TypeCall, frame); err != nil {
		return c, arrival, err
	}
	if c.Call == "" {
		return c, arrival, errors.New("reading a " + TypeCall + " frame: call: missing")
	}
	if c.Record == "" {
		return c, arrival, fmt.Errorf("the first frame of call %s: record: missing", c.Call)
	}
	if arrival, err = c.arrival(); err != nil {
		return c, arrival, fmt.Errorf("the first frame of call %s: %w", c.Call, err)
	}
	return c, arrival, nil
}

// checkVersion reads just enough of a first frame to tell one of another version from a broken one.
func checkVersion(frame []byte) error {
	typ, err := TypeOf(frame)
	if err != nil {
		return err
	}
	if typ != TypeCall {
		return fmt.Errorf("the evidence starts with a %q frame, not with %s", typ, TypeCall)
	}
	version, err := versionOf(frame)
	if err != nil {
		return err
	}
	if version != Version {
		return fmt.Errorf("the evidence has version %d of the format; this program reads version %d: "+
			"use the program that wrote it, or a later one", version, Version)
	}
	return nil
}

func (c *Call) arrival() (metering.Fact, error) {
	f := metering.Fact{
		Kind: metering.CallArrived, Call: c.Call, At: c.At.Time, RecordName: c.Record,
		Node: c.Node, Service: c.Service, Caller: c.Caller, DirectionUnknown: c.Direction != "",
		Origin: metering.Origin{
			Trunk: c.Trunk, CallerAlso: c.CallerAlso, CallerUnread: c.CallerUnread,
		},
		Terms: &metering.Terms{
			AskExemption: c.AskExemption, NumberKind: c.NumberKind, OutsideHours: c.OutsideHours,
			ChoiceMarked: c.Choice != "",
		},
	}
	if c.Choice != "" && c.Choice != metering.ChoiceMark {
		return f, fmt.Errorf("choice: %q is not %s", c.Choice, metering.ChoiceMark)
	}
	if c.Direction != "" && c.Direction != directionUnknown {
		return f, fmt.Errorf("direction: %q is not %s", c.Direction, directionUnknown)
	}
	if p := c.Policy; p != nil {
		f.Terms.Policy = policy.Policy{Name: p.Name, Rules: p.Rules}
		if err := f.Terms.Policy.Check(); err != nil {
			return f, fmt.Errorf("policy: %w", err)
		}
	}
	if t := c.Tariff; t != nil {
		f.Terms.Tariff = &tariff.Tariff{
			Name: t.Name, PerMinute: t.PerMinute, Currency: t.Currency,
			Increment:   time.Duration(t.IncrementSeconds) * time.Second,
			FreeSeconds: t.FreeSeconds, CapPerCall: t.CapPerCall, Band: t.Band,
			Tax: t.Tax, TaxPercent: t.TaxPercent,
		}
		if err := f.Terms.Tariff.Validate(); err != nil {
			return f, fmt.Errorf("tariff: %w", err)
		}
	}
	return f, nil
}
