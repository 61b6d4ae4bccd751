package quality_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering/quality"
)

var write = flag.Bool("write", false, "write the definitions into docs/quality.md")

const (
	document = "../../docs/quality.md"
	begin    = "<!-- Made by go generate ./metering/quality from the indicators. Do not edit. -->\n"
	end      = "<!-- Up to here. -->\n"
)

// The definitions in docs/quality.md are those of the code.
func TestDefinitionsAreDocumented(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the definitions: %q to %q", document, begin, end)
	}
	want := before + begin + definitions() + end + after
	if *write {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Errorf("%s is out of date: run go generate ./metering/quality", document)
	}
}

// definitions are two tables: what each indicator is, and what it is worked out from.
func definitions() string {
	var b strings.Builder
	b.WriteString("\n| indicator | unit | better | what it is |\n|---|---|---|---|\n")
	for _, i := range quality.Indicators() {
		formula := i.Formula
		if i.Bounds != "" {
			formula += " As bounds: " + i.Bounds + "."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", i.Name, i.Unit, i.Better, formula)
	}
	b.WriteString("\n| indicator | version | numerator | denominator | source |\n" +
		"|---|---|---|---|---|\n")
	for _, i := range quality.Indicators() {
		fmt.Fprintf(&b, "| `%s` | %d | %s | %s | %s |\n", i.Name, i.Version, i.Numerator,
			i.Denominator, i.Source)
	}
	return b.String() + "\n"
}
