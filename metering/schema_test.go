package metering_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/recordtest"
	"github.com/risposta/gateway/metering/tariff"
)

var writeSchema = flag.Bool("write", false, "write "+recordtest.SchemaFile)

const schemaFile = "../" + recordtest.SchemaFile

// TestRecordSchema holds docs/record.schema.json to the types of the record and their comments.
func TestRecordSchema(t *testing.T) {
	text := recordSchema(t).text()
	if *writeSchema {
		if err := os.WriteFile(schemaFile, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, text) {
		t.Errorf("%s is out of date: run go generate ./metering", schemaFile)
	}
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(m.key); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := enc.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (o object) text() []byte {
	raw, err := o.MarshalJSON()
	if err != nil {
		panic(err) // every value can be encoded
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		panic(err)
	}
	return append(bytes.TrimSpace(b.Bytes()), '\n')
}

var milliseconds = object{{"minimum", 0}}

// constraints are what a value must be beyond its type, by Type.Field.
var constraints = map[string]object{
	"Record.Record":            {{"pattern", "^r-[0-9a-z]{20}-[1-9][0-9]*$"}},
	"Record.Version":           {{"minimum", metering.RecordVersion}},
	"Record.Caller":            {{"pattern", "^(c-.+)?$"}},
	"Record.CallerAlso":        {{"minItems", 1}, {"uniqueItems", true}},
	"Record.CallerUnread":      {{"const", true}},
	"Record.State":             {{"const", metering.RecordPending}},
	"Record.WaitedMs":          milliseconds,
	"Record.HeldMs":            milliseconds,
	"Record.UnseenMs":          milliseconds,
	"Record.TalkMs":            milliseconds,
	"Record.BillableSeconds":   {{"minimum", 0}},
	"Record.Tariff":            {{"pattern", "^(.+@[0-9a-f]{12})?$"}},
	"Record.Policy":            {{"pattern", "^(.+@[0-9a-f]{12})?$"}},
	"Record.TaxPercent":        {{"pattern", `^\d{1,3}(\.\d{1,4})?$`}},
	"Record.Numbers":           {{"minItems", 1}, {"uniqueItems", true}},
	"Record.Reasons":           {{"minItems", 1}, {"uniqueItems", true}},
	"Record.DetailErased":      {{"const", true}},
	"Record.OutsideHours":      {{"const", true}},
	"Record.Choice":            {{"const", metering.ChoiceMark}},
	"Talk.Ms":                  milliseconds,
	"Announcement.Tariff":      {{"pattern", "^.+@[0-9a-f]{12}$"}},
	"Announcement.Free":        {{"const", true}},
	"Announcement.WaitSeconds": {{"minimum", 60}, {"multipleOf", 60}},
	"Announcement.Consent":     {{"enum", []string{metering.ConsentGiven, metering.ConsentRefused}}},
	"Survey.Satisfaction":      {{"minimum", 1}, {"maximum", 5}},
	"Survey.Solved":            {{"enum", []string{metering.SolvedYes, metering.SolvedNo}}},
	"Evidence.Events":          {{"minimum", 1}},
	"Evidence.Digest":          {{"pattern", "^sha256:[0-9a-f]{64}$"}},
}

// formats are the schemas of the types that write their own JSON.
var formats = map[reflect.Type]object{
	reflect.TypeFor[metering.Time](): {
		{"type", "string"},
		{"format", "date-time"},
		{"pattern", `^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$`},
	},
	reflect.TypeFor[tariff.Amount](): {
		{"type", "object"},
		{"properties", object{
			{"amount", object{
				{"type", "string"},
				{"description", "Exact decimal text in major units, with all decimals of the currency."},
				{"pattern", `^\d+(\.\d+)?$`},
			}},
			{"currency", object{
				{"type", "string"},
				{"description", "ISO 4217 code. \"" + tariff.NoCurrency + "\": the service has no price."},
				{"pattern", "^[A-Z]{3}$"},
			}},
		}},
		{"required", []string{"amount", "currency"}},
	},
}

// generator makes a schema from types, and from their comments by reflection and syntax.
type generator struct {
	t     *testing.T
	own   source          // the comments of package metering
	kinds []constant      // of numbers
	defs  object          // in the order of first use
	used  map[string]bool // keys of constraints
	names map[reflect.Type]string
}

func recordSchema(t *testing.T) object {
	t.Helper()
	g := &generator{
		t: t, own: parseSource(t, "."), kinds: parseSource(t, "numbering").constants["Kind"],
		used: map[string]bool{}, names: map[reflect.Type]string{},
	}
	typ := reflect.TypeFor[metering.Record]()
	record := g.object(typ)
	for key := range constraints {
		if !g.used[key] {
			t.Errorf("the constraint of %s has no field", key)
		}
	}
	head := object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", "Record"},
		{"description", g.own.types["Record"]},
	}
	return append(append(head, record...), member{"$defs", g.defs})
}

// object is the schema of a struct. A field with omitzero may be left out.
func (g *generator) object(typ reflect.Type) object {
	var properties object
	var required []string
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			g.t.Errorf("%s.%s has no JSON name", typ.Name(), f.Name)
		}
		if options != "omitzero" {
			required = append(required, name)
		}
		key := typ.Name() + "." + f.Name
		comment := g.own.fields[key]
		if comment == "" {
			g.t.Errorf("%s has no comment", key)
		}
		schema := append(object{}, g.value(f.Type, key)...)
		schema = append(schema, member{"description", comment})
		if c, ok := constraints[key]; ok {
			g.used[key] = true
			schema = append(schema, c...)
		}
		properties = append(properties, member{name, schema})
	}
	schema := object{{"type", "object"}, {"properties", properties}}
	if required != nil {
		schema = append(schema, member{"required", required})
	}
	return schema
}

// value is the schema of a field's type.
func (g *generator) value(typ reflect.Type, key string) object {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if schema, ok := formats[typ]; ok {
		return g.ref(typ, func() object { return schema })
	}
	if values := g.own.constants[typ.Name()]; values != nil && typ.Kind() == reflect.String {
		return g.ref(typ, func() object { return enum(values) })
	}
	switch typ.Kind() {
	case reflect.Struct:
		return g.ref(typ, func() object { return g.object(typ) })
	case reflect.Slice:
		items := g.value(typ.Elem(), key)
		if key == "Record.Numbers" {
			items = enum(g.kinds)
		}
		return object{{"type", "array"}, {"items", items}}
	case reflect.String:
		return object{{"type", "string"}}
	case reflect.Bool:
		return object{{"type", "boolean"}}
	case reflect.Int, reflect.Int64:
		return object{{"type", "integer"}}
	default:
		g.t.Errorf("%s has type %s, which the schema cannot describe", key, typ)
		return nil
	}
}

// ref refers to a type's schema, which it makes where it is first used.
func (g *generator) ref(typ reflect.Type, schema func() object) object {
	name, known := g.names[typ]
	if !known {
		name = typ.Name()
		g.names[typ] = name
		at := len(g.defs)
		g.defs = append(g.defs, member{key: name})
		g.defs[at].value = schema()
	}
	return object{{"$ref", "#/$defs/" + name}}
}

// enum is the schema of a text that is one of some constants.
func enum(values []constant) object {
	var choices []object
	for _, v := range values {
		if v.value != "" {
			choices = append(choices, object{{"const", v.value}, {"description", v.comment}})
		}
	}
	return object{{"type", "string"}, {"oneOf", choices}}
}
