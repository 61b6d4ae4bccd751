package gateway

import (
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
)

func TestWrongCodesAreBounded(t *testing.T) {
	var tries codeTries
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	anna := deskCall{number: metering.NewNumber("+390612345678")}
	bruno := deskCall{number: metering.NewNumber("+390612345679")}
	withheld := deskCall{}
	try := func(when string, c deskCall, at time.Time, want string) {
		t.Helper()
		if whose, ok := tries.count(c, at); whose != want || ok != (want == "") {
			t.Errorf("%s: bound of %q, allowed %v; want %q", when, whose, ok, want)
		}
	}
	for range 9 {
		try("nine wrong codes", anna, noon, "")
	}
	for range 9 {
		try("a tenth", anna, noon, "caller")
	}
	for range 20 {
		try("right codes", bruno, noon, "")
		tries.right(bruno)
	}
	for range 51 {
		try("sixty of all callers", withheld, noon, "")
	}
	try("one more", withheld, noon, "pbx")
	try("one more", bruno, noon.Add(59*time.Minute), "pbx")
	try("an hour later", bruno, noon.Add(time.Hour), "")
	try("an hour later", anna, noon.Add(time.Hour), "")
}
