package cluster_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
	"github.com/risposta/gateway/metering"
)

var write = flag.Bool("write", false, "write testdata/events.json")

var numbers = cmp.Comparer(func(a, b metering.Number) bool { return a.Clear() == b.Clear() })

var at = time.Date(2026, 11, 30, 9, 0, 0, 123e6, time.UTC)

// events are one of each kind that a source makes, with every field that it has.
func events() []ari.Event {
	channel := ari.Channel{
		ID: "pbx1-1.2", Name: "PJSIP/trunk-00000001", State: "Up", Context: "in", Exten: "1001",
		App: "Queue", AppData: "help,t", Created: at, Caller: metering.NewNumber("+390612345678"),
	}
	snapshot := &ari.Snapshot{
		At: at, Node: "pbx1",
		Legs: []ari.Leg{{
			Channel: channel, Hold: ari.HoldOn, Feature: ari.FeatureHoldAway, Dialled: true,
			Incoming: true, DialledBy: "pbx1-1.1", Number: "mobile", Moved: at, LastEvent: at,
			Doubts: []ari.Doubt{ari.DoubtMusic}, HomeApp: "Queue", AppSince: at, Done: true,
		}},
		Bridges: []ari.Bridge{{
			ID: "b", Type: "mixing", Channels: []ari.ChannelID{"pbx1-1.2"}, Conference: true, Room: "r",
			Active: []ari.ChannelID{},
		}},
	}
	return []ari.Event{
		{Kind: ari.Gap, Node: "pbx1", Reason: ari.GapSilence},
		{Kind: ari.SnapshotTaken, At: at, Node: "pbx1", Snapshot: snapshot},
		{Kind: ari.Suspended, Node: "pbx1"},
		{Kind: ari.Resumed, At: at, Node: "pbx1", Snapshot: &ari.Snapshot{At: at, Node: "pbx1"}},
		{Kind: ari.ListsTaken, At: at, Asked: at.Add(-time.Second), Node: "pbx1", Snapshot: snapshot},
		{Kind: ari.Probed, At: at, Node: "pbx1", Answers: []ari.ProbeAnswer{{
			Serial: 3, Channel: "pbx1-1.2", Hold: ari.HoldOff, Asked: true, App: "Dial",
			Packets: ari.NoPackets, Conference: "b", Active: []ari.ChannelID{"pbx1-1.2"},
			Options: &ari.EndpointOptions{RTPTimeout: 30 * time.Second, HidesHolds: true},
		}}},
	}
}

// batch has a frame of the PBX, one of which only the front was kept, and all events.
func batch() cluster.Batch {
	b := cluster.Batch{
		Node: "pbx1", First: cluster.Place{Run: 7, Sequence: 41}, After: cluster.Place{Run: 7, Sequence: 40},
		Frames: []ari.Frame{
			{Raw: []byte(`{"type":"StasisStart"}`), Arrived: time.Hour, Sent: time.Minute},
			{Raw: []byte(`{"type":"Front`), Arrived: time.Hour, Total: 1 << 21},
		},
	}
	for _, ev := range events() {
		b.Frames = append(b.Frames, ari.Frame{Event: &ev, Arrived: 2 * time.Hour, Sent: time.Hour})
	}
	return b
}

func message(t *testing.T, b cluster.Batch) cluster.Message {
	t.Helper()
	m, err := b.Message()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestABatchIsReadAsItWasWritten(t *testing.T) {
	b := batch()
	m := message(t, b)
	got, err := cluster.ParseMessage(m.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, got); diff != "" {
		t.Error(diff)
	}
	frames, err := got.Frames()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.Frames, frames, numbers); diff != "" {
		t.Error(diff)
	}
}

// Every field of a leg, a bridge, a channel and an answer is set above: a new one must be, too.
func TestEveryFieldIsWritten(t *testing.T) {
	set := map[string]bool{}
	var visit func(v reflect.Value)
	visit = func(v reflect.Value) {
		switch {
		case v.Kind() == reflect.Pointer && !v.IsNil():
			visit(v.Elem())
		case v.Kind() == reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i))
			}
		case v.Kind() == reflect.Struct && strings.HasPrefix(v.Type().String(), "ari."):
			for i := range v.NumField() {
				name := v.Type().String() + "." + v.Type().Field(i).Name
				set[name] = set[name] || !v.Field(i).IsZero()
				visit(v.Field(i))
			}
		}
	}
	for _, ev := range events() {
		visit(reflect.ValueOf(ev))
	}
	// What only the PBX's own events have, which go as they came, and what the meter makes of answers.
	raw := map[string]bool{}
	for _, name := range []string{
		"Channel", "Caller", "Bridge", "From", "DialStatus", "Feature", "Soft", "Unresponsive", "Variable",
		"Music", "Args", "Digit", "Heartbeat", "Playback", "PlayState", "Dialled", "NumberKind",
		"Phone", "Channels", "Findings",
	} {
		raw["ari.Event."+name] = true
	}
	for name, is := range set {
		if !is && !raw[name] {
			t.Errorf("%s is not tested", name)
		}
	}
}

