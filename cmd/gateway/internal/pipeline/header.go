package pipeline

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

// The types of the frames that stand in evidence beside the PBX's own.
const (
	headerType    = "risposta.Call"
	exemptionType = "risposta.Exemption"
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
	Unseen       string          `json:"unseen,omitempty"` // nobody saw it arrive, and why
}

type headerTariff struct {
	Name             string `json:"name"`
	PerMinute        string `json:"per_minute"`
	IncrementSeconds int64  `json:"increment_seconds"`
	Currency         string `json:"currency"`
}

func newHeader(f metering.Fact, operators []string, unseen string) []byte {
	h := header{
		Type: headerType, At: metering.Time{Time: f.At}, Call: f.Call, Node: f.Node, Service: f.Service, Caller: f.Caller,
		Operators: operators, AskExemption: f.Terms.AskExemption, Unseen: unseen,
	}
	if t := f.Terms.Tariff; t != nil {
		h.Tariff = &headerTariff{Name: t.Name, PerMinute: t.PerMinute, IncrementSeconds: int64(t.Increment / time.Second), Currency: t.Currency}
	}
	return encode(h)
}

// arrival is the fact that the header was made from.
func (h *header) arrival() (metering.Fact, error) {
	f := metering.Fact{
		Kind: metering.CallArrived, Call: h.Call, At: h.At.Time, Node: h.Node, Service: h.Service, Caller: h.Caller,
		Terms: &metering.Terms{AskExemption: h.AskExemption},
	}
	if t := h.Tariff; t != nil {
		f.Terms.Tariff = &tariff.Tariff{Name: t.Name, PerMinute: t.PerMinute, Increment: time.Duration(t.IncrementSeconds) * time.Second, Currency: t.Currency}
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

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("pipeline: a frame of our own making does not encode: " + err.Error()) // every field can be encoded
	}
	return b
}
