package ari

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// neverKept are the fields of the PBX's frames that no evidence has: numbers, and what only the
// gateway's connection and the front desk use.
var neverKept = []string{"dialstring", "exten", "eventname", "playback"}

// docs/evidence.md lists each field that an event of Asterisk may have in evidence, and no other.
func TestTheFieldsOfAsterisksEventsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Asterisk's events\n")
	section, _, _ = strings.Cut(section, "```")
	var documented, code []string
	for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(section, -1) {
		documented = append(documented, m[1])
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[wire]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "type" && !slices.Contains(neverKept, name) {
			code = append(code, name)
		}
	}
	slices.Sort(documented)
	slices.Sort(code)
	if !slices.Equal(documented, code) {
		t.Errorf("docs/evidence.md has the fields\n%v, want\n%v", documented, code)
	}
}
