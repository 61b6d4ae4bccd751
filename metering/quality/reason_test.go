package quality_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/risposta/gateway/metering/quality"
)

// Every reason that metering decides a charge by is counted under its own name, and no other is.
func TestDecisiveReasonsAreThoseOfTheCharge(t *testing.T) {
	charge, err := os.ReadFile("../charge.go")
	if err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadFile("../reason.go")
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{}
	for _, m := range regexp.MustCompile(`(Reason\w+) +Reason = "(\w+)"`).
		FindAllStringSubmatch(string(names), -1) {
		text[m[1]] = m[2]
	}
	var want, have []string
	for _, m := range regexp.MustCompile(`return (Reason[A-Z]\w+)`).
		FindAllStringSubmatch(string(charge), -1) {
		want = append(want, text[m[1]])
	}
	want = append(want, string(quality.ReasonOther))
	for _, why := range quality.Reasons() {
		have = append(have, string(why))
	}
	slices.Sort(want)
	slices.Sort(have)
	if want = slices.Compact(want); !slices.Equal(want, have) {
		t.Errorf("metering decides by %v, quality counts %v", want, have)
	}
}
