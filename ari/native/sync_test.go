package native_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
)

func TestASnapshotComesFirstThenEveryFrameInOrder(t *testing.T) {
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	pbx.Exist(
		[]ari.Channel{
			{ID: "a", Name: "PJSIP/trunk-1", State: "Up"},
			{ID: "b", Name: "PJSIP/agent1-2", State: "Up"},
			{ID: "c", Name: "PJSIP/agent2-3", State: "Ringing"},
			{ID: "d", Name: "PJSIP/agent3-4", State: "Up"},
			{ID: "e", Name: "Local/x@y-0;1", State: "Up"},
		},
		[]ari.Bridge{{ID: "b1", Type: "mixing", Channels: []ari.ChannelID{"a", "b"}}},
		map[ari.ChannelID]ari.Hold{"a": ari.HoldOff, "b": ari.HoldOn},
	)
	h := start(t, pbx, configFor(pbx), 0, nil)
	snap := h.wantEvent(ari.SnapshotTaken, "").Event.Snapshot
	var holds []ari.Hold
	for _, l := range snap.Legs {
		holds = append(holds, l.Hold)
	}
	want := []ari.Hold{ari.HoldOff, ari.HoldOn, ari.HoldOff, ari.HoldUnknown, ari.HoldOff}
	if !slices.Equal(holds, want) || len(snap.Bridges) != 1 || snap.Node != aritest.Node ||
		snap.At.IsZero() {
		t.Errorf("snapshot %+v, holds %v; want holds %v", snap, holds, want)
	}
	for i := range 100 {
		h.send(fmt.Sprint("frame ", i))
	}
	for i := range 100 {
		h.wantFrame(fmt.Sprint("frame ", i))
	}
}

func TestFramesDuringTheSnapshotComeAfterIt(t *testing.T) {
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	pbx.DuringSnapshot(func() {
		if err := pbx.Send([]byte("during")); err != nil {
			t.Error(err)
		}
	})
	h := start(t, pbx, configFor(pbx), 0, nil)
	h.wantEvent(ari.SnapshotTaken, "")
	h.wantFrame("during")
}

func TestALostConnectionIsAGapAndIsOpenedAgain(t *testing.T) {
	h := dialled(t)
	h.wantEvent(ari.SnapshotTaken, "")
	h.send("one")
	h.wantFrame("one")
	h.pbx.Cut()
	h.wantEvent(ari.Gap, ari.GapConnection)
	h.wantEvent(ari.SnapshotTaken, "")
	h.send("two")
	h.wantFrame("two")
}

func TestMissingHeartbeatsAreAGap(t *testing.T) {
	h := dialled(t)
	h.wantEvent(ari.SnapshotTaken, "")
	h.pbx.DropHeartbeats(true)
	h.wantEvent(ari.Gap, ari.GapSilence)
	h.pbx.DropHeartbeats(false)
	h.wantEvent(ari.SnapshotTaken, "")
}

func TestOverflowIsAGapUntilTheQueueHasRoom(t *testing.T) {
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	h := start(t, pbx, configFor(pbx), 8, nil)
	h.wantEvent(ari.SnapshotTaken, "")
	for i := range 100 { // the queue is not read meanwhile: the socket must be
		h.send(fmt.Sprint("frame ", i))
	}
	if err := h.pbx.Flush(); err != nil { // all hundred were read off the socket
		t.Fatal(err)
	}
	h.until("overflowed")
	n := 0
	f := h.next()
	for ; f.Event == nil; f = h.next() {
		if string(f.Raw) != fmt.Sprint("frame ", n) {
			t.Fatalf("got %s, want frame %d", f.Raw, n)
		}
		n++
	}
	if f.Event.Kind != ari.Gap || f.Event.Reason != ari.GapOverflow || n == 0 || n > 8 {
		t.Errorf("after %d frames %+v, want a gap by overflow", n, f.Event)
	}
	h.wantEvent(ari.SnapshotTaken, "")
	h.send("after")
	h.wantFrame("after")
}

func TestResyncIsAGapAndANewSnapshot(t *testing.T) {
	h := dialled(t)
	h.wantEvent(ari.SnapshotTaken, "")
	h.source.Resync(ari.GapUnreadable)
	h.wantEvent(ari.Gap, ari.GapUnreadable)
	h.wantEvent(ari.SnapshotTaken, "")
}

func TestALongFrameCostsNeitherTheConnectionNorTheMemory(t *testing.T) {
	h := dialled(t)
	h.wantEvent(ari.SnapshotTaken, "")
	long := `{"type":"ChannelVarset","value":"` + strings.Repeat("a", 2<<20) + `"}`
	h.send(long)
	h.send("after")
	f := h.next()
	if f.Total != len(long) || len(f.Raw) >= ari.MaxFrame ||
		!bytes.HasPrefix([]byte(long), f.Raw) {
		t.Errorf("got %d bytes of %d, want the front of %d", len(f.Raw), f.Total, len(long))
	}
	h.wantFrame("after")
	if n := h.pbx.Connects(); n != 1 {
		t.Errorf("%d connections, want one", n)
	}
}

// What counts is the type that a frame names at its top level. The names of types and of the
// heartbeat mean nothing elsewhere in it.
func TestTypesAreReadFromTheTopLevelOnly(t *testing.T) {
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	cfg := configFor(pbx)
	desk := make(chan ari.Event, 10)
	cfg.Desk = func(ev ari.Event) { desk <- ev }
	h := start(t, pbx, cfg, 0, nil)
	h.wantEvent(ari.SnapshotTaken, "")
	const at = `"timestamp":"2026-11-23T09:46:18.000+0000"`
	for _, frame := range []string{
		`{"type":"ChannelVarset","variable":"type","value":"ApplicationReplaced"}`,
		`{"type":"ChannelVarset","channel":{"type":"ApplicationReplaced"}}`,
		`{"type":"ChannelVarset","value":"StasisStart","channel":{"id":"a"}}`,
		`{"type":"ChannelVarset","variable":"` + ari.HeartbeatName(1) + `"}`,
	} {
		h.send(frame)
		h.wantFrame(frame)
	}
	// Asterisk may write the type anywhere in the frame.
	late := `{"channel":{"id":"a","name":"` + strings.Repeat("n", 500) + `"},` + at +
		`,"args":["announce"],"type":"StasisStart"}`
	h.send(late)
	h.wantFrame(late)
	select {
	case ev := <-desk:
		if ev.Kind != ari.StasisStart || ev.Channel.ID != "a" || len(desk) > 0 {
			t.Errorf("the desk got %+v and %d more, want StasisStart", ev, len(desk))
		}
	case <-time.After(deadline):
		t.Error("the desk got no StasisStart")
	}
	if n := pbx.Connects(); n != 1 {
		t.Errorf("%d connections, want one: the application was not replaced", n)
	}
}
