package records

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

// NewTMF635 writes each record as a Usage of TM Forum's Usage Management API (TMF635, release 19), one a
// line. The caller is the pseudonym.
func NewTMF635(w io.Writer) Writer { return tmfWriter{bufio.NewWriter(w)} }

type tmfWriter struct{ *bufio.Writer }

// usage is TMF635's Usage.
type usage struct {
	ID              string           `json:"id"`
	Type            string           `json:"@type"`
	UsageDate       string           `json:"usageDate"`
	UsageType       string           `json:"usageType"`
	Description     string           `json:"description"`
	Status          string           `json:"status"`
	Rated           []ratedUsage     `json:"ratedProductUsage,omitempty"`
	Characteristics []characteristic `json:"usageCharacteristic"`
	Parties         []party          `json:"relatedParty,omitempty"`
}

type ratedUsage struct {
	RatingDate       string      `json:"ratingDate"`
	RatingAmountType string      `json:"ratingAmountType"`
	UsageRatingTag   string      `json:"usageRatingTag"`
	IsBilled         bool        `json:"isBilled"`
	TaxExcluded      *money      `json:"taxExcludedRatingAmount,omitempty"`
	TaxIncluded      money       `json:"taxIncludedRatingAmount"`
	TaxRate          json.Number `json:"taxRate,omitempty"`
}

type money struct {
	Unit  string      `json:"unit"`
	Value json.Number `json:"value"` // exact: the digits of the record
}

type characteristic struct {
	Name      string `json:"name"`
	ValueType string `json:"valueType"`
	Value     any    `json:"value"`
}

type party struct {
	ID           string `json:"id"`
	Role         string `json:"role"`
	ReferredType string `json:"@referredType"`
}

// The values of Usage.status: a charge is not known yet, is known, or was corrected.
const (
	statusGuided  = "guided"
	statusRated   = "rated"
	statusRerated = "rerated"
)

func (w tmfWriter) Write(record []byte) error {
	var r metering.Record
	if err := json.Unmarshal(record, &r); err != nil {
		return fmt.Errorf("reading a record: %w", err)
	}
	return json.NewEncoder(w.Writer).Encode(tmfUsage(r))
}

func tmfUsage(r metering.Record) usage {
	u := usage{
		ID: r.Record, Type: "Usage", UsageDate: r.EndedAt.String(), UsageType: "VOICE",
		Description: "call on service " + r.Service, Status: statusRated,
		Characteristics: []characteristic{
			{"service", "string", r.Service}, {"call", "string", r.Call},
			{"version", "integer", r.Version}, {"arrivedAt", "dateTime", r.ArrivedAt.String()},
			{"outcome", "string", r.Outcome}, {"waitedMs", "integer", r.WaitedMs},
			{"talkMs", "integer", r.TalkMs}, {"billableSeconds", "integer", r.BillableSeconds},
			{"tariff", "string", r.Tariff}, {"reasons", "array", r.Reasons},
		},
	}
	if r.Caller != "" {
		u.Parties = []party{{r.Caller, "customer", "Individual"}}
	}
	switch {
	case r.State == metering.RecordPending:
		u.Status = statusGuided
		return u
	case r.Version > metering.RecordVersion:
		u.Status = statusRerated
	}
	rated := ratedUsage{
		RatingDate: r.EndedAt.String(), RatingAmountType: "Total",
		UsageRatingTag: "usage", TaxIncluded: moneyOf(r.Charge),
	}
	if r.TaxPercent != "" {
		net := moneyOf(r.Net)
		rated.TaxExcluded, rated.TaxRate = &net, json.Number(r.TaxPercent)
	}
	u.Rated = []ratedUsage{rated}
	return u
}

func moneyOf(a tariff.Amount) money { return money{a.Currency, json.Number(a.String())} }
