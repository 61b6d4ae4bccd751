package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/template"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/tariff"
)

// functions are those of templates.
var functions = template.FuncMap{
	"json": func(v any) (string, error) {
		switch v.(type) {
		case tariff.Amount, time.Time:
			v = delivery.Write(v)
		}
		b, err := json.Marshal(v)
		return string(b), err
	},
	"unix": func(v any) (string, error) {
		at, ok := v.(time.Time)
		if !ok {
			return "", errors.New("unix: it is no instant")
		}
		return fmt.Sprintf("%d.%03d", at.Unix(), at.UnixMilli()%1000), nil
	},
	"minor": func(v any) (int64, error) {
		a, ok := v.(tariff.Amount)
		if !ok {
			return 0, errors.New("minor: it is no amount")
		}
		return a.Minor, nil
	},
}

// sample is an event that a template is tried with, so that a wrong one is found at the start.
func sample() *delivery.Event {
	at := metering.Time{Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	amount := tariff.Amount{Minor: 96, Digits: 2, Currency: "EUR"}
	return &delivery.Event{
		ID: "r-0-1", Kind: delivery.Recorded,
		Record: metering.Record{
			Record: "r-0-1", Version: 1, Caller: "c-0", ArrivedAt: at, EndedAt: at,
			Charge: amount, Net: amount, Tax: tariff.Zero(nil), TaxPercent: "0",
		},
	}
}
