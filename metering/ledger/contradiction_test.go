package ledger_test

import (
	"slices"
	"testing"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

func TestPartsComeInTheOrderInWhichABatchNamesItsCalls(t *testing.T) {
	b := ledger.Batch{
		Opened:   []ledger.OpenCall{{Call: "b"}},
		Evidence: []ledger.Evidence{{Call: "c"}, {Call: "b"}, {Call: "b"}},
		Records:  []metering.Record{{Call: "a"}, {Call: "b"}},
	}
	var order []metering.CallID
	for _, p := range b.Parts() {
		order = append(order, p.Call)
		if p.Call == "b" && (len(p.Opened) != 1 || p.Evidence != 2 || len(p.Records) != 1) {
			t.Errorf("the part of b is %+v", p)
		}
	}
	if want := []metering.CallID{"b", "c", "a"}; !slices.Equal(order, want) {
		t.Errorf("parts of %v, want %v", order, want)
	}
}
