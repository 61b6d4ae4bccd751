package config

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var writeReference = flag.Bool("write", false, "write docs/configuration.md")

const (
	referenceFile  = "../../docs/configuration.md"
	referenceWidth = 100
)

const referenceHead = `# Configuration

<!-- Made by go generate ./internal/config from the comments of its types. Do not edit. -->

One YAML file: [deploy/gateway.yaml](../deploy/gateway.yaml) is one to start from. An unknown key is
an error. "risposta check --config FILE" prints each problem with file, line and key.

Each key can be overridden by the environment: "pbx[0].url" by "RISPOSTA_PBX_0_URL", "ledger.file"
by "RISPOSTA_LEDGER_FILE". An unknown variable with that prefix is an error. Commas separate a list
of texts in a variable; any other list has the elements that the file gives it.

A secret never stands in the file: it comes from its variable, or from a file of its own. A duration
is such as "10ms", "2s", "1h" or "720h". "[]" marks a list.

"systemctl reload risposta" (SIGHUP) puts a changed file in force without a restart, all of it or,
where anything in it is wrong, nothing: the log says which. Keys that are marked *reload* then count
for the calls that arrive from there on; a call that has arrived keeps its price, its law and its
operators. A call that came while the PBX could not be seen arrived when its channel was made. What
kind a dialled number is of ("extensions") is decided when it is dialled. The other keys need a
restart, and the log names those that differ.
`

// TestReference holds docs/configuration.md to the types, their comments and their defaults.
func TestReference(t *testing.T) {
	r := reference{t: t, comments: fieldComments(t), defaults: defaultValues()}
	r.text.WriteString(strings.ReplaceAll(referenceHead, `"`, "`"))
	r.config()
	text := r.text.String()
	if *writeReference {
		if err := os.WriteFile(referenceFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != text {
		t.Errorf("%s is out of date: run go generate ./internal/config", referenceFile)
	}
}

type reference struct {
	t        *testing.T
	text     strings.Builder
	comments map[string]string // by Type.Field
	defaults map[string]string // by key
}

// config writes a section for each key at the top.
func (r *reference) config() {
	typ := reflect.TypeFor[Config]()
	for i := range typ.NumField() {
		f := typ.Field(i)
		key := f.Tag.Get("yaml")
		if inner, list, ok := object(f.Type); ok {
			r.object(inner, key+list, r.comment(typ, f, key), live(f))
			continue
		}
		fmt.Fprintf(&r.text, "\n## `%s`\n\n", key)
		r.text.WriteString(wrap(r.comment(typ, f, key)+" A "+r.kind(f.Type, key)+mark(live(f))+".", ""))
	}
}

// object writes the section of an object, then those of the objects within it.
func (r *reference) object(typ reflect.Type, key, comment string, reloads bool) {
	fmt.Fprintf(&r.text, "\n## `%s`\n\n%s\n", key, wrap(comment, ""))
	for i := range typ.NumField() {
		f := typ.Field(i)
		sub := join(key, f.Tag.Get("yaml"))
		if _, _, ok := object(f.Type); ok {
			continue
		}
		entry := fmt.Sprintf("- `%s` (%s%s): %s", sub, r.kind(f.Type, sub), mark(reloads || live(f)),
			r.comment(typ, f, sub))
		r.text.WriteString(wrap(entry, "  "))
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		sub := join(key, f.Tag.Get("yaml"))
		if inner, list, ok := object(f.Type); ok {
			r.object(inner, sub+list, r.comment(typ, f, sub), reloads || live(f))
		}
	}
}

// live reports whether a key, or all within it, can change while the gateway runs.
func live(f reflect.StructField) bool {
	_, ok := f.Tag.Lookup("reload")
	return ok
}

func mark(reloads bool) string {
	if reloads {
		return ", *reload*"
	}
	return ""
}

func (r *reference) comment(typ reflect.Type, f reflect.StructField, key string) string {
	comment := r.comments[typ.Name()+"."+f.Name]
	if comment == "" {
		r.t.Errorf("key %s has no comment: %s.%s", key, typ.Name(), f.Name)
	}
	return comment
}

// object is the type of an object, or of the objects in a list, and the mark of a list.
func object(typ reflect.Type) (inner reflect.Type, list string, ok bool) {
	if typ.Kind() == reflect.Slice {
		typ, list = typ.Elem(), "[]"
	}
	return typ, list, typ.Kind() == reflect.Struct && typ != secretType
}

// kind is what a key's value is, with its default.
func (r *reference) kind(typ reflect.Type, key string) string {
	var kind string
	switch {
	case typ == secretType:
		return "secret, `" + envName(strings.ReplaceAll(key, "[]", "[0]")) + "`"
	case typ == durationType:
		kind = "duration"
	case typ.Kind() == reflect.Slice:
		return "list of texts"
	case typ.Kind() == reflect.Int:
		kind = "whole number"
	case typ.Kind() == reflect.Bool:
		return "`true` or `false`"
	default:
		kind = "text"
	}
	if value := r.defaults[key]; value != "" {
		kind += ", default `" + value + "`"
	}
	return kind
}

// defaultValues are the values of the keys in a configuration that gives none.
func defaultValues() map[string]string {
	c := Config{
		PBX:      []PBX{{Name: " ", Listen: Listen{Address: " "}}},
		Services: []Service{{Name: " "}},
		Ledger:   Ledger{File: "ledger.file"},
		Delivery: []Delivery{{
			File: DeliveryFile{Folder: " "}, Webhook: DeliveryWebhook{URL: " "}, NATS: DeliveryNATS{URL: " "},
		}},
	}
	c.defaults()
	values := map[string]string{}
	var visit func(v reflect.Value, key string)
	visit = func(v reflect.Value, key string) {
		switch {
		case v.Type() == secretType:
		case v.Type() == durationType:
			if d := time.Duration(v.Int()); d != 0 {
				text := strings.Replace(d.String(), "m0s", "m", 1)
				values[key] = strings.Replace(text, "h0m", "h", 1)
			}
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				visit(v.Field(i), join(key, v.Type().Field(i).Tag.Get("yaml")))
			}
		case v.Kind() == reflect.Slice && v.Len() > 0:
			visit(v.Index(0), key+"[]")
		case v.Kind() == reflect.Int && v.Int() != 0:
			values[key] = fmt.Sprint(v.Int())
		case v.Kind() == reflect.String:
			values[key] = strings.TrimSpace(v.String())
		}
	}
	visit(reflect.ValueOf(c), "")
	for _, key := range []string{"ledger.file", "ledger.key_file", "exemption.registry"} {
		delete(values, key) // given above, or made of what is given
	}
	return values
}

// fieldComments are the comments of the package's struct fields, by Type.Field, each as one line.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	comments := map[string]string{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range s.Fields.List {
					for _, id := range field.Names {
						text := strings.Join(strings.Fields(field.Doc.Text()), " ")
						comments[spec.Name.Name+"."+id.Name] = text
					}
				}
			}
			return false
		})
	}
	return comments
}

// wrap breaks text into lines of at most referenceWidth; indent begins all but the first.
func wrap(text, indent string) string {
	var out strings.Builder
	line := ""
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
			line += word
		case len(line)+1+len(word) > referenceWidth:
			out.WriteString(line + "\n")
			line = indent + word
		default:
			line += " " + word
		}
	}
	return out.String() + line + "\n"
}
