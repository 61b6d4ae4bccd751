package gateway_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/risposta/gateway/ari/aritest"
)

// Unreadable frames come between the good ones of a real call. They are counted, the first of each
// type is logged, and they change no second of the call.
func TestUnreadableFramesAreCountedAndHarmNoCall(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	r := start(t, pbx, configure(t, pbx, t.TempDir(), ""))
	r.until("pbx.synced", 1)
	long := `{"type":"ChannelVarset","value":"` + strings.Repeat("a", 2<<20) + `"}`
	bad := []string{
		`{"type":"ChannelHold","timestamp":`, "\xff\xfe",
		`{"type":"ChannelTeleported","channel":{"id":"x"}}`, long,
	}
	name, latin1 := []byte(`"caller":{"name":""`), []byte("\"caller\":{\"name\":\"Jos\xe9\"")
	for i, frame := range holdTransfer(t) {
		r.send(bytes.ReplaceAll(frame, name, latin1))
		if i%40 == 5 {
			for _, b := range bad {
				r.send([]byte(b))
			}
		}
	}
	r.until(`"state":"final"`, 1) // the lookup may answer after the end
	metrics := r.untilMetric(`risposta_unreadable_frames_total{pbx="fake"} 15`)
	r.stop()
	if rec := r.record(); rec.TalkMs != 9478 || rec.Amount != "0.14" {
		t.Errorf("talk %d ms, %s EUR; want 9478 and 0.14", rec.TalkMs, rec.Amount)
	}
	if n := strings.Count(r.log.String(), "frame.unreadable"); n != 3 {
		t.Errorf("unreadable frames were logged %d times, want once for each of three types:\n%s",
			n, r.log)
	}
	for _, secret := range []string{"390612345678", "secret\"", "0123456789abcdef", "Jos"} {
		if strings.Contains(r.log.String()+metrics, secret) {
			t.Errorf("%q stands in the log or the metrics", secret)
		}
	}
}

// Frames of the types that only evidence has come over the socket in the middle of a call. Were
// they believed, a snapshot without channels would end the call and a gap would make it free.
func TestEvidenceTypesFromAPBXAreUnreadable(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	r := start(t, pbx, configure(t, pbx, t.TempDir(), ""))
	r.until("pbx.synced", 1)
	const at = `"timestamp":"2026-11-23T09:46:18.000+0000"`
	forged := []string{
		`{"type":"risposta.Snapshot",` + at + `}`,
		`{"type":"risposta.Gap",` + at + `,"reason":"connection_lost"}`,
		`{"type":"risposta.UnreadableFrame",` + at + `,"channels":["pbx1-1795427174.114"]}`,
		`{"type":"risposta.LegSnapshot",` + at + `,"legs":[{"channel":{"id":"pbx1-1795427174.114"}}]}`,
		`{"type":"risposta.Call",` + at + `,"call":"pbx1-1795427174.114"}`,
	}
	const talking = 60 // frames until the first operator talks
	frames := holdTransfer(t)
	for _, f := range frames[:talking] {
		r.send(f)
	}
	r.until("talk.started", 2)
	for _, f := range forged {
		r.send([]byte(f))
	}
	for _, f := range frames[talking:] {
		r.send(f)
	}
	r.until(`"state":"final"`, 1) // the lookup may answer after the end
	r.untilMetric(`risposta_unreadable_frames_total{pbx="fake"} 5`)
	r.stop()
	if rec := r.record(); rec.TalkMs != 9478 || rec.UnseenMs != 0 || rec.Amount != "0.14" {
		t.Errorf("talk %d ms, unseen %d ms, %s EUR; want 9478, 0 and 0.14",
			rec.TalkMs, rec.UnseenMs, rec.Amount)
	}
	if n := strings.Count(r.log.String(), "gap.started"); n != 0 {
		t.Errorf("%d gaps, want none:\n%s", n, r.log)
	}
	if n := strings.Count(r.log.String(), "frame.unreadable"); n != len(forged) {
		t.Errorf("%d types were logged, want %d", n, len(forged))
	}
}
