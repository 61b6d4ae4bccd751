package native_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/ari/native"
)

// outbound is a PBX that connects to the gateway, whose sources come and go.
type outbound struct {
	t   *testing.T
	pbx *aritest.PBX
}

func newOutbound(t *testing.T) *outbound {
	t.Helper()
	o := &outbound{t: t, pbx: aritest.New()}
	t.Cleanup(o.pbx.Close)
	return o
}

// start runs a source that is given a position, and lets the PBX connect to it and send what it has
// kept.
func (o *outbound) start(from ari.Position, kept ...string) *harness {
	o.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		o.t.Fatal(err)
	}
	cfg := configFor(o.pbx)
	cfg.Listen = &native.Listen{Listener: l, Username: "asterisk", Password: "its password"}
	cfg.Resume = func(_ context.Context, node string) (taken ari.Position, err error) {
		if node != aritest.Node {
			o.t.Errorf("asked for the position of node %s", node)
		}
		taken, from = from, nil
		return taken, nil
	}
	h := start(o.t, o.pbx, cfg, 0, nil)
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	var frames [][]byte
	for _, k := range kept {
		frames = append(frames, []byte(k))
	}
	url := "ws://" + l.Addr().String()
	if err := o.pbx.Connect(ctx, url, "asterisk", "its password", frames...); err != nil {
		o.t.Fatal(err)
	}
	return h
}

// suspended runs a source to its end, and returns the position that it leaves.
func (o *outbound) suspended() ari.Position {
	o.t.Helper()
	h := o.start(nil)
	h.wantEvent(ari.SnapshotTaken, "")
	h.send("last")
	if err := o.pbx.Flush(); err != nil {
		o.t.Fatal(err)
	}
	h.cancel()
	h.wantFrame("last")
	f := h.wantEvent(ari.Suspended, "")
	if len(f.Position) == 0 {
		o.t.Fatal("no position")
	}
	if h.queue.Len() != 0 {
		o.t.Errorf("%d frames after Suspended", h.queue.Len())
	}
	return f.Position
}

func TestARunResumesWhereTheLastOneEnded(t *testing.T) {
	o := newOutbound(t)
	at := o.suspended()
	h := o.start(at, "kept 1", "kept 2")
	resumed := h.wantEvent(ari.Resumed, "").Event
	if resumed.Snapshot == nil || resumed.At.IsZero() || resumed.At.After(o.pbx.Now()) {
		t.Errorf("resumed with %+v", resumed)
	}
	for _, want := range []string{"kept 1", "kept 2"} {
		f := h.next()
		if string(f.Raw) != want {
			t.Errorf("got %s, want %s", f.Raw, want)
		}
	}
	h.send("new")
	h.wantFrame("new")
}

// Without a position, what the PBX has kept is older than the snapshot and is discarded.
func TestWithoutAPositionKeptFramesAreDiscarded(t *testing.T) {
	o := newOutbound(t)
	h := o.start(nil, "kept")
	h.wantEvent(ari.SnapshotTaken, "")
	h.send("new")
	h.wantFrame("new")
	if h.hasObserved("not resumed") {
		t.Error("a run without a position reports that it could not resume")
	}
}

func TestAPositionThatNoLongerFitsIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*outbound, ari.Position) ari.Position
		want   string
	}{
		"Asterisk was restarted": {
			func(o *outbound, at ari.Position) ari.Position {
				o.pbx.SetStarted(time.Now().Add(time.Minute).Truncate(time.Millisecond))
				return at
			}, "not resumed: the events that Asterisk kept are lost",
		},
		"the machine was restarted": {
			func(_ *outbound, at ari.Position) ari.Position {
				var fields map[string]any
				if err := json.Unmarshal(at, &fields); err != nil {
					panic(err)
				}
				boot, _ := fields["boot_id"].(string)
				return bytes.Replace(at, []byte(boot), []byte("another boot"), 1)
			}, "not resumed: the machine was restarted",
		},
		"the PBX's clock was set forward": {
			func(o *outbound, at ari.Position) ari.Position {
				o.pbx.SetClock(time.Hour)
				return at
			}, "the PBX's clock was set forward while the gateway was away",
		},
		"not a position": {
			func(*outbound, ari.Position) ari.Position { return ari.Position("{") },
			"not resumed: reading the position",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutbound(t)
			h := o.start(c.change(o, o.suspended()))
			h.until(c.want)
			if h.hasObserved("retrying") { // the session ended, and Asterisk connects again
				return
			}
			h.wantEvent(ari.SnapshotTaken, "")
		})
	}
}

// A connection that breaks is not an orderly end: events may be lost.
func TestABrokenOutboundConnectionIsAGap(t *testing.T) {
	h := newOutbound(t).start(nil)
	h.wantEvent(ari.SnapshotTaken, "")
	h.pbx.Cut()
	h.wantEvent(ari.Gap, ari.GapConnection)
}
