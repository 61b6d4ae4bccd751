package metering_test

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

const recordDoc = "../docs/record.md"

type schemaField struct{ within, name string }

// schemaFields are the fields of the record and of the objects in it, as the schema has them.
func schemaFields(t *testing.T) []schemaField {
	t.Helper()
	var schema struct {
		Properties json.RawMessage
		Defs       map[string]struct{ Properties json.RawMessage } `json:"$defs"`
	}
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	type property struct {
		Ref   string `json:"$ref"`
		Items struct {
			Ref string `json:"$ref"`
		}
	}
	var top map[string]property
	if err := json.Unmarshal(schema.Properties, &top); err != nil {
		t.Fatal(err)
	}
	var fields []schemaField
	for name, p := range top {
		fields = append(fields, schemaField{name: name})
		def := schema.Defs[strings.TrimPrefix(p.Ref+p.Items.Ref, "#/$defs/")]
		if def.Properties == nil {
			continue
		}
		var inner map[string]property
		if err := json.Unmarshal(def.Properties, &inner); err != nil {
			t.Fatal(err)
		}
		for n := range inner {
			fields = append(fields, schemaField{within: name, name: n})
		}
	}
	return fields
}

var (
	docRow  = regexp.MustCompile("(?m)^\\| (`[^|]*) \\|")
	docName = regexp.MustCompile("`([a-z_]+)`")
)

// tableNames are the names in the first column of the table with this head.
func tableNames(t *testing.T, doc, head string) map[string]bool {
	t.Helper()
	_, table, ok := strings.Cut(doc, "\n| "+head+" |")
	if !ok {
		t.Fatalf("%s has no table of %ss", recordDoc, head)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	found := map[string]bool{}
	for _, row := range docRow.FindAllStringSubmatch(table, -1) {
		for _, name := range docName.FindAllStringSubmatch(row[1], -1) {
			found[name[1]] = true
		}
	}
	return found
}

// docs/record.md has a row for each field of the record, explains each field within, each value and
// each reason, and has no other.
func TestRecordIsDocumented(t *testing.T) {
	text, err := os.ReadFile(recordDoc)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	rows := tableNames(t, doc, "field")
	for _, f := range schemaFields(t) {
		switch {
		case f.within == "" && !rows[f.name]:
			t.Errorf("%s has no row for field %s", recordDoc, f.name)
		case f.within != "" && !strings.Contains(doc, "`"+f.name+"`"):
			t.Errorf("%s does not explain %s.%s", recordDoc, f.within, f.name)
		}
		if f.within == "" {
			delete(rows, f.name)
		}
	}
	for name := range rows {
		t.Errorf("%s has a row for %s, which is no field", recordDoc, name)
	}
	own, kinds := parseSource(t, "."), parseSource(t, "numbering").constants["Kind"]
	values := append(append(own.constants["Outcome"], kinds...),
		constant{value: metering.RecordPending}, constant{value: tariff.NoCurrency},
		constant{value: metering.ConsentGiven}, constant{value: metering.ConsentRefused})
	for _, v := range values {
		if v.value != "" && !strings.Contains(doc, "`"+v.value+"`") {
			t.Errorf("%s does not explain the value %s", recordDoc, v.value)
		}
	}
	reasons := map[string]bool{}
	for _, r := range own.constants["Reason"] {
		reasons[r.value] = true
	}
	if have := tableNames(t, doc, "reason"); !reflect.DeepEqual(have, reasons) {
		t.Errorf("%s has the reasons %v, want %v", recordDoc, have, reasons)
	}
}
