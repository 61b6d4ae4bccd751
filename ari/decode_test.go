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

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

const at = `"timestamp":"2026-11-23T09:46:18.000+0000"`

func TestDecodeRefusesAnUnreadableFrame(t *testing.T) {
	c1 := []ari.ChannelID{"c1"}
	for name, c := range map[string]struct {
		frame    string
		typ      string
		channels []ari.ChannelID
		doubtful bool
		says     string
	}{
		"not JSON":         {frame: `hello`, says: "invalid character"},
		"not an object":    {frame: `["type"]`, says: "not a JSON object"},
		"no type":          {frame: `{"a":1}`, says: "no type"},
		"two values":       {frame: `{"a":1}{"b":2}`, says: "more than one"},
		"type is a number": {frame: `{"type":7}`, says: "not a string"},
		"no timestamp": {
			frame: `{"type":"ChannelHold","channel":{"id":"c1"}}`,
			typ:   "ChannelHold", channels: c1, doubtful: true, says: "timestamp",
		},
		"no channel": {
			frame: `{"type":"ChannelHold",` + at + `}`,
			typ:   "ChannelHold", says: "channel: missing",
		},
		"no channel id": {
			frame: `{"type":"ChannelHold",` + at + `,"channel":{}}`,
			typ:   "ChannelHold", says: "channel.id: missing",
		},
		"no bridge": {
			frame: `{"type":"ChannelEnteredBridge",` + at + `,"channel":{"id":"c1"}}`,
			typ:   "ChannelEnteredBridge", channels: c1, doubtful: true, says: "bridge: missing",
		},
		"no peer": {frame: `{"type":"Dial",` + at + `}`, typ: "Dial", says: "peer: missing"},
		"channel is a text": {
			frame: `{"type":"ChannelHold",` + at + `,"channel":"c1"}`, typ: "ChannelHold", says: "JSON",
		},
		"cut off": {
			frame: `{"type":"ChannelHold",` + at + `,"channel":{"id":"c1","na`,
			typ:   "ChannelHold", channels: c1, doubtful: true, says: "unexpected EOF",
		},
		"cut off before type": {
			frame: `{"channel":{"id":"c1"},"type":"ChannelHold"`,
			typ:   "ChannelHold", channels: c1, doubtful: true,
		},
		"harmless kind": {
			frame: `{"value":"` + "\x01" + `","type":"ChannelVarset","channel":{"id":"c1"}}`,
			typ:   "ChannelVarset", channels: c1, says: "invalid",
		},
		"the same key twice": {
			frame: `{"type":"ChannelHold",` + at + `,"channel":{"id":"c1"},"channel":{"id":"c2"}}`,
			typ:   "ChannelHold", channels: []ari.ChannelID{"c1", "c2"}, doubtful: true, says: "duplicate",
		},
		"a type of evidence": {
			frame: `{"type":"risposta.Gap",` + at + `,"reason":"x","channel":{"id":"c1"}}`,
			typ:   "risposta.Gap", says: "no PBX sends it",
		},
		"a type that evidence may have one day": {
			frame: `{"channel":{"id":"c1"},"type":"risposta.Later",` + at + `}`,
			typ:   "risposta.Later", says: "no PBX sends it",
		},
		"a type of evidence inside a PBX's event": {
			frame: `{"type":"ChannelHold","channel":{"id":"c1","type":"risposta.Gap"}}`,
			typ:   "ChannelHold", channels: c1, doubtful: true, says: "timestamp",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ari.Decode([]byte(c.frame))
			var bad *ari.Unreadable
			if !errors.As(err, &bad) {
				t.Fatalf("error %v, want an Unreadable", err)
			}
			if bad.Type != c.typ || !reflect.DeepEqual(bad.Channels, c.channels) ||
				bad.Doubtful() != c.doubtful || bad.Bytes != len(c.frame) {
				t.Errorf("got type %q, channels %v, doubtful %t, %d bytes",
					bad.Type, bad.Channels, bad.Doubtful(), bad.Bytes)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q does not say %q", err, c.says)
			}
		})
	}
}

func TestPeekTypeReadsTheTopLevelOnly(t *testing.T) {
	for frame, want := range map[string]string{
		`{"channel":{"type":"Dial"},"type":"ChannelHold"`: "ChannelHold",
		`{"channel":{"type":"Dial"}}`:                     "",
		`{"a":"\"type\":\"Dial\"","type":"Dial"}`:         "Dial",
		`"type":"Dial"`: "",
	} {
		if got := ari.PeekType([]byte(frame)); got != want {
			t.Errorf("PeekType(%s) = %q, want %q", frame, got, want)
		}
	}
}

func TestDecodeKeepsTheFieldsThatMatter(t *testing.T) {
	ev, err := ari.Decode([]byte(`{"soft":true,"type":"ChannelHangupRequest",` +
		`"timestamp":"2026-11-23T10:46:18.123+0100","novelty":[1],"number_kind":"premium",` +
		`"channel":{"id":"c1","name":"PJSIP/trunk-00000001","state":"Up",` +
		`"caller":{"name":"Mar` + "\xeda" + `","number":"+390612345678"},` +
		`"dialplan":{"context":"from-trunk","exten":"1001","app_name":"Queue","app_data":"support"}},` +
		`"asterisk_id":"pbx"}`))
	want := ari.Event{
		Kind: ari.ChannelHangupRequest, Node: "pbx", Soft: true,
		At: time.Date(2026, 11, 23, 9, 46, 18, 123e6, time.UTC),
		Channel: ari.Channel{
			ID: "c1", Name: "PJSIP/trunk-00000001", State: "Up", Context: "from-trunk", Exten: "1001",
			App: "Queue", AppData: "support", Caller: metering.NewNumber("+390612345678"),
		},
	}
	if err != nil || !reflect.DeepEqual(ev, want) {
		t.Errorf("got %+v, %v\nwant %+v", ev, err, want)
	}
}

func TestTooLongSalvagesTheFrontOfTheFrame(t *testing.T) {
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
