package cluster_test

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
)

// No message makes a reader panic, or take memory that it does not have; what is read is written again.
func FuzzMessage(f *testing.F) {
	m, err := batch().Message()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := cluster.ParseMessage(text)
		if err != nil {
			return
		}
		if again, err := cluster.ParseMessage(m.Encode()); err != nil || cmp.Diff(m, again) != "" {
			t.Fatalf("%v %s", err, cmp.Diff(m, again))
		}
		frames, err := m.Frames()
		if err != nil {
			return
		}
		b := cluster.Batch{Node: m.Node, First: m.First, After: m.After, Frames: frames}
		whole, err := b.Message()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := whole.Frames()
		if err != nil || cmp.Diff(frames, again, numbers) != "" {
			t.Fatalf("%v %s", err, cmp.Diff(frames, again, numbers))
		}
	})
}

func FuzzRequest(f *testing.F) {
	f.Add(cluster.EncodeRequest(cluster.Passed{Version: 1, Place: cluster.Place{Run: 1, Sequence: 2}}))
	f.Add(cluster.EncodeRequest(cluster.Resend{Version: 1, Until: cluster.Place{Run: 1, Sequence: 2}}))
	f.Add(cluster.EncodeRequest(cluster.Ask{Version: 1, Resync: "silence", Probe: []ari.ProbeRequest{{
		Serial: 1, Channel: "c", Conference: &ari.Conference{Bridge: "b", Members: map[string]ari.ChannelID{"m": "c"}},
	}}}))
	f.Fuzz(func(t *testing.T, text []byte) {
		var a, again cluster.Ask
		if err := cluster.ParseRequest(text, &a); err == nil {
			if err := cluster.ParseRequest(cluster.EncodeRequest(a), &again); err != nil || !reflect.DeepEqual(a, again) {
				t.Fatalf("%+v was read again as %+v: %v", a, again, err)
			}
		}
		var r cluster.Resend
		_ = cluster.ParseRequest(text, &r) // refused, or read
		var p cluster.Passed
		_ = cluster.ParseRequest(text, &p)
		_, _ = cluster.ParsePosition(text)
	})
}
