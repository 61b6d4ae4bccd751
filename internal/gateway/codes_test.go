package gateway

import (
	"fmt"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
)

func TestWrongCodesAreBounded(t *testing.T) {
	var tries codeTries
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	anna := deskCall{trunk: "a", number: metering.NewNumber("+390612345678")}
	bruno := deskCall{trunk: "a", number: metering.NewNumber("+390612345679")}
	withheld := deskCall{trunk: "a"}
	elsewhere := deskCall{trunk: "b", number: metering.NewNumber("+390612345679")}
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
	try("one more", withheld, noon, "trunk")
	try("one more", bruno, noon.Add(59*time.Minute), "trunk")
	try("on another trunk", elsewhere, noon, "")
	try("nine of one caller, on whatever trunk", deskCall{trunk: "b", number: anna.number}, noon, "caller")
	try("an hour later", bruno, noon.Add(time.Hour), "")
	try("an hour later", anna, noon.Add(time.Hour), "")
	for i := range 2 * maxTrunks {
		other := deskCall{trunk: fmt.Sprintf("invented-%d", i)}
		for range maxTrunkTries {
			tries.count(other, noon.Add(time.Hour))
		}
		try("however many trunks there are", other, noon.Add(time.Hour), "trunk")
	}
	if len(tries.trunk) > maxTrunks+1 {
		t.Errorf("%d trunks are counted apart", len(tries.trunk))
	}
}