// The encoding of events does not change unnoticed: another one needs another version.
func TestEventsAreWrittenAsTheyWere(t *testing.T) {
	const file = "testdata/events.json"
	var text bytes.Buffer
	for _, ev := range events() {
		line, err := cluster.EncodeEvent(&ev)
		if err == nil {
			err = json.Indent(&text, line, "", "  ")
		}
		if err != nil {
			t.Fatal(err)
		}
		text.WriteByte('\n')
	}
	if *write {
		if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("the encoding has changed: raise Version, then run go test -write\n%s", diff)
	}
}

func TestALongBatchIsSplit(t *testing.T) {
	b := batch()
	m := message(t, b)
	parts, err := m.Split(512)
	if err != nil || len(parts) < 3 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	var a cluster.Assembler
	add := func(order ...int) (whole cluster.Message, ok bool) {
		for _, i := range order {
			text := parts[i].Encode()
			if len(text) > 512 {
				t.Errorf("part %d has %d bytes", i, len(text))
			}
			part, err := cluster.ParseMessage(text)
			if err != nil {
				t.Fatal(err)
			}
			if whole, ok = a.Add(part); ok && i != len(parts)-1 {
				t.Fatalf("%v is whole at part %d", order, i)
			}
		}
		return whole, ok
	}
	all := make([]int, len(parts))
	for i := range all {
		all[i] = i
	}
	for _, order := range [][]int{all[1:], all[:len(all)-1], append([]int{0, 1, 1}, all[2:]...)} {
		if _, ok := add(order...); ok {
			t.Errorf("%v is whole", order)
		}
	}
	for _, order := range [][]int{all, append([]int{0, 1}, all...)} {
		whole, ok := add(order...)
		if !ok || cmp.Diff(m, whole) != "" {
			t.Errorf("%v: %v %s", order, ok, cmp.Diff(m, whole))
		}
	}
	if _, err := m.Split(100); err == nil {
		t.Error("it was split into messages smaller than a header")
	}
}

func TestWhatIsNoBatchIsRefused(t *testing.T) {
	for _, change := range []func(*cluster.Batch){
		func(b *cluster.Batch) { b.Node = "" },
		func(b *cluster.Batch) { b.Node = strings.Repeat("n", 256) },
		func(b *cluster.Batch) { b.Frames = nil },
		func(b *cluster.Batch) { b.Frames = make([]ari.Frame, cluster.MaxFrames+1) },
		func(b *cluster.Batch) { b.First = cluster.Place{} },
		func(b *cluster.Batch) { b.After = cluster.Place{Run: 7, Sequence: 39} },
		func(b *cluster.Batch) { b.After = cluster.Place{Run: 8, Sequence: 1} },
		func(b *cluster.Batch) { b.Frames[0].Raw = nil },
		func(b *cluster.Batch) { b.Frames[2].Event = &ari.Event{Kind: ari.Dial} },
	} {
		b := batch()
		change(&b)
		if _, err := b.Message(); err == nil {
			t.Errorf("a batch from %s on behind %s was encoded", b.First, b.After)
		}
	}
	m := message(t, batch())
	text := m.Encode()
	text[0]++
	if _, err := cluster.ParseMessage(text); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("another version was read: %v", err)
	}
}

func TestPositionsAreReadAsTheyWereWritten(t *testing.T) {
	want := cluster.Position{
		Place: cluster.Place{Run: 1, Sequence: 2}, Stream: 3, Gap: true, ClockLimit: -4, ClockAt: 5,
	}
	got, err := cluster.ParsePosition(want.Encode())
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []ari.Position{nil, {1}, ari.Position(strings.Repeat("\x01", 41)), want.Encode()[1:]} {
		if _, err := cluster.ParsePosition(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestSubjectsHoldAnyNode(t *testing.T) {
	for node, want := range map[string]string{
		"02:00:00:00:00:99": "risposta.frames.02:00:00:00:00:99",
		"pbx.rome >*%":      "risposta.frames.pbx%2Erome%20%3E%2A%25",
	} {
		if got := cluster.Subject(node); got != want {
			t.Errorf("%s: got %s, want %s", node, got, want)
		}
	}
}
