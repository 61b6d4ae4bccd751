package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

// Each call's frames are the recording's, at the call's own time, under ids of its own.
func TestACallIsPlayedUnderItsOwnIDsAndTime(t *testing.T) {
	frames, err := readTemplates("../testdata/traces/early-media/ari.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2031, 5, 6, 7, 8, 9, 123_000_000, time.FixedZone("", 7200))
	seen := map[string]int{}
	for i := range frames {
		for call, id := range []string{"pbx1-1800000000.", "pbx1-1800000001."} {
			wire := frames[i].appendCall(nil, call, begin)
			_, text, _ := bytes.Cut(wire, []byte("{"))
			text = append([]byte("{"), text...)
			if n := len(wire) - len(text); n != 2 && n != 4 {
				t.Fatalf("a head of %d bytes: %q", n, wire[:n])
			}
			var f struct {
				Type, Timestamp string
				Channel         struct{ ID string }
			}
			if err := json.Unmarshal(text, &f); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			want := begin.Add(frames[i].stamps[0].after).UTC().Format("2006-01-02T15:04:05.000-0700")
			if f.Timestamp != want {
				t.Errorf("%s has the timestamp %s, want %s", f.Type, f.Timestamp, want)
			}
			if f.Channel.ID != "" && !bytes.HasPrefix([]byte(f.Channel.ID), []byte(id)) {
				t.Errorf("%s is about channel %s, want %s", f.Type, f.Channel.ID, id)
			}
			if bytes.Contains(text, []byte("1795427139")) || bytes.Contains(text, []byte("1874af41")) {
				t.Errorf("an id of the recording is left: %s", text)
			}
			seen[f.Type]++
		}
	}
	if len(frames) != 80 || seen["ChannelEnteredBridge"] != 4 {
		t.Errorf("%d frames: %v", len(frames), seen)
	}
}
