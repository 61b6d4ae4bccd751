// Package recordtest checks records against docs/record.schema.json in tests.
//
// In: the JSON of a record. Out: a failure of the test that names what is wrong. It is stricter
// than the published schema: it also refuses a field that the schema does not describe. No program
// imports it.
package recordtest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// SchemaFile is the schema's path below the root of the repository.
const SchemaFile = "docs/record.schema.json"

// Validate fails the test if a record does not match the schema.
func Validate(t testing.TB, record []byte) {
	t.Helper()
	if err := Check(record); err != nil {
		t.Errorf("record %s: %v", record, err)
	}
}

// Check returns an error that names every mismatch between a record and the schema.
func Check(record []byte) error {
	schema, err := compiled()
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(record))
	if err != nil {
		return fmt.Errorf("reading the record: %w", err)
	}
	return schema.Validate(value)
}

var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) {
	text, err := read()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", SchemaFile, err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", SchemaFile, err)
	}
	closeObjects(doc)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(SchemaFile, doc); err != nil {
		return nil, fmt.Errorf("compiling %s: %w", SchemaFile, err)
	}
	return c.Compile(SchemaFile)
})

// read reads the schema from the directory of the test or the nearest one above it that has it.
func read() ([]byte, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, SchemaFile))
		above := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || above == dir {
			return text, err
		}
		dir = above
	}
}

// closeObjects refuses the properties that the schema does not describe.
func closeObjects(schema any) {
	switch v := schema.(type) {
	case map[string]any:
		if _, isObject := v["properties"].(map[string]any); isObject {
			v["additionalProperties"] = false
		}
		for _, inner := range v {
			closeObjects(inner)
		}
	case []any:
		for _, inner := range v {
			closeObjects(inner)
		}
	}
}
