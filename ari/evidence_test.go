package ari_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// Evidence holds the same facts as the frame, and no number.
func TestEvidenceKeepsTheFactsOfRecordedFrames(t *testing.T) {
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
			queue, _, _ := strings.Cut(c.AppData, ",")
			if c.AppData = ""; c.App == "Queue" {
				c.AppData = queue
			}
		}
		// Evidence has the kind of a dialled number in its place, and nothing of playbacks.
		ev.Dialled, ev.Playback, ev.PlayState, ev.Bridge.Room = "", "", "", ""
		if diff := cmp.Diff(ev, again, cmp.AllowUnexported(metering.Number{})); diff != "" {
			t.Fatalf("%s: (-frame +evidence)\n%s", ev.Kind, diff)
		}
	}
}

func TestEvidenceKeepsSnapshotsGapsAndUnreadableFrames(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 46, 18, 123e6, time.UTC)
	leg := ari.Leg{
		Channel: ari.Channel{
			ID: "c1", Name: "PJSIP/out-00000001", State: "Ringing", App: "Queue", AppData: "support",
			Created: now.Add(-time.Minute),
		},
		Hold: ari.HoldOn, Feature: ari.FeatureHoldAway, Dialled: true, DialledBy: "c2",
		Number: "premium", Moved: now.Add(-time.Second), LastEvent: now,
	}
	snapshot := &ari.Snapshot{
		At: now, Node: "pbx", Legs: []ari.Leg{leg, {Channel: ari.Channel{ID: "c2"}}},
		Bridges: []ari.Bridge{{ID: "b", Type: "mixing", Channels: []ari.ChannelID{"c2", "c1"}}},
	}
	for _, ev := range []ari.Event{
		{Kind: ari.Gap, At: now, Node: "pbx", Reason: ari.GapSilence},
		{Kind: ari.UnreadableFrame, At: now, Node: "pbx", Channels: []ari.ChannelID{"c1", "c2"}},
		{Kind: ari.SnapshotTaken, At: now, Node: "pbx", Snapshot: snapshot},
		{Kind: ari.LegSnapshot, At: now, Node: "pbx", Snapshot: snapshot},
	} {
		line := ari.EncodeEvidence(ev)
		again, err := ari.DecodeEvidence(line)
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if diff := cmp.Diff(ev, again, cmp.AllowUnexported(metering.Number{})); diff != "" {
			t.Errorf("%s: (-event +evidence)\n%s", ev.Kind, diff)
		}
		if _, err := ari.Decode(line); err == nil {
			t.Errorf("a PBX may send %s", line)
		}
	}
}

// The dialplan gives Queue() more than the queue's name: its URL may hold the caller's number.
func TestEvidenceKeepsOnlyTheNameOfTheQueue(t *testing.T) {
	c := ari.Channel{
		ID: "c1", Name: "PJSIP/trunk-00000001", State: "Ring", App: "Queue",
		AppData: "support,tn,https://crm.example/?caller=+390612345678",
	}
	leg := ari.Event{Kind: ari.LegSnapshot, Snapshot: &ari.Snapshot{Legs: []ari.Leg{{Channel: c}}}}
	for _, ev := range []ari.Event{{Kind: ari.ChannelDialplan, Channel: c}, leg} {
		line := string(ari.EncodeEvidence(ev))
		if !strings.Contains(line, `"app_data":"support"`) {
			t.Errorf("the queue is not in %s", line)
		}
		if strings.Contains(line, "0612345678") {
			t.Errorf("a number in clear: %s", line)
		}
	}
}

func TestDecodeEvidenceRefusesWhatEvidenceNeverHas(t *testing.T) {
	const at = `"timestamp":"2026-11-23T09:46:18.000Z"`
	const asterisk = `"timestamp":"2026-11-23T09:46:18.000+0000","channel":{"id":"a"}`
	const legs = `"legs":[{"channel":{"id":"a","name":""},"hold":"2"}]`
	for frame, says := range map[string]string{
		`{"type":"ChannelVarset",` + asterisk + `}`:             `variable: "" is none`,
		`{"type":"ChannelTransfer",` + at + `}`:                 "none that version 1 has",
		`{"type":"risposta.Call",` + at + `}`:                   "none that version 1 has",
		`{"type":"risposta.Later",` + at + `}`:                  "none that version 1 has",
		`{"type":"risposta.Gap","reason":"silence"}`:            "timestamp",
		`{"type":"risposta.Gap",` + at + `,"reason":"x","b":1}`: "unknown object member",
		`{"type":"ChannelHold"`:                                 "unexpected EOF",
		`{"type":"risposta.Snapshot",` + at + `,` + legs + `}`:  `hold: "2" is not`,
	} {
		_, err := ari.DecodeEvidence([]byte(frame))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s gives %v, want an error with %q", frame, err, says)
		}
	}
}

// For any bytes the decoder returns an event or an Unreadable, and evidence of an event can be
// read.
func FuzzDecode(f *testing.F) {
	for i, frame := range recordedFrames(f) {
		if i%10 == 0 {
			f.Add(frame)
		}
	}
	f.Add([]byte(`{"type":"Dial","timestamp":"2026-11-23T09:46:18.000+0000","peer":{"id":"a"}}`))
	f.Add([]byte(`{"type":"risposta.Gap","timestamp":"2026-11-23T09:46:18.000Z","reason":"silence"}`))
	f.Fuzz(func(t *testing.T, frame []byte) {
		ev, err := ari.Decode(frame)
		if err != nil {
			var bad *ari.Unreadable
			if !errors.As(err, &bad) {
				t.Fatalf("error %v is no Unreadable", err)
			}
			return
		}
		if ev.Kind != ari.Other {
			checkEvidence(t, ev)
		}
	})
}

// For any bytes that read as evidence, what was read can be written and read again.
func FuzzDecodeEvidence(f *testing.F) {
	f.Add([]byte(`{"type":"risposta.Snapshot","timestamp":"2026-11-23T09:46:18.000Z",` +
		`"legs":[{"channel":{"id":"a","name":"x"},"hold":"on","dialled_by":"b"}]}`))
	f.Add([]byte(`{"type":"risposta.LegSnapshot","timestamp":"2026-11-23T09:46:18.000Z"}`))
	f.Fuzz(func(t *testing.T, frame []byte) {
		ev, err := ari.DecodeEvidence(frame)
		if err == nil && ev.Kind != ari.Other {
			checkEvidence(t, ev)
		}
	})
}

func checkEvidence(t *testing.T, ev ari.Event) {
	t.Helper()
	line := ari.EncodeEvidence(ev)
	if bytes.ContainsRune(line, '\n') {
		t.Fatalf("evidence of more than one line: %q", line)
	}
	if _, err := ari.DecodeEvidence(line); err != nil {
		t.Fatalf("the evidence of %+v can't be read: %v: %s", ev, err, line)
	}
}

// The example of an event in docs/evidence.md is what the gateway writes.
func TestTheExampleOfTheDocumentIsEvidence(t *testing.T) {
	text, err := os.ReadFile("../docs/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	_, events, _ := strings.Cut(string(text), "## Asterisk's events")
	_, example, _ := strings.Cut(events, "```json\n")
	example, _, _ = strings.Cut(example, "\n")
	ev, err := ari.DecodeEvidence([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(ari.EncodeEvidence(ev)); got != example {
		t.Errorf("the example reads as\n%s", got)
	}
}
