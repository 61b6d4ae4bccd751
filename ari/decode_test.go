package ari_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

func TestDecodeRefusesWhatItCannotRead(t *testing.T) {
	const at = `"timestamp":"2026-11-23T09:46:18.000+0000"`
	for name, c := range map[string]struct {
		frame    string
		typ      string
		channels []ari.ChannelID
		doubtful bool
		says     string
	}{
		"not JSON":            {frame: `hello`, says: "invalid character"},
		"not an object":       {frame: `["type"]`, says: "not a JSON object"},
		"no type":             {frame: `{"a":1}`, says: "no type"},
		"two values":          {frame: `{"a":1}{"b":2}`, says: "more than one"},
		"type is a number":    {frame: `{"type":7}`, says: "not a string"},
		"no timestamp":        {frame: `{"type":"ChannelHold","channel":{"id":"c1"}}`, typ: "ChannelHold", channels: []ari.ChannelID{"c1"}, doubtful: true, says: "timestamp"},
		"no channel":          {frame: `{"type":"ChannelHold",` + at + `}`, typ: "ChannelHold", says: "channel: missing"},
		"no channel id":       {frame: `{"type":"ChannelHold",` + at + `,"channel":{}}`, typ: "ChannelHold", says: "channel.id: missing"},
		"no bridge":           {frame: `{"type":"ChannelEnteredBridge",` + at + `,"channel":{"id":"c1"}}`, typ: "ChannelEnteredBridge", channels: []ari.ChannelID{"c1"}, doubtful: true, says: "bridge: missing"},
		"no peer":             {frame: `{"type":"Dial",` + at + `}`, typ: "Dial", says: "peer: missing"},
		"channel is a text":   {frame: `{"type":"ChannelHold",` + at + `,"channel":"c1"}`, typ: "ChannelHold", says: "JSON"},
		"cut off":             {frame: `{"type":"ChannelHold",` + at + `,"channel":{"id":"c1","na`, typ: "ChannelHold", channels: []ari.ChannelID{"c1"}, doubtful: true, says: "unexpected EOF"},
		"cut off before type": {frame: `{"channel":{"id":"c1"},"type":"ChannelHold"`, typ: "ChannelHold", channels: []ari.ChannelID{"c1"}, doubtful: true},
		"harmless kind":       {frame: `{"value":"` + "\x01" + `","type":"ChannelVarset","channel":{"id":"c1"}}`, typ: "ChannelVarset", channels: []ari.ChannelID{"c1"}, says: "invalid"},
		"the same key twice":  {frame: `{"type":"ChannelHold",` + at + `,"channel":{"id":"c1"},"channel":{"id":"c2"}}`, typ: "ChannelHold", channels: []ari.ChannelID{"c1", "c2"}, doubtful: true, says: "duplicate"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ari.Decode([]byte(c.frame))
			var bad *ari.Unreadable
			if !errors.As(err, &bad) {
				t.Fatalf("error %v, want an Unreadable", err)
			}
			if bad.Type != c.typ || !reflect.DeepEqual(bad.Channels, c.channels) || bad.Doubtful() != c.doubtful || bad.Bytes != len(c.frame) {
				t.Errorf("got type %q, channels %v, doubtful %t, %d bytes", bad.Type, bad.Channels, bad.Doubtful(), bad.Bytes)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q does not say %q", err, c.says)
			}
		})
	}
}

func TestDecodeReadsWhatMatters(t *testing.T) {
	ev, err := ari.Decode([]byte(`{"soft":true,"type":"ChannelHangupRequest","timestamp":"2026-11-23T10:46:18.123+0100","novelty":[1],` +
		`"channel":{"id":"c1","name":"PJSIP/trunk-00000001","state":"Up","caller":{"name":"Mar` + "\xeda" + `","number":"+390612345678"},` +
		`"dialplan":{"context":"from-trunk","exten":"1001","app_name":"Queue","app_data":"support"}},"asterisk_id":"pbx"}`))
	want := ari.Event{
		Kind: ari.ChannelHangupRequest, At: time.Date(2026, 11, 23, 9, 46, 18, 123e6, time.UTC), Node: "pbx", Soft: true,
		Channel: ari.Channel{
			ID: "c1", Name: "PJSIP/trunk-00000001", State: "Up", Context: "from-trunk", Exten: "1001", App: "Queue", AppData: "support",
			Caller: metering.NewNumber("+390612345678", ""),
		},
	}
	if err != nil || !reflect.DeepEqual(ev, want) {
		t.Errorf("got %+v, %v\nwant %+v", ev, err, want)
	}
}

