package mediation_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
)

const traces = "../../integration/testdata/traces"

// What operators talked in the recorded calls, worked out by hand from each recording's CEL.
var talkMs = map[string]int64{
	"abandoned": 0, "announced": 8007, "answered": 5495, "early-media": 6006, "hold-transfer": 9478,
	"local-member": 6489,
}

func traceRules(t testing.TB) mediation.Rules {
	t.Helper()
	operators, err := mediation.NewGlobs("PJSIP/agent*", "PJSIP/op*")
	if err != nil {
		t.Fatal(err)
	}
	return mediation.Rules{
		Service:   func(c ari.Channel) (string, bool) { return c.Exten, c.Endpoint() == "PJSIP/trunk" },
		Operators: operators,
		Terms:     func(string, time.Time) metering.Terms { return metering.Terms{} },
		Pseudonym: func(metering.Number) string { return "" },
	}
}

func replay(t *testing.T, text []byte) (*mediation.Mediator, *mediation.Output) {
	t.Helper()
	rules := traceRules(t)
	rules.ProbeEvery = time.Hour
	m := mediation.New(rules)
	var out mediation.Output
	for line := range bytes.Lines(text) {
		m.Feed(ari.Frame{Raw: bytes.TrimSpace(line)}, &out)
		answerProbes(m, &out)
	}
	m.Finish(&out)
	return m, &out
}

// answerProbes answers as the PBX of the recordings would have: every member of a conference hears
// and speaks, and no hold goes on after its end.
func answerProbes(m *mediation.Mediator, out *mediation.Output) {
	for len(out.Requests) > 0 {
		ev := ari.Event{Kind: ari.Probed, At: m.Watermark()}
		for _, r := range out.Requests {
			a := ari.ProbeAnswer{Serial: r.Serial, Channel: r.Channel, Packets: ari.NoPackets}
			if r.Hold {
				a.Asked, a.Hold = true, ari.HoldOff
			}
			if c := r.Conference; c != nil {
				a.Conference, a.Active = c.Bridge, []ari.ChannelID{}
				for _, id := range c.Members {
					a.Active = append(a.Active, id)
				}
			}
			ev.Answers = append(ev.Answers, a)
		}
		out.Requests = nil
		m.Step(ev, out)
	}
}

func readTrace(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(traces, name, "ari.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRecordedCallsGiveTheirTalkToTheMillisecond(t *testing.T) {
	for name, want := range talkMs {
		t.Run(name, func(t *testing.T) {
			text := readTrace(t, name)
			m, out := replay(t, text)
			if len(out.Records) != 1 {
				t.Fatalf("%d records, want one", len(out.Records))
			}
			if got := out.Records[0].TalkMs; got != want {
				t.Errorf("talk_ms %d, want %d", got, want)
			}
			if n := m.Size(); n != 0 {
				t.Errorf("%d things are left in memory after all calls have ended", n)
			}
			_, again := replay(t, text)
			if !bytes.Equal(again.Records[0].JSON(), out.Records[0].JSON()) {
				t.Errorf("the same frames gave other bytes:\n%s\n%s",
					out.Records[0].JSON(), again.Records[0].JSON())
			}
		})
	}
}

// The gateway may crash between any two frames: the evidence so far rebuilds the open call.
func TestEvidenceRebuildsTheCallAfterAnyFrame(t *testing.T) {
	for name := range talkMs {
		t.Run(name, func(t *testing.T) {
			_, whole := replay(t, readTrace(t, name))
			frames := evidenceOf(whole, whole.Records[0].Call)
			for cut := 1; cut < len(frames); cut++ {
				m, _, err := mediation.Replay(frames[:cut])
				if err != nil {
					t.Fatalf("after %d frames: %v", cut, err)
				}
				if m.OpenCalls() != 1 {
					t.Fatalf("after %d frames %d calls are open, want one", cut, m.OpenCalls())
				}
			}
			_, out, err := mediation.Replay(frames)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := out.Records[0].JSON(), whole.Records[0].JSON(); !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// Bad frames between good ones change nothing that the good ones say.
func TestBadFramesChangeNoTalk(t *testing.T) {
	const at = `"timestamp":"2026-11-23T09:46:18.000+0000"`
	long := append([]byte(`{"type":"ChannelVarset","value":"`), bytes.Repeat([]byte("a"), 2<<20)...)
	bad := map[string][]byte{
		"malformed":   []byte(`{"type":"ChannelHold","timestamp":`),
		"unknown":     []byte(`{"type":"ChannelTeleported",` + at + `,"channel":{"id":"x"}}`),
		"ours":        []byte(`{"type":"risposta.Gap",` + at + `,"reason":"silence"}`),
		"not object":  []byte(`[1,2,3]`),
		"binary":      {0xff, 0xfe, 0x00, 0x01},
		"no channel":  []byte(`{"type":"ChannelHold",` + at + `}`),
		"no time":     []byte(`{"type":"ChannelHold","channel":{"id":"nobody","name":"x"}}`),
		"two megs":    append(long, `"}`...),
		"duplicate":   []byte(`{"type":"ChannelHold","type":"ChannelHold"}`),
		"empty":       []byte(`{}`),
		"null":        []byte(`null`),
		"wrong types": []byte(`{"type":"Dial","timestamp":7,"peer":"x"}`),
	}
	for name, frame := range bad {
		t.Run(name, func(t *testing.T) {
			lines := bytes.SplitAfter(readTrace(t, "hold-transfer"), []byte("\n"))
			var text []byte
			for i, line := range lines {
				text = append(text, line...)
				if i%20 == 7 {
					text = append(append(text, frame...), '\n')
				}
			}
			_, out := replay(t, text)
			if len(out.Records) != 1 || out.Records[0].TalkMs != talkMs["hold-transfer"] {
				t.Errorf("got %+v, want one record of %d ms", out.Records, talkMs["hold-transfer"])
			}
		})
	}
}

func TestLatin1NamesAndUnknownFieldsAreRead(t *testing.T) {
	text := readTrace(t, "answered")
	odd := "\"caller\":{\"name\":\"Mar\xeda\",\"novelty\":{\"a\":[1]},"
	text = bytes.ReplaceAll(text, []byte(`"caller":{"name":"",`), []byte(odd))
	_, out := replay(t, text)
	if want := talkMs["answered"]; len(out.Records) != 1 || out.Records[0].TalkMs != want ||
		len(out.Rejects) != 0 {
		t.Errorf("got %+v, %d rejects; want one record of %d ms and none",
			out.Records, len(out.Rejects), want)
	}
}

func TestTruncatedRecordingEndsItsCallUncertain(t *testing.T) {
	text := readTrace(t, "answered")
	cut := bytes.Index(text, []byte(`"type":"ChannelHangupRequest"`))
	text = text[:bytes.LastIndexByte(text[:cut], '\n')+1]
	m, out := replay(t, text)
	if want := talkMs["answered"]; len(out.Records) != 1 || out.Records[0].TalkMs > want ||
		out.Records[0].Outcome != metering.Uncertain {
		t.Errorf("got %+v, want one uncertain record of at most %d ms", out.Records, want)
	}
	if m.OpenCalls() != 0 {
		t.Error("the call is still open")
	}
}
