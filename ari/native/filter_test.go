package native_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
)

// The filter is set at every connection, whoever opens it, before the snapshot is taken.
func TestThePBXIsToldWhichEventsToSend(t *testing.T) {
	wantFilters := func(t *testing.T, pbx *aritest.PBX, want int) {
		t.Helper()
		types, times := pbx.Filter()
		if !slices.Equal(types, ari.EventTypes()) || times != want {
			t.Errorf("set %d times, last to %q; want %d and %q", times, types, want, ari.EventTypes())
		}
	}
	t.Run("dialled", func(t *testing.T) {
		h := dialled(t)
		h.wantEvent(ari.SnapshotTaken, "")
		wantFilters(t, h.pbx, 1)
		h.pbx.Cut()
		h.wantEvent(ari.Gap, ari.GapConnection)
		h.wantEvent(ari.SnapshotTaken, "")
		wantFilters(t, h.pbx, 2)
	})
	t.Run("listening", func(t *testing.T) {
		h := newOutbound(t).start(nil)
		h.wantEvent(ari.SnapshotTaken, "")
		wantFilters(t, h.pbx, 1)
	})
}

// Every type that matters comes through the filter, the heartbeats among them, and no other type.
func TestWhatMattersComesThroughTheFilter(t *testing.T) {
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	pbx.FollowFilter(true)
	h := start(t, pbx, configFor(pbx), 0, nil)
	h.wantEvent(ari.SnapshotTaken, "")
	for kind := ari.ChannelCreated; kind < ari.Gap; kind++ {
		if !slices.Contains(ari.EventTypes(), kind.String()) {
			t.Errorf("the filter does not name %s", kind)
		}
		if kind == ari.ApplicationReplaced || kind == ari.Heartbeat {
			continue // the end of the connection; and no event of its own comes of it
		}
		h.send(`{"type":"DeviceStateChanged","application":"risposta"}`)
		frame := `{"type":"` + kind.String() + `","timestamp":"none","variable":"OTHER"}`
		h.send(frame)
		h.wantFrame(frame)
	}
	pbx.NameTaken(true)
	h.send(`{"type":"ApplicationReplaced","application":"risposta"}`)
	h.wantEvent(ari.Gap, ari.GapReplaced)
}

func TestAPBXThatCannotFilterIsMetered(t *testing.T) {
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	pbx.RefuseFilter(true)
	h := start(t, pbx, configFor(pbx), 0, nil)
	h.wantEvent(ari.SnapshotTaken, "")
	h.until("not filtered: telling the PBX which events to send: PUT ")
}

// A filter that a former gateway has left, and that cannot be replaced, keeps events back.
func TestAFilterThatKeepsEventsBackIsAReasonNotToMeter(t *testing.T) {
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	pbx.RefuseFilter(true)
	pbx.SetFilter(slices.DeleteFunc(ari.EventTypes(), func(name string) bool {
		return strings.HasSuffix(name, "old")
	})...)
	h := start(t, pbx, configFor(pbx), 0, nil)
	h.until(`retrying: the event filter of application "risposta" keeps back ChannelHold, ChannelUnhold: ` +
		ari.GapDeaf)
	pbx.RefuseFilter(false)
	h.wantEvent(ari.SnapshotTaken, "")
}

func TestInspectReportsAPBXThatCannotFilter(t *testing.T) {
	wantFinding(t, inspected(t, nil, nil), good+"the PBX sends only the types of events")
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	pbx.RefuseFilter(true)
	wantFinding(t, inspectedAt(t, pbx, nil, nil), note+"the PBX sends events that the gateway does not need")
}
