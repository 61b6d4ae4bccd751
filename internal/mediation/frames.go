package mediation

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/tariff"
)

// The types of the frames that stand in evidence beside the PBX's own.
const (
	headerType       = "risposta.Call"
	exemptionType    = "risposta.Exemption"
	announcementType = "risposta.Announcement"
)

// header is the first frame of each call's evidence: everything from the configuration that the charge depends on. With it the evidence can be
// replayed years later, by another machine, to the same record.
type header struct {
	Type         string          `json:"type"`
	At           metering.Time   `json:"timestamp"`
	Call         metering.CallID `json:"call"`
	Node         string          `json:"asterisk_id"`
	Service      string          `json:"service"`
	Caller       string          `json:"caller"`
	Operators    []string        `json:"operators"`
	AskExemption bool            `json:"ask_exemption"`
	Tariff       *headerTariff   `json:"tariff,omitempty"`
	Policy       *headerPolicy   `json:"policy,omitempty"`
	NumberKind   string          `json:"number_kind,omitempty"` // of the service's own number
	Unseen       string          `json:"unseen,omitempty"`      // nobody saw it arrive, and why
}

type headerTariff struct {
	Name             string `json:"name"`
	PerMinute        string `json:"per_minute"`
	IncrementSeconds int64  `json:"increment_seconds"`
	Currency         string `json:"currency"`
	FreeSeconds      int64  `json:"free_seconds,omitempty"`
	CapPerCall       string `json:"cap_per_call,omitempty"`
	Band             string `json:"band,omitempty"`
}

type headerPolicy struct {
	Name  string        `json:"name"`
	Rules []policy.Rule `json:"rules"`
}

func newHeader(f metering.Fact, operators []string, unseen string) []byte {
	h := header{
		Type: headerType, At: metering.Time{Time: f.At}, Call: f.Call, Node: f.Node, Service: f.Service, Caller: f.Caller,
		Operators: operators, AskExemption: f.Terms.AskExemption, Unseen: unseen,
		NumberKind: f.Terms.NumberKind,
	}
	if p := f.Terms.Policy; p.Name != "" {
		h.Policy = &headerPolicy{Name: p.Name, Rules: p.Rules}
	}
	if t := f.Terms.Tariff; t != nil {
		h.Tariff = &headerTariff{
			Name: t.Name, PerMinute: t.PerMinute, IncrementSeconds: int64(t.Increment / time.Second), Currency: t.Currency,
			FreeSeconds: t.FreeSeconds, CapPerCall: t.CapPerCall, Band: t.Band,
		}
	}
	return encode(h)
}

// arrival is the fact that the header was made from.
func (h *header) arrival() (metering.Fact, error) {
	f := metering.Fact{
		Kind: metering.CallArrived, Call: h.Call, At: h.At.Time, Node: h.Node, Service: h.Service, Caller: h.Caller,
		Terms: &metering.Terms{AskExemption: h.AskExemption, NumberKind: h.NumberKind},
	}
	if p := h.Policy; p != nil {
		f.Terms.Policy = policy.Policy{Name: p.Name, Rules: p.Rules}
		if err := f.Terms.Policy.Check(); err != nil {
			return f, fmt.Errorf("the policy in the header of call %s: %w", h.Call, err)
		}
	}
	if t := h.Tariff; t != nil {
		f.Terms.Tariff = &tariff.Tariff{
			Name: t.Name, PerMinute: t.PerMinute, Increment: time.Duration(t.IncrementSeconds) * time.Second, Currency: t.Currency,
			FreeSeconds: t.FreeSeconds, CapPerCall: t.CapPerCall, Band: t.Band,
		}
		if err := f.Terms.Tariff.Validate(); err != nil {
			return f, fmt.Errorf("the tariff in the header of call %s: %w", h.Call, err)
		}
	}
	if h.Call == "" || h.At.IsZero() {
		return f, fmt.Errorf("the header of call %q lacks its call or its timestamp", h.Call)
	}
	return f, nil
}

// exemptionFrame is a lookup's answer, as evidence keeps it.
type exemptionFrame struct {
	Type   string          `json:"type"`
	At     metering.Time   `json:"timestamp"`
	Call   metering.CallID `json:"call"`
	Exempt string          `json:"exempt"`
	Ref    string          `json:"ref"`
}

// announcementFrame is what the front desk told the caller, and heard, as evidence keeps it.
type announcementFrame struct {
	Type         string                `json:"type"`
	At           metering.Time         `json:"timestamp"`
	Call         metering.CallID       `json:"call"`
	Announcement metering.Announcement `json:"announcement"`
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("pipeline: a frame of our own making does not encode: " + err.Error()) // every field can be encoded
	}
	return b
}
