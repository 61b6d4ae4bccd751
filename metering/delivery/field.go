package delivery

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

// Type is that of a field's values.
type Type uint8

// The types, with the Go type of their values. Any value may be nil: there is none.
const (
	Text    Type = iota // string
	Number              // int64
	Flag                // bool
	Instant             // time.Time
	Money               // tariff.Amount, exact, in major units of the event's currency
	JSON                // json.RawMessage
)

// Field is one value of an event that a system may get.
type Field struct {
	Name string
	Type Type
	Of   func(*Event) any
}

// Fields are those that one system gets, in its order.
type Fields []Field

// Select returns the fields of some names. The names of what identifies an event come first: each
// system gets them.
func Select(names []string) (Fields, error) {
	fields := slices.Clone(identity)
	for _, name := range names {
		i := slices.IndexFunc(others, func(f Field) bool { return f.Name == name })
		switch {
		case slices.ContainsFunc(identity, func(f Field) bool { return f.Name == name }):
			continue // they are there
		case i < 0:
			return nil, fmt.Errorf("%q is no field; there are: %s", name, strings.Join(Names(), ", "))
		case slices.ContainsFunc(fields, func(f Field) bool { return f.Name == name }):
			return nil, fmt.Errorf("%q is listed twice", name)
		}
		fields = append(fields, others[i])
	}
	return fields, nil
}

// Names are those of all fields that may be selected.
func Names() (names []string) {
	for _, f := range slices.Concat(identity, others) {
		names = append(names, f.Name)
	}
	return names
}

// Values are the event's values of the fields.
func (fs Fields) Values(e *Event) []any {
	values := make([]any, len(fs))
	for i, f := range fs {
		values[i] = f.Of(e)
	}
	return values
}

// Object is the event as a JSON object of the fields, in their order. Amounts are text, so that no
// reader makes a floating-point number of one. What there is no value of is null.
func (fs Fields) Object(e *Event) []byte {
	b := []byte{'{'}
	for i, f := range fs {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, f.Name)
		b = append(append(b, ':'), encodeJSON(f.Of(e))...)
	}
	return append(b, '}')
}

func encodeJSON(v any) []byte {
	switch v := v.(type) {
	case json.RawMessage:
		return v
	case time.Time:
		return strconv.AppendQuote(nil, Write(v))
	case tariff.Amount:
		return strconv.AppendQuote(nil, v.String())
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic("delivery: a value does not encode: " + err.Error()) // text, number, flag or nil
	}
	return b
}

// Write is a value as text: an instant as records have it, an amount with all decimals of its
// currency, "" for none.
func Write(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return metering.Time{Time: v}.String()
	case tariff.Amount:
		return v.String()
	case json.RawMessage:
		return string(v)
	}
	panic(fmt.Sprintf("delivery: a value of type %T", v))
}

// payerField is no part of a digest: a payer goes from the ledger when a later version charges nothing.
const payerField = "payer"

// Digest is the SHA-256 of an event's values as text, to compare what the other side has. texts are
// those of Write, or what the other side has in their place.
func (fs Fields) Digest(texts []string) string {
	h := sha256.New()
	for i, f := range fs {
		if f.Name == payerField {
			continue
		}
		text := texts[i]
		if f.Type == Money && strings.Contains(text, ".") { // the other side may keep more decimals
			text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
		}
		fmt.Fprintf(h, "%s=%q\n", f.Name, text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// DigestOf is the digest of an event's own values.
func (fs Fields) DigestOf(e *Event) string {
	texts := make([]string, len(fs))
	for i, f := range fs {
		texts[i] = Write(f.Of(e))
	}
	return fs.Digest(texts)
}

// optional is nil for a text that says that there is no value.
func optional(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// taxed is an amount of a record whose tariff names a tax, nil of others.
func taxed(e *Event, a tariff.Amount) any {
	if e.Record.TaxPercent == "" {
		return nil
	}
	return a
}

// raw is the JSON of a part of the record, nil where it is left out.
func raw[T any](present bool, part T) any {
	if !present {
		return nil
	}
	b, err := json.Marshal(part)
	if err != nil {
		panic("delivery: a part of a record does not encode: " + err.Error()) // every field can be
	}
	if string(b) == "null" {
		return nil
	}
	return json.RawMessage(b)
}

// Texts are the values of an [Fields.Object], as [Write] writes them.
func (fs Fields) Texts(object []byte) ([]string, error) {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(object, &values); err != nil {
		return nil, errors.New("it is no JSON object")
	}
	texts := make([]string, len(fs))
	for i, f := range fs {
		v, ok := values[f.Name]
		switch {
		case !ok:
			return nil, fmt.Errorf("it has no %s", f.Name)
		case string(v) == "null":
		case f.Type == Text || f.Type == Instant || f.Type == Money:
			if err := json.Unmarshal(v, &texts[i]); err != nil {
				return nil, fmt.Errorf("its %s is no text", f.Name)
			}
		default:
			texts[i] = string(v)
		}
	}
	return texts, nil
}

// ID is the id of the event whose values have these texts.
func (fs Fields) ID(texts []string) string {
	if Kind(texts[eventField]) == Erased {
		return texts[recordField] + erasedSuffix
	}
	return texts[recordField]
}

// The places of fields in each selection: see identity.
const (
	eventField  = 0
	recordField = 1
)