func TestTooLongFramesGiveAwayWhatTheirFrontSays(t *testing.T) {
	bad := ari.TooLong([]byte(`{"type":"ChannelHold","channel":{"id":"c1"},"x":"aaaa`), 2<<20)
	if !errors.Is(bad, ari.ErrTooLong) || bad.Bytes != 2<<20 || !bad.Doubtful() {
		t.Errorf("got %+v", bad)
	}
}

func TestMaskNameHidesNumbersAndKeepsPairsApart(t *testing.T) {
	for name, want := range map[string]string{
		"Local/3331234567@out-00000003;1": "Local/xxxxxxxx67@out-00000003;1",
		"Local/1001@agents-12345678;2":    "Local/1001@agents-12345678;2",
		"PJSIP/200123456-00000001":        "PJSIP/200123456-00000001",
		"Local/3331234567":                "Local/xxxxxxxx67",
	} {
		if got := ari.MaskName(name); got != want {
			t.Errorf("MaskName(%q) = %q, want %q", name, got, want)
		}
	}
}

// Evidence must say to the pipeline just what the frame said, and name nobody.
func TestEncodeKeepsTheFactsAndNoNumber(t *testing.T) {
	for _, frame := range recordedFrames(t) {
		ev, err := ari.Decode(frame)
		if err != nil {
			t.Fatalf("%v: %s", err, frame)
		}
		if ev.Kind == ari.Other {
			continue
		}
		line := ari.EncodeEvidence(ev)
		if bytes.Contains(line, []byte("612345678")) {
			t.Fatalf("a number in clear: %s", line)
		}
		again, err := ari.DecodeEvidence(line)
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		for _, c := range []*ari.Channel{&ev.Channel, &ev.Caller} {
			c.Caller, c.Context, c.Exten, c.Created = metering.Number{}, "", "", time.Time{}
			if c.App != "Queue" {
				c.AppData = ""
			}
		}
		ev.Dialled, ev.Playback, ev.PlayState = "", "", "" // a number in clear, whose kind evidence keeps; and what is the front desk's alone
		if diff := cmp.Diff(ev, again, cmp.AllowUnexported(metering.Number{})); diff != "" {
			t.Fatalf("%s: (-frame +evidence)\n%s", ev.Kind, diff)
		}
	}
}

func recordedFrames(tb testing.TB) [][]byte {
	tb.Helper()
	paths, err := filepath.Glob("../integration/testdata/traces/*/ari.jsonl")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no recordings: %v", err)
	}
	var frames [][]byte
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			frames = append(frames, bytes.TrimSpace(line))
		}
	}
	return frames
}

// Whatever the bytes, the decoder returns an event or an Unreadable, and what it returns can be kept as evidence and read again.
func FuzzDecode(f *testing.F) {
	for i, frame := range recordedFrames(f) {
		if i%10 == 0 {
			f.Add(frame)
		}
	}
	f.Add([]byte(`{"type":"Dial","timestamp":"2026-11-23T09:46:18.000+0000","peer":{"id":"a"}}`))
	f.Add([]byte(`{"type":"risposta.Snapshot","timestamp":"2026-11-23T09:46:18.000+0000","legs":[{"channel":{"id":"a"},"hold":2}]}`))
	f.Fuzz(func(t *testing.T, frame []byte) {
		ev, err := ari.Decode(frame)
		if err != nil {
			var bad *ari.Unreadable
			if !errors.As(err, &bad) {
				t.Fatalf("error %v is no Unreadable", err)
			}
			return
		}
		if ev.Kind == ari.Other {
			return
		}
		line := ari.EncodeEvidence(ev)
		if bytes.ContainsRune(line, '\n') {
			t.Fatalf("evidence of more than one line: %q", line)
		}
		if _, err := ari.Decode(line); err != nil {
			t.Fatalf("the evidence of %q can't be read: %v: %s", frame, err, line)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	frames := recordedFrames(b)
	size := 0
	for _, f := range frames {
		size += len(f)
	}
	b.SetBytes(int64(size / len(frames)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := ari.Decode(frames[i%len(frames)]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
