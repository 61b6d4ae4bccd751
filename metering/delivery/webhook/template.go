package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/template"

	"github.com/risposta/gateway/metering/delivery"
)

// The types of the CloudEvents.
const (
	typeRecord  = "risposta.record"
	typeErasure = "risposta.erasure"
)

func eventType(e *delivery.Event) string {
	if e.Kind == delivery.Erased {
		return typeErasure
	}
	return typeRecord
}

// cloudEvent is an event in the structured JSON mode of CloudEvents 1.0. The subject is the
// pseudonym of the caller, which OpenMeter takes for the customer.
func (h *Hook) cloudEvent(e *delivery.Event) ([]byte, error) {
	return json.Marshal(struct {
		SpecVersion string          `json:"specversion"`
		ID          string          `json:"id"`
		Source      string          `json:"source"`
		Type        string          `json:"type"`
		Subject     string          `json:"subject,omitempty"`
		Time        string          `json:"time"`
		ContentType string          `json:"datacontenttype"`
		Data        json.RawMessage `json:"data"`
	}{
		"1.0", e.ID, h.Source, eventType(e), e.Record.Caller, e.Record.EndedAt.String(),
		"application/json", h.Fields.Object(e),
	})
}

// ParseTemplate reads a template (text/template) of the JSON of one event. It knows the fields that
// the system gets, by name: {{.gross}}. {{.id}}, {{.source}} and {{.type}} are those of the CloudEvent,
// {{.data}} is the object of all fields. "json" writes a value as JSON, "unix" an instant as seconds,
// "minor" an amount in minor units, so that {{minor .gross}} is 14 of 0.14. Of an event for which the
// template writes nothing the system gets nothing.
func ParseTemplate(
	text string, fields delivery.Fields, source string,
) (func(*delivery.Event) ([]byte, error), error) {
	t, err := template.New("template").Option("missingkey=error").Funcs(functions).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	fill := func(e *delivery.Event) ([]byte, error) {
		values := map[string]any{
			"id": e.ID, "source": source, "type": eventType(e), "data": string(fields.Object(e)),
		}
		for i, v := range fields.Values(e) {
			values[fields[i].Name] = v
		}
		var out bytes.Buffer
		if err := t.Execute(&out, values); err != nil {
			return nil, fmt.Errorf("template: %w", cause(err))
		}
		if len(bytes.TrimSpace(out.Bytes())) == 0 {
			return nil, nil
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, out.Bytes()); err != nil {
			return nil, fmt.Errorf("template: it makes no JSON: %w", err)
		}
		return compact.Bytes(), nil
	}
	if _, err := fill(sample()); err != nil {
		return nil, err
	}
	return fill, nil
}

// cause is an error of a template without the values in it.
func cause(err error) error {
	text := err.Error()
	if i := strings.Index(text, ": executing "); i >= 0 {
		text = text[i+2:]
	}
	return fmt.Errorf("%s", text)
}
