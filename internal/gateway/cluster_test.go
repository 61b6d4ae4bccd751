package gateway

import (
	"slices"
	"testing"

	"github.com/risposta/gateway/metering/ledger"
)

// A lease that could not be given back while the database was away is renewed with every meeting: it is
// given back again.
func TestLeasesWithoutASite(t *testing.T) {
	state := func(node, meter string, free bool) ledger.NodeState {
		return ledger.NodeState{Lease: ledger.Lease{Node: node, Meter: meter, Epoch: 4}, Free: free}
	}
	view := ledger.View{Meters: []string{"a", "b"}, Nodes: []ledger.NodeState{
		state("runs", "a", false), state("idle", "a", false), state("expired", "a", true),
		state("other", "b", false), state("none", "", true),
	}}
	got := idle(view, "a", func(node string) bool { return node == "runs" })
	want := []ledger.Lease{{Node: "idle", Meter: "a", Epoch: 4}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v is given back, want %+v", got, want)
	}
}
