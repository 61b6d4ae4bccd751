package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"time"
)

const stampLayout = "2006-01-02T15:04:05.000-0700"

// What each call has of its own in a recorded frame. All keep their lengths.
var (
	stamps  = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}`)
	ids     = regexp.MustCompile(`pbx1-(\d{10})\.`)
	bridges = regexp.MustCompile(`"([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"`)
)

// template is one frame of the recording, as it goes over a WebSocket.
type template struct {
	kind    string
	after   time.Duration // the frame's instant, from the begin of the call
	text    []byte
	ids     []int // where they are in text
	bridges []int
	stamps  []stamp
}

// stamp is a timestamp in a frame, from the begin of the call.
type stamp struct {
	at    int
	after time.Duration
}

// nodeOf is the asterisk_id of a player; 1 is that of the recording.
func nodeOf(number int) string { return fmt.Sprintf("02:fc:00:00:%02x:01", number-1) }

// ofPBX makes the frames those of another PBX: no id is the same.
func ofPBX(frames []template, number int) []template {
	for i := range frames {
		t := &frames[i]
		t.text = bytes.ReplaceAll(t.text, []byte(nodeOf(1)), []byte(nodeOf(number)))
		t.text = bytes.ReplaceAll(t.text, []byte("pbx1-"), fmt.Appendf(nil, "p%03d-", number))
	}
	return frames
}

// readTemplates reads a recording of one call.
func readTemplates(path string) ([]template, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text = bytes.ReplaceAll(text, []byte(`"exten":"1002"`), []byte(`"exten":"1001"`)) // as lab has it
	var all []template
	var begin time.Time
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		var head struct{ Type, Timestamp string }
		if err := json.Unmarshal(line, &head); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		at, err := time.Parse(stampLayout, head.Timestamp)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if begin.IsZero() {
			begin = at
		}
		t := newTemplate(line, begin)
		t.kind, t.after = head.Type, at.Sub(begin)
		if n := len(all); n > 0 { // a frame comes after those before it
			t.after = max(t.after, all[n-1].after)
		}
		all = append(all, t)
	}
	return all, nil
}

func newTemplate(line []byte, begin time.Time) (t template) {
	t.text = webSocketFrame(line)
	for _, m := range ids.FindAllSubmatchIndex(t.text, -1) {
		t.ids = append(t.ids, m[2])
	}
	for _, m := range bridges.FindAllSubmatchIndex(t.text, -1) {
		t.bridges = append(t.bridges, m[2])
	}
	for _, m := range stamps.FindAllIndex(t.text, -1) {
		at, err := time.Parse(stampLayout, string(t.text[m[0]:m[1]]))
		if err == nil {
			t.stamps = append(t.stamps, stamp{m[0], at.Sub(begin)})
		}
	}
	return t
}

// webSocketFrame is a text as a server sends it over a WebSocket.
func webSocketFrame(text []byte) []byte {
	const finalText, twoBytes = 0x81, 126
	if len(text) < twoBytes {
		return append([]byte{finalText, byte(len(text))}, text...)
	}
	head := binary.BigEndian.AppendUint16([]byte{finalText, twoBytes}, uint16(len(text)))
	return append(head, text...)
}

// firstID is that of the first call; each other call has the next number.
const firstID = 1_800_000_000

// appendCall adds the frame as the nth call has it, which began at an instant.
func (t *template) appendCall(buf []byte, n int, begin time.Time) []byte {
	from := len(buf)
	buf = append(buf, t.text...)
	frame := buf[from:]
	for _, at := range t.ids {
		copy(frame[at:], fmt.Sprintf("%010d", firstID+n))
	}
	for _, at := range t.bridges {
		copy(frame[at:], fmt.Sprintf("%08x", n))
	}
	var text [len(stampLayout) + 8]byte // AppendFormat writes some bytes more for a moment
	for _, s := range t.stamps {
		copy(frame[s.at:], begin.Add(s.after).UTC().AppendFormat(text[:0], stampLayout))
	}
	return buf
}
