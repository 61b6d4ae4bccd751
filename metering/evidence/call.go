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
	Type         string          `json:"type"`
	Version      int             `json:"version"`
	At           metering.Time   `json:"timestamp"` // of the call's arrival
	Call         metering.CallID `json:"call"`
	Node         string          `json:"asterisk_id"`
	Service      string          `json:"service"`
	Caller       string          `json:"caller"` // the pseudonym
	Operators    []string        `json:"operators"`
	AskExemption bool            `json:"ask_exemption"`
	Tariff       *Tariff         `json:"tariff,omitempty"`
	Policy       *Policy         `json:"policy,omitempty"`
	NumberKind   string          `json:"number_kind,omitempty"` // of the service's own number
	Unseen       string          `json:"unseen,omitempty"`      // why the arrival was not seen
}

// Tariff is the price of the call, as the configuration had it when the call arrived.
type Tariff struct {
	Name             string `json:"name"`
	PerMinute        string `json:"per_minute"` // decimal text in major units
	IncrementSeconds int64  `json:"increment_seconds"`
	Currency         string `json:"currency"`
	FreeSeconds      int64  `json:"free_seconds,omitempty"`
	CapPerCall       string `json:"cap_per_call,omitempty"`
	Band             string `json:"band,omitempty"`
}

// Policy is the law that the call is charged under.
type Policy struct {
	Name  string        `json:"name"`
	Rules []policy.Rule `json:"rules"`
}

// NewCall makes the first frame of a call from its arrival, whose Terms are set. unseen is why the
// arrival was not seen; "" if it was.
func NewCall(arrival metering.Fact, operators []string, unseen string) []byte {
	terms := arrival.Terms
	c := Call{
		Type: TypeCall, Version: Version, At: metering.Time{Time: arrival.At}, Call: arrival.Call,
		Node: arrival.Node, Service: arrival.Service, Caller: arrival.Caller, Operators: operators,
		AskExemption: terms.AskExemption, NumberKind: terms.NumberKind, Unseen: unseen,
	}
	if p := terms.Policy; p.Name != "" {
		c.Policy = &Policy{Name: p.Name, Rules: p.Rules}
	}
	if t := terms.Tariff; t != nil {
		c.Tariff = &Tariff{
			Name: t.Name, PerMinute: t.PerMinute, IncrementSeconds: int64(t.Increment / time.Second),
			Currency: t.Currency, FreeSeconds: t.FreeSeconds, CapPerCall: t.CapPerCall, Band: t.Band,
		}
	}
	return encode(c)
}

// ReadCall reads the first frame of a call, and the arrival that it was made from.
func ReadCall(frame []byte) (c Call, arrival metering.Fact, err error) {
	if err := decode(frame, &c); err != nil {
		return c, arrival, err
	}
	switch {
	case c.Type != TypeCall:
		return c, arrival, fmt.Errorf("the evidence begins with a frame of type %q, not %s", c.Type, TypeCall)
	case c.Version != Version:
		return c, arrival, fmt.Errorf("the evidence has version %d; this program reads version %d", c.Version, Version)
	case c.Call == "" || c.At.IsZero():
		return c, arrival, errors.New("the first frame lacks its call or its timestamp")
	}
	arrival, err = c.arrival()
	if err != nil {
		return c, arrival, fmt.Errorf("the first frame of call %s: %w", c.Call, err)
	}
	return c, arrival, nil
}

func (c *Call) arrival() (metering.Fact, error) {
	f := metering.Fact{
		Kind: metering.CallArrived, Call: c.Call, At: c.At.Time, Node: c.Node, Service: c.Service, Caller: c.Caller,
		Terms: &metering.Terms{AskExemption: c.AskExemption, NumberKind: c.NumberKind},
	}
	if p := c.Policy; p != nil {
		f.Terms.Policy = policy.Policy{Name: p.Name, Rules: p.Rules}
		if err := f.Terms.Policy.Check(); err != nil {
			return f, fmt.Errorf("the policy: %w", err)
		}
	}
	if t := c.Tariff; t != nil {
		f.Terms.Tariff = &tariff.Tariff{
			Name: t.Name, PerMinute: t.PerMinute, Increment: time.Duration(t.IncrementSeconds) * time.Second,
			Currency: t.Currency, FreeSeconds: t.FreeSeconds, CapPerCall: t.CapPerCall, Band: t.Band,
		}
		if err := f.Terms.Tariff.Validate(); err != nil {
			return f, fmt.Errorf("the tariff: %w", err)
		}
	}
	return f, nil
}
