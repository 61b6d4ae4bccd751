package gateway

import (
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering/ledger"
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

// The ledger takes the checkpoint out with a batch that does not advance. One without a frame, such as
// that of an answer, must leave it.
func TestBatchWithoutFramesKeepsTheCheckpoint(t *testing.T) {
	at := cluster.Place{Run: 2, Sequence: 7}
	w := &pbxWorker{shared: &shared{position: at, fed: at}}
	out := &mediation.Output{Batch: ledger.Batch{Watermark: time.Unix(1796057232, 0)}}
	w.putPosition(out)
	want := ledger.Advance{From: ledgerPosition(at), To: ledgerPosition(at)}
	if out.Advance == nil || *out.Advance != want || out.Checkpoint != nil {
		t.Errorf("advance %+v, checkpoint %q: want %+v and none", out.Advance, out.Checkpoint, want)
	}
	empty := &mediation.Output{}
	if w.putPosition(empty); empty.Advance != nil {
		t.Errorf("an empty batch advances: %+v", empty.Advance)
	}
}
