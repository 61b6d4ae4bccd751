package gateway

import (
	"testing"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
)

func TestLedgerKnowsFramesUpToItsPosition(t *testing.T) {
	gap := ari.Frame{Event: &ari.Event{Kind: ari.Gap, Reason: ari.GapRestart}}
	sh := &shared{position: cluster.Place{Run: 2, Sequence: 7}}
	for _, c := range []struct {
		name string
		f    ari.Frame
		at   cluster.Place
		want bool
	}{
		{"a frame before the last", ari.Frame{}, cluster.Place{Run: 2, Sequence: 6}, true},
		{"the last frame", ari.Frame{}, cluster.Place{Run: 2, Sequence: 7}, true},
		{"the next frame", ari.Frame{}, cluster.Place{Run: 2, Sequence: 8}, false},
		{"a frame of an earlier run", ari.Frame{}, cluster.Place{Run: 1, Sequence: 9}, true},
		{"a gap before the last frame", gap, cluster.Place{Run: 2, Sequence: 6}, true},
		{"a gap behind the last frame", gap, cluster.Place{Run: 2, Sequence: 7}, false},
	} {
		if got := sh.knows(c.f, c.at); got != c.want {
			t.Errorf("%s: known %t, want %t", c.name, got, c.want)
		}
	}
}
