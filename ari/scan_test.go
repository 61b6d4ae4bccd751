package ari

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/go-json-experiment/json"
)

// checkScan holds what the scanner reads to what package json reads of the same frame. It returns
// whether the scanner reads it.
func checkScan(t *testing.T, frame []byte) bool {
	t.Helper()
	ev, read := scan(frame, false)
	if read {
		ev.NumberKind = ""
		want, err := decode(frame)
		if err != nil || !reflect.DeepEqual(ev, want) {
			t.Errorf("%q is scanned as\n%+v, package json reads\n%+v, %v", frame, ev, want, err)
		}
	}
	if ev, ok := scan(frame, true); ok {
		want, err := decodeAnyEvidence(frame)
		if err != nil || !reflect.DeepEqual(ev, want) {
			t.Errorf("evidence %q is scanned as\n%+v, package json reads\n%+v, %v", frame, ev, want, err)
		}
	}
	s := &scanner{frame: frame}
	if kind, ok := s.top(true); ok {
		var want wire
		err := json.Unmarshal(frame, &want, lenient)
		if kind != kinds[want.Type] {
			t.Errorf("%q is scanned as %v", frame, kind)
		}
		want.Type = ""
		if want.Variable != s.w.Variable && s.w.Variable == "-" && !watched(want.Variable) {
			want.Variable = s.w.Variable
		}
		if err != nil || !reflect.DeepEqual(s.w, want) {
			t.Errorf("%q is scanned as\n%+v, package json reads\n%+v, %v", frame, s.w, want, err)
		}
	}
	return read
}

func recorded(tb testing.TB) (frames [][]byte) {
	tb.Helper()
	paths, err := filepath.Glob("../integration/testdata/traces/*/ari.jsonl")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no recordings: %v", err)
	}
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

// What Asterisk writes is scanned, and its evidence: package json reads hardly any of it.
func TestScanReadsWhatAsteriskWrites(t *testing.T) {
	missed, frames := 0, recorded(t)
	for _, frame := range frames {
		if !checkScan(t, frame) {
			missed++
		}
		ev, err := Decode(frame)
		if err != nil || ev.Kind == Other || ev.Kind == ApplicationReplaced {
			continue
		}
		line := EncodeEvidence(ev)
		checkScan(t, line)
		if _, ok := scan(line, true); !ok {
			t.Errorf("evidence is not scanned: %s", line)
		}
	}
	if missed*1000 > len(frames) {
		t.Errorf("%d of %d recorded frames are not scanned", missed, len(frames))
	}
}

// Each field that package json reads is scanned, also one that is added to the types.
func TestScanReadsEveryField(t *testing.T) {
	var w wire
	fill(reflect.ValueOf(&w).Elem())
	w.Type, w.Variable, w.Timestamp = "Dial", VarFeature, "2026-11-23T09:46:18.000+0000"
	frame, err := json.Marshal(&w)
	if err != nil {
		t.Fatal(err)
	}
	if !checkScan(t, frame) {
		t.Errorf("not scanned: %s", frame)
	}
}

// fill sets each field to a value that is not zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(7)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	default:
		panic("a kind of field that frames did not have: " + v.Kind().String())
	}
}

// oddFrames are read by package json, or refused by it, or scanned to the same.
func oddFrames() []string {
	const at, ch = `"timestamp":"2026-11-23T09:46:18.000+0000"`, `"channel":{"id":"c"}`
	hold := func(more string) string { return `{"type":"ChannelHold",` + at + `,` + ch + more + `}` }
	odd := []string{
		hold(``), hold(` , "x" : [ 1 , -0.5e+3, {"a":null} , "\u00e9\n" ] `), hold(`,"x":{"a":1,"a":2}`),
		hold(`,"x":[1,]`), hold(`,"x":01`), hold(`,"x":1.`), hold(`,"x":-`), hold(`,"x":"\x"`),
		hold(`,"x":"\ud83d\ude00"`), hold(`,"x":"\ud83d"`), hold(`,"x":"` + "\xed\xff" + `"`),
		hold(`,"musicclass":"N/A"`), hold(`,"musicclass":"N\/A"`), hold(`,"musicclass":null`),
		hold(`,"musicclass":"` + "\xff" + `\u0041"`), hold(`,"soft":1`), hold(`,"cause":1.0`),
		hold(`,"cause":-0`), hold(`,"cause":99999999999999999999`), hold(`,"args":[]`),
		hold(`,"args":["a",null]`), hold(`,"args":["a","b"]`), hold(`,"bridge":null`),
		hold(`,"bridge":{"id":"b","channels":[]}`), hold(`,"t\u0079pe":"Dial"`), hold(`,"type":"Dial"`),
		hold(`,`), hold(`} x`), hold(`,"":1,"":2`), hold(`,"number_kind":"premium"`), ` ` + hold(``) + "\n",
		`{"type":"ChannelVarset","variable":"BRIDGE\u0050EER","value":"x",` + at + `,` + ch + `}`,
		`{"variable":"BRIDGEPEER","value":"","type":"ChannelVarset",` + at + `,` + ch + `}`,
		`{"variable":"X","type":"ChannelVarset"`, `{"variable":7,"type":"ChannelVarset",` + at + `,` + ch + `}`,
		`{"type":"ChannelVarset","variable":"","variable":"BRIDGEPEER",` + at + `,` + ch + `}`,
		`{"type":"Novel"`, `{"type":"Novel`, `{"a":1,"a":2,"type":"Novel"}`, `{"type":""}`, `{}`, `[]`, ``,
	}
	for _, stamp := range []string{
		"2026-02-29T09:46:18.000+0000", "2024-02-29T09:46:18.000+0000", "2026-11-23T24:00:00.000+0000",
		"2026-11-23T09:46:18.000+0100", "2026-11-23T09:46:60.000+0000", "2026-00-23T09:46:18.000+0000",
		"2026-11-23T09:46:18,000+0000", "2026-11-31T09:46:18.000+0000", "x",
	} {
		odd = append(odd, `{"type":"ChannelHold","timestamp":"`+stamp+`","channel":{"id":"c","creationtime":"`+
			stamp+`"}}`)
	}
	deep := bytes.Repeat([]byte(`{"a":[`), 40)
	return append(odd, hold(`,"x":`+string(deep)))
}

func TestScanLeavesOddFramesToPackageJSON(t *testing.T) {
	for _, frame := range oddFrames() {
		checkScan(t, []byte(frame))
	}
}

// Whatever bytes come: what the scanner reads is what package json reads.
func FuzzScan(f *testing.F) {
	for i, frame := range recorded(f) {
		if i%10 == 0 {
			f.Add(frame)
		}
	}
	for _, frame := range oddFrames() {
		f.Add([]byte(frame))
	}
	f.Fuzz(func(t *testing.T, frame []byte) { checkScan(t, frame) })
}
